"""On-site findings and other offline input of evaluations: reading what was entered, keeping versions and evidence.

A finding is never changed: a correction, or taking it back, is its next version with a reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from portal.accounts.queries import enterprise_by_id
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.clock import CITY_ZONE
from portal.core.crypto import sm3_hex
from portal.core.errors import Invalid, NotFound
from reports.indicators import DEFINITIONS
from reports.models import SiteEvidence, SiteFinding

METHODS: Mapping[str, str] = {
    "site": "On-site check",
    "measurement": "Field measurement",
    "questionnaire": "Questionnaire",
    "interview": "Interview",
    "document": "Review of papers",
}
VERDICTS: Mapping[str, str] = {
    "agrees": "agrees with the system",
    "differs": "differs from the system",
    "defect": "defect found",
}
MAX_EVIDENCE_BYTES = 8 * 1024 * 1024
SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
)
CLOCK_SKEW = timedelta(minutes=5)
REASON_MIN_CHARS = 4
LONGEST_WORDS = {"subject": 200, "result": 1000, "found_by": 100, "place": 200}


@dataclass(frozen=True)
class FindingForm:
    """A finding as entered."""

    method: str
    subject: str
    result: str
    verdict: str
    found_by: str
    found_at: datetime
    place: str
    object_code: str | None = None
    indicator: str | None = None
    system_value: float | None = None
    field_value: float | None = None
    unit: str | None = None
    counts: bool = False
    withdrawn: bool = False
    reason: str | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str], now: datetime) -> FindingForm:
        """Return what a form says; raise Invalid with the code of the first thing that is wrong."""
        words = {name: _words(given, name, chars) for name, chars in LONGEST_WORDS.items()}
        method, verdict = given.get("method", ""), given.get("verdict", "")
        if method not in METHODS or verdict not in VERDICTS or not all(words.values()):
            raise Invalid("finding_incomplete")
        made = cls(
            method=method,
            verdict=verdict,
            found_at=_instant(given.get("found_at", ""), now),
            object_code=_words(given, "object_code", 64) or None,
            indicator=given.get("indicator") or None,
            system_value=_number(given, "system_value"),
            field_value=_number(given, "field_value"),
            unit=_words(given, "unit", 20) or None,
            counts=bool(given.get("counts")),
            withdrawn=bool(given.get("withdrawn")),
            reason=_words(given, "reason", 300) or None,
            **words,
        )
        made._check_indicator()
        return made

    def _check_indicator(self) -> None:
        units = {each.id: each.unit for each in DEFINITIONS}
        if self.indicator is not None and self.indicator not in units:
            raise Invalid("finding_indicator_unknown")
        if not self.counts:
            return
        if self.indicator is None or self.field_value is None:
            raise Invalid("finding_counts_without_value")
        if units[self.indicator] == "%" and not 0 <= self.field_value <= 100:
            raise Invalid("finding_percent_wrong")


def new_finding(enterprise_id: int, period_from: date) -> SiteFinding:
    """Return the empty place of a finding that has no number yet."""
    return SiteFinding(enterprise_id=enterprise_id, period_from=period_from)


def record_finding(
    session: Session,
    form: FindingForm,
    *,
    before: SiteFinding,
    evidence: tuple[str, bytes] | None,
    actor: Actor,
    now: datetime,
) -> SiteFinding:
    """Keep a finding, or the next version of `before` when that is one; raise Invalid without a reason."""
    enterprise_by_id(session, before.enterprise_id)
    _one_after_the_other(session, before)
    newest = _newest_version(session, before)
    if newest and len(form.reason or "") < REASON_MIN_CHARS:
        raise Invalid("reason_needed")
    proof = _keep_evidence(session, before.enterprise_id, evidence) if evidence else before.evidence_id
    made = SiteFinding(
        enterprise_id=before.enterprise_id,
        period_from=before.period_from,
        number=before.number or _next_number(session, before),
        version=newest + 1,
        evidence_id=proof,
        user_id=actor.id,
        entered_by=actor.shown_name,
        entered_at=now,
        **{name: getattr(form, name) for name in form.__dataclass_fields__ if newest or name != "reason"},
    )
    session.add(made)
    session.flush()
    record(
        session,
        actor,
        "site_finding.record",
        object_type="site_finding",
        object_id=made.id,
        enterprise_id=made.enterprise_id,
        before={"version": newest} if newest else None,
        after={"number": made.number, "version": made.version, "period": f"{made.period_from:%Y-%m}"},
    )
    return made


def current_findings(session: Session, enterprise_id: int, period_from: date) -> list[dict[str, Any]]:
    """Return the newest version of every finding of a month that was not taken back, as plain rows by number."""
    newest = (
        select(SiteFinding.number, func.max(SiteFinding.version).label("version"))
        .where(SiteFinding.enterprise_id == enterprise_id, SiteFinding.period_from == period_from)
        .group_by(SiteFinding.number)
        .subquery()
    )
    wanted = (
        select(SiteFinding, SiteEvidence)
        .join(newest, (newest.c.number == SiteFinding.number) & (newest.c.version == SiteFinding.version))
        .outerjoin(SiteEvidence, SiteEvidence.id == SiteFinding.evidence_id)
        .options(defer(SiteEvidence.content))
        .where(
            SiteFinding.enterprise_id == enterprise_id,
            SiteFinding.period_from == period_from,
            SiteFinding.withdrawn.is_(False),
        )
        .order_by(SiteFinding.number)
    )
    return [_as_row(finding, proof) for finding, proof in session.execute(wanted)]


def finding(session: Session, finding_id: int) -> SiteFinding:
    """Return one version of a finding; raise NotFound outside the scope."""
    found = session.get(SiteFinding, min(finding_id, 2**63 - 1))
    if found is None:
        raise NotFound("site_finding", finding_id=finding_id)
    return found


def versions_of(session: Session, of: SiteFinding) -> list[SiteFinding]:
    """Return every version of a finding, newest first."""
    return list(session.scalars(select(SiteFinding).where(*_same(of)).order_by(SiteFinding.version.desc())))


def evidence_of(session: Session, evidence_id: int, *, actor: Actor) -> SiteEvidence:
    """Return the file that proves a finding, and write into the audit who took it; raise NotFound."""
    found = session.get(SiteEvidence, min(evidence_id, 2**63 - 1))
    if found is None:
        raise NotFound("site_evidence", evidence_id=evidence_id)
    record(
        session,
        actor,
        "site_finding.read_evidence",
        object_type="site_evidence",
        object_id=found.id,
        enterprise_id=found.enterprise_id,
        after={"sm3": found.sm3},
    )
    return found


def _as_row(found: SiteFinding, proof: SiteEvidence | None) -> dict[str, Any]:
    names = (
        "id", "number", "version", "method", "subject", "object_code", "indicator", "system_value", "field_value",
        "unit", "counts", "result", "verdict", "found_by", "found_at", "place", "evidence_id", "entered_by", "entered_at",
    )  # fmt: skip
    about = {"evidence_name": proof.name if proof else None, "evidence_sm3": proof.sm3 if proof else None}
    return {name: getattr(found, name) for name in names} | about


def _same(of: SiteFinding) -> tuple[Any, ...]:
    return (
        SiteFinding.enterprise_id == of.enterprise_id,
        SiteFinding.period_from == of.period_from,
        SiteFinding.number == of.number,
    )


def _one_after_the_other(session: Session, of: SiteFinding) -> None:
    name = f"finding {of.enterprise_id} {of.period_from}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _newest_version(session: Session, of: SiteFinding) -> int:
    return int(session.scalar(select(func.max(SiteFinding.version)).where(*_same(of))) or 0) if of.number else 0


def _next_number(session: Session, of: SiteFinding) -> int:
    wanted = select(func.max(SiteFinding.number)).where(*_same(of)[:2])
    return int(session.scalar(wanted) or 0) + 1


def _keep_evidence(session: Session, enterprise_id: int, given: tuple[str, bytes]) -> int:
    name, content = given
    kind = next((kind for sign, kind in SIGNS if content.startswith(sign)), None)
    if kind is None or len(content) > MAX_EVIDENCE_BYTES:
        raise Invalid("evidence_wrong")
    shown = name.replace("\\", "/").rpartition("/")[2].replace("\x00", "").strip()[:120] or "evidence"
    kept = SiteEvidence(enterprise_id=enterprise_id, name=shown, media_type=kind, sm3=sm3_hex(content), content=content)
    session.add(kept)
    session.flush()
    return int(kept.id)


def _words(given: Mapping[str, str], name: str, chars: int) -> str:
    return given.get(name, "").replace("\x00", "").strip()[:chars]


def _number(given: Mapping[str, str], name: str) -> float | None:
    words = given.get(name, "").strip()
    if not words:
        return None
    try:
        value = float(words)
    except ValueError as wrong:
        raise Invalid("finding_number_wrong") from wrong
    if not math.isfinite(value) or abs(value) > 1e12:
        raise Invalid("finding_number_wrong")
    return value


def _instant(words: str, now: datetime) -> datetime:
    """Return an instant typed in city time; raise Invalid for one ahead of now or unreadable."""
    try:
        found = datetime.fromisoformat(words.strip())
    except ValueError as wrong:
        raise Invalid("finding_time_wrong") from wrong
    instant = found if found.tzinfo else found.replace(tzinfo=CITY_ZONE)
    if instant > now + CLOCK_SKEW or found.year < 2000:
        raise Invalid("finding_time_wrong")
    return instant

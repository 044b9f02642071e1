"""Rules as rows: shipped first versions, proposals, and the second person's decision."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingestion_adapters.quality.kinds import KINDS
from ingestion_adapters.quality.models import QualityRule
from ingestion_adapters.quality.verdicts import Parameters, Verdict
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound

SHIPPED_FILE = Path(__file__).with_name("data") / "rules.json"
COLUMNS = ("code", "quality", "dataset", "kind", "parameters", "weight", "severity", "zh", "en", "source")
METHODS = ("mad", "iqr", "season")
REASON_LEAST, REASON_MOST = 4, 500


@dataclass(frozen=True)
class Trial:
    """One of a rule's own examples and what the rule says of it now."""

    zh: str
    en: str
    passes: bool | None
    verdict: Verdict | None

    @property
    def right(self) -> bool:
        """Return whether the rule says of it what it should; None asks for no verdict at all."""
        said = None if self.verdict is None else not self.verdict.wrong
        return said == self.passes


@cache
def shipped() -> Mapping[str, dict[str, Any]]:
    """Return code -> rule as shipped, with its examples."""
    return {each["code"]: each for each in json.loads(SHIPPED_FILE.read_text(encoding="utf-8"))}


def trials(code: str, kind: str, parameters: Parameters) -> list[Trial]:
    """Run a rule's own examples with some parameters."""
    found = shipped().get(code)
    judge = KINDS[kind].judge
    examples = found["examples"] if found else []
    return [Trial(each["zh"], each["says"], each["passes"], judge(each["values"], parameters)) for each in examples]


def install_rules(session: Session, now: datetime) -> int:
    """Put the shipped rules in force that the table does not know; return how many."""
    known = set(session.scalars(select(QualityRule.code).distinct()))
    new = [each for code, each in shipped().items() if code not in known]
    for each in new:
        values = {name: each[name] for name in COLUMNS}
        row = insert(QualityRule).values(version=1, state="in_force", reason="shipped", valid_from=now, **values)
        session.execute(row.on_conflict_do_nothing())
    return len(new)


def rules_in_force(session: Session) -> Sequence[QualityRule]:
    """Return the rules in force."""
    return session.scalars(select(QualityRule).where(QualityRule.state == "in_force").order_by(QualityRule.code)).all()


def versions_of(session: Session, code: str) -> Sequence[QualityRule]:
    """Return every version of a rule, newest first; raise NotFound for an unknown one."""
    found = session.scalars(
        select(QualityRule).where(QualityRule.code == code).order_by(QualityRule.version.desc())
    ).all()
    if not found:
        raise NotFound("quality_rule", rule=code)
    return found


@dataclass(frozen=True)
class Proposal:
    """What a person wants a rule to be from now on."""

    parameters: dict[str, Any]
    weight: float
    severity: int
    reason: str


def propose(session: Session, code: str, wanted: Proposal, *, now: datetime, actor: Actor) -> QualityRule:
    """Write the next version of a rule as a proposal; raise Conflict while another waits."""
    versions = versions_of(session, code)
    if any(each.state == "proposed" for each in versions):
        raise Conflict("quality_proposal_waits", rule=code)
    present = next(each for each in versions if each.state == "in_force")
    check_proposal(present, wanted)
    newest = session.scalar(select(func.max(QualityRule.version)).where(QualityRule.code == code)) or 0
    kept = {name: getattr(present, name) for name in COLUMNS}
    changed = {"parameters": wanted.parameters, "weight": wanted.weight, "severity": wanted.severity}
    made = QualityRule(
        **kept | changed,
        version=newest + 1,
        state="proposed",
        reason=wanted.reason.strip(),
        proposed_by=actor.id,
        proposed_at=now,
    )
    session.add(made)
    session.flush()
    record(session, actor, "quality.propose", object_type="quality_rule", object_id=f"{code} v{made.version}",
           before=_snapshot(present), after=_snapshot(made))  # fmt: skip
    return made


def decide(session: Session, rule_id: int, *, approve: bool, note: str, now: datetime, actor: Actor) -> QualityRule:
    """Put a proposed version in force, or refuse it; never by the one who proposed it."""
    rule = session.scalar(select(QualityRule).where(QualityRule.id == rule_id).with_for_update())
    if rule is None:
        raise NotFound("quality_rule", id=rule_id)
    if rule.state != "proposed":
        raise Conflict("quality_decided", id=rule_id)
    if actor.id is None or actor.id == rule.proposed_by:
        raise NotAllowed("quality_four_eyes")
    if approve:
        session.execute(
            update(QualityRule)
            .where(QualityRule.code == rule.code, QualityRule.state == "in_force")
            .values(state="retired", valid_to=now)
        )
        rule.valid_from = now
    rule.state = "in_force" if approve else "refused"
    rule.decided_by, rule.decided_at, rule.decision = actor.id, now, note.strip()[:REASON_MOST] or None
    session.flush()
    record(session, actor, "quality.approve" if approve else "quality.refuse", object_type="quality_rule",
           object_id=f"{rule.code} v{rule.version}", after=_snapshot(rule))  # fmt: skip
    return rule


def check_proposal(present: QualityRule, wanted: Proposal) -> None:
    """Raise Invalid when a proposal is out of bounds, changes nothing, or fails the rule's own examples."""
    if not REASON_LEAST <= len(wanted.reason.strip()) <= REASON_MOST:
        raise Invalid("quality_reason")
    if not (math.isfinite(wanted.weight) and 0 <= wanted.weight <= 10) or wanted.severity not in (2, 3, 4):
        raise Invalid("quality_weight")
    if set(wanted.parameters) != set(present.parameters):
        raise Invalid("quality_parameters")
    for name, value in wanted.parameters.items():
        _check_value(name, value, present.parameters[name])
    same = (wanted.parameters, wanted.weight, wanted.severity) == (present.parameters, present.weight, present.severity)
    if same:
        raise Invalid("quality_unchanged")
    if not all(each.right for each in trials(present.code, present.kind, wanted.parameters)):
        raise Invalid("quality_examples")


def _check_value(name: str, value: Any, before: Any) -> None:
    if isinstance(before, str):
        allowed = METHODS if name == "method" else (before,)
        fits = value in allowed
    elif isinstance(before, list):
        fits = isinstance(value, list) and 0 < len(value) <= 20 and all(isinstance(each, int) for each in value)
    else:
        fits = (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and abs(value) <= 1e9
        )
    if not fits:
        raise Invalid("quality_parameters")


def _snapshot(rule: QualityRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in ("version", "parameters", "weight", "severity", "state", "reason")}

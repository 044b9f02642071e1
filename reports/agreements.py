"""Agreements on evaluations: each change is a new version, which holds once city and enterprise have confirmed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.accounts.queries import enterprise_by_id
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict, NotAllowed, NotFound
from reports.agreement_rules import CITY, ENTERPRISE, PARTIES, Terms, terms_of
from reports.models import EvaluationAgreement, EvaluationConsent

VERSIONS_SHOWN = 50


@dataclass(frozen=True)
class Agreement:
    """One version with who confirmed it, by party."""

    row: EvaluationAgreement
    consents: dict[str, EvaluationConsent]

    @property
    def holds(self) -> bool:
        """Return whether both parties confirmed it."""
        return all(party in self.consents for party in PARTIES)

    @property
    def terms(self) -> Terms:
        """Return what was written down."""
        return terms_of(self.row.valid_from, self.row.content, self.row.note)

    def facts(self) -> dict[str, object]:
        """Return what a report says of it: version, first month, nodes, grades, and who confirmed it when."""
        confirmed = [
            {"party": party, "name": each.name, "at": each.at} for party, each in sorted(self.consents.items())
        ]
        return {
            "version": self.row.version,
            "valid_from": self.row.valid_from,
            "nodes": {key: each.node for key, each in self.terms.lines.items()},
            "grades": {grade: least for least, grade in self.terms.grades},
            "confirmed": confirmed,
        }


def party_of(actor: Actor) -> str:
    """Return the side a person speaks for; raise NotAllowed for neither."""
    if actor.enterprise_id is not None:
        return ENTERPRISE
    if actor.scope.whole_city:
        return CITY
    raise NotAllowed("agreement_party")


def versions(session: Session, enterprise_id: int) -> list[Agreement]:
    """Return the versions of an enterprise's agreement, newest first."""
    wanted = select(EvaluationAgreement).where(EvaluationAgreement.enterprise_id == enterprise_id)
    rows = session.scalars(wanted.order_by(EvaluationAgreement.version.desc()).limit(VERSIONS_SHOWN)).all()
    return _with_consents(session, rows)


def in_force(session: Session, enterprise_id: int, month: date) -> Agreement | None:
    """Return the agreement that holds for a month: the newest version both confirmed that begins by then."""
    both = (
        select(EvaluationConsent.agreement_id)
        .group_by(EvaluationConsent.agreement_id)
        .having(func.count() == len(PARTIES))
    )
    row = session.scalar(
        select(EvaluationAgreement)
        .where(
            EvaluationAgreement.enterprise_id == enterprise_id,
            EvaluationAgreement.valid_from <= month,
            EvaluationAgreement.id.in_(both),
        )
        .order_by(EvaluationAgreement.version.desc())
        .limit(1)
    )
    return _with_consents(session, [row])[0] if row is not None else None


def newest_by_enterprise(session: Session) -> dict[int, Agreement]:
    """Return the newest version of the agreement of each enterprise in scope that has one."""
    newest = select(func.max(EvaluationAgreement.id)).group_by(EvaluationAgreement.enterprise_id)
    rows = session.scalars(select(EvaluationAgreement).where(EvaluationAgreement.id.in_(newest))).all()
    return {each.row.enterprise_id: each for each in _with_consents(session, rows)}


def served_enterprises(session: Session) -> list[int]:
    """Return the enterprises that serve a district of the transaction's scope."""
    return list(session.scalar(text("select scope_served_enterprises()")) or [])


def propose(session: Session, enterprise_id: int, terms: Terms, *, now: datetime, actor: Actor) -> EvaluationAgreement:
    """Write the next version down, confirmed by the side that wrote it; the other side has yet to confirm."""
    party = party_of(actor)
    if party == ENTERPRISE and actor.enterprise_id != enterprise_id:
        raise NotFound("enterprise", enterprise_id=enterprise_id)
    enterprise_by_id(session, enterprise_id)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"agreement {enterprise_id}", 0))))
    newest = session.scalar(
        select(func.max(EvaluationAgreement.version)).where(EvaluationAgreement.enterprise_id == enterprise_id)
    )
    row = EvaluationAgreement(
        enterprise_id=enterprise_id,
        version=int(newest or 0) + 1,
        valid_from=terms.valid_from,
        content=terms.content(),
        note=terms.note,
        written_for=party,
        written_by=actor.shown_name,
        written_at=now,
    )
    session.add(row)
    session.flush()
    _audit(session, actor, "evaluation.propose", row)
    _consent(session, row, party, now, actor)
    return row


def confirm(session: Session, agreement_id: int, *, now: datetime, actor: Actor) -> EvaluationAgreement:
    """Confirm the newest version for one's side; raise Conflict when it is not the newest or was confirmed."""
    party = party_of(actor)
    row = session.get(EvaluationAgreement, min(agreement_id, 2**63 - 1))
    if row is None or (party == ENTERPRISE and row.enterprise_id != actor.enterprise_id):
        raise NotFound("agreement", agreement_id=agreement_id)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"agreement {row.enterprise_id}", 0))))
    newest = versions(session, row.enterprise_id)[0]
    if newest.row.id != row.id:
        raise Conflict("agreement_newer")
    if party in newest.consents:
        raise Conflict("agreement_confirmed")
    _consent(session, row, party, now, actor)
    return row


def _consent(session: Session, row: EvaluationAgreement, party: str, now: datetime, actor: Actor) -> None:
    session.add(
        EvaluationConsent(
            agreement_id=row.id, enterprise_id=row.enterprise_id, party=party, name=actor.shown_name, at=now
        )
    )
    session.flush()
    _audit(session, actor, "evaluation.confirm", row)


def _with_consents(session: Session, rows: Sequence[EvaluationAgreement]) -> list[Agreement]:
    wanted = select(EvaluationConsent).where(EvaluationConsent.agreement_id.in_([row.id for row in rows]))
    found: dict[int, dict[str, EvaluationConsent]] = {}
    for each in session.scalars(wanted):
        found.setdefault(each.agreement_id, {})[each.party] = each
    return [Agreement(row, found.get(row.id, {})) for row in rows]


def _audit(session: Session, actor: Actor, action: str, row: EvaluationAgreement) -> None:
    record(
        session,
        actor,
        action,
        object_type="evaluation_agreement",
        object_id=row.id,
        enterprise_id=row.enterprise_id,
        after={"version": row.version, "valid_from": row.valid_from.isoformat(), **row.content},
    )

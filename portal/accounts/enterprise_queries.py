"""Reads of what enterprises tell of themselves: profile, certificates and people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.enterprise_models import EnterpriseCertificate, EnterprisePerson, EnterpriseProfile
from portal.accounts.rules import certificate_state
from portal.jobs.queries import parameter_value

PEOPLE_MOST = 500
EXPIRING_DAYS = 90


@dataclass(frozen=True)
class Standing:
    """A certificate or a person's qualification, and how it stands: valid, expiring, expired, or undated."""

    row: Any
    state: str


@dataclass(frozen=True)
class Parts:
    """What an enterprise told of itself; `people_n` counts everybody listed."""

    profile: EnterpriseProfile | None
    certificates: list[Standing]
    people: list[Standing]
    people_n: int
    people_expired_n: int


def parts_of(session: Session, enterprise_id: int, today: date) -> Parts:
    """Return an enterprise's profile, its listed certificates, those ending first, and its listed people."""
    days = int(parameter_value(session, "certificate.expiring_days", EXPIRING_DAYS))
    certificates = session.scalars(
        select(EnterpriseCertificate)
        .where(EnterpriseCertificate.enterprise_id == enterprise_id, EnterpriseCertificate.listed.is_(True))
        .order_by(EnterpriseCertificate.expires_on, EnterpriseCertificate.id)
    )
    people = session.scalars(
        select(EnterprisePerson)
        .where(EnterprisePerson.enterprise_id == enterprise_id, EnterprisePerson.listed.is_(True))
        .order_by(EnterprisePerson.duty, EnterprisePerson.record_no)
    ).all()
    standing = [Standing(row, certificate_state(row.certificate_expires_on, today, days)) for row in people]
    return Parts(
        session.scalar(select(EnterpriseProfile).where(EnterpriseProfile.enterprise_id == enterprise_id)),
        [Standing(row, certificate_state(row.expires_on, today, days)) for row in certificates],
        standing[:PEOPLE_MOST],
        len(people),
        sum(each.state == "expired" for each in standing),
    )

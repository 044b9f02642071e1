"""Rows sent as a list within a record: certificates, people, people and machines at work on a site.

A list that is sent stands for all rows: one that no longer stands in it is kept, marked as not listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import field_marks
from ingestion_adapters.contract import Certificate, Enterprise, Person, WorksOperation
from ingestion_adapters.deliveries import Delivery
from ingestion_adapters.store_filed import Filing, as_field, put, stored_value
from portal.accounts.enterprise_models import EnterpriseCertificate, EnterprisePerson, EnterpriseProfile
from portal.safety.works.models import WorksOperation as OperationRow

PROFILE = Filing(Enterprise, EnterpriseProfile)
CERTIFICATES = Filing(Certificate, EnterpriseCertificate, key=("kind", "record_no"))
PEOPLE = Filing(Person, EnterprisePerson)
OPERATIONS = Filing(WorksOperation, OperationRow, key=("site_no", "record_no"))
NUMBERS = {Certificate: "no", Person: "person_no", WorksOperation: "operation_no"}


def store_parts(session: Session, given: Delivery, profile: Enterprise) -> bool:
    """Store what a profile tells beside the registration; return whether anything was new or changed."""
    written = _store_profile(session, given, profile)
    written += store_list(session, given, CERTIFICATES, profile.certificates)
    written += store_list(session, given, PEOPLE, profile.people)
    return written > 0


def _store_profile(session: Session, given: Delivery, profile: Enterprise) -> int:
    stated = [name for name in PROFILE.own if hasattr(profile, name) and getattr(profile, name) is not UNSET]
    if not stated:
        return 0
    wanted = ", ".join(PROFILE.columns)
    prior = session.execute(
        text(f"select {wanted} from enterprise_profile where enterprise_id = :e"), {"e": given.enterprise_id}
    ).one_or_none()
    marks = field_marks(Enterprise)
    row: dict[str, Any] = dict.fromkeys(PROFILE.columns) | (dict(prior._mapping) if prior is not None else {})
    row |= {name: stored_value(getattr(profile, name), marks[name]) for name in stated}
    row |= {"record_no": profile.uscc}
    return len(put(session, PROFILE, given, [(False, given.now, *(as_field(row[name]) for name in PROFILE.columns))]))


def store_list(session: Session, given: Delivery, filing: Filing, rows: Any, **parent: Any) -> int:
    """Store a list that was sent; `parent` are columns all its rows share. Return how many rows were written."""
    if rows is UNSET:
        return 0
    latest = {tuple(_own_key(filing, each)): each for each in rows}
    prior = _states(session, given, filing, parent)
    written = put(session, filing, given, [_row(given, filing, each, prior, parent) for each in latest.values()])
    gone = [row.id for key, row in prior.items() if row.listed and key not in latest]
    if gone:
        session.execute(
            text(f"update {filing.table} set listed = false, receipt_id = :receipt where id = any(:gone)"),
            {"gone": gone, "receipt": given.receipt_id},
        )
    return len(written) + len(gone)


def _own_key(filing: Filing, row: Any) -> Sequence[Any]:
    number = getattr(row, NUMBERS[filing.kind])
    return (row.kind, number) if "kind" in filing.key else (number,)


def _states(session: Session, given: Delivery, filing: Filing, parent: dict[str, Any]) -> dict[tuple[Any, ...], Any]:
    shared = {name: value for name, value in parent.items() if name in filing.key}
    narrowed = "".join(f" and {name} = :{name}" for name in shared)
    rows = session.execute(
        text(f"select id, {', '.join(filing.columns)} from {filing.table} where enterprise_id = :e{narrowed}"),
        shared | {"e": given.enterprise_id},
    )
    keys = [name for name in filing.key if name not in shared]
    return {tuple(getattr(row, name) for name in keys): row for row in rows}


def _row(
    given: Delivery, filing: Filing, record: Any, prior: dict[tuple[Any, ...], Any], parent: dict[str, Any]
) -> tuple[Any, ...]:
    known = prior.get(tuple(_own_key(filing, record)))
    marks = field_marks(filing.kind)
    values: dict[str, Any] = {
        "adcode": None,
        **parent,
        "listed": True,
        "record_no": getattr(record, NUMBERS[filing.kind]),
    }
    for name in filing.columns:
        if name in values:
            continue
        value = getattr(record, name, UNSET)
        values[name] = getattr(known, name, None) if value is UNSET else stored_value(value, marks[name])
    return (False, given.now, *(as_field(values[name]) for name in filing.columns))

"""ENT and DAY: an enterprise's own profile and its daily figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, Stored, kept_text, raw_text, time_finding
from ingestion_adapters.contract import DailySupply
from ingestion_adapters.contract import Enterprise as Profile
from ingestion_adapters.deliveries import Delivery
from ingestion_adapters.masking import masked_name
from ingestion_adapters.store_listed import store_parts
from ingestion_adapters.store_network import about, plain, without_repeats
from portal.accounts.models import Enterprise
from portal.audit.services import record
from portal.core.clock import gas_day
from portal.supply.rules import SupplyDay
from portal.supply.services import put_days

_SAME_NAME = ("name", "kind", "licence_no", "duty_phone", "short_name", "staff_n", "certified_n")


def store_profile(session: Session, given: Delivery, records: Sequence[Profile]) -> Stored:
    """Update the sender's own profile, certificates and people; another enterprise's profile is refused."""
    own = session.scalars(select(Enterprise).where(Enterprise.id == given.enterprise_id).with_for_update()).one()
    findings: list[Finding] = []
    written = known = 0
    for index, profile in without_repeats(records, lambda item: (item.uscc,), findings):
        refused = _refused(session, own, profile, index)
        if refused:
            findings.append(refused)
            continue
        changed = _change(session, own, _wanted(profile), given)
        changed = store_parts(session, given, profile) or changed
        written += changed
        known += not changed
    rows = [msgspec.to_builtins(records[found.row]) for found in findings]
    kept = [replace(found, raw=kept_text(row, "ENT")) for found, row in zip(findings, rows, strict=True)]
    return Stored(written, known, kept)


def _change(session: Session, own: Enterprise, wanted: dict[str, Any], given: Delivery) -> bool:
    changes = {name: value for name, value in wanted.items() if getattr(own, name) != value}
    if not changes:
        return False
    before = {name: str(getattr(own, name)) for name in changes}
    for name, value in changes.items():
        setattr(own, name, value)
    own.updated_at = given.now
    record(
        session,
        given.actor,
        "enterprise.profile",
        object_type="enterprise",
        object_id=own.id,
        enterprise_id=own.id,
        before=before,
        after={name: str(value) for name, value in changes.items()},
    )
    return True


def _refused(session: Session, own: Enterprise, profile: Profile, index: int) -> Finding | None:
    if profile.uscc != own.uscc:
        return about(
            profile, index, "E_NOT_YOURS", "uscc", "只能上报本企业的信息", "Only the own enterprise's profile is taken"
        )
    taken = select(Enterprise.id).where(Enterprise.short_name == profile.short_name, Enterprise.id != own.id)
    if profile.short_name and session.scalar(taken):
        return about(
            profile,
            index,
            "E_DUPLICATE_KEY",
            "short_name",
            "简称已被其他企业使用",
            "Another enterprise has this short name",
        )
    return None


def _wanted(profile: Profile) -> dict[str, Any]:
    wanted = {name: getattr(profile, name) for name in _SAME_NAME} | {"licence_expire_on": profile.licence_expire}
    if profile.safety_head:
        wanted["safety_head_masked"] = masked_name(profile.safety_head)
    return {name: value for name, value in wanted.items() if value is not None and value != ""}


def store_days(
    session: Session, enterprise_id: int, records: Sequence[DailySupply], receipt_id: int, *, now: datetime
) -> Stored:
    """Store daily supply; a gas day that has not begun is refused."""
    findings: list[Finding] = []
    days = []
    names = [item.name for item in fields(SupplyDay)]
    for index, sent in without_repeats(records, lambda item: (item.gas_day,), findings):
        if sent.gas_day > gas_day(now + timedelta(seconds=300)):
            late = time_finding("gas_day", "E_FUTURE")
            findings.append(
                Finding(index, late.code, late.zh, late.en, "gas_day", str(sent.gas_day), raw=raw_text(plain(sent)))
            )
        else:
            days.append(SupplyDay(**{name: getattr(sent, name) for name in names}))
    written = put_days(session, enterprise_id, days, receipt_id)
    return Stored(written, len(days) - written, findings)

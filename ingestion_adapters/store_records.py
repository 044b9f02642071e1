"""MTH, PAT, CHK, HAZ, EXC, EVT and DRL: each record type with its table, and the datasets that need more than one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from msgspec import UNSET
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Stored
from ingestion_adapters.contract import (
    Drill,
    EmergencyPlan,
    EmergencySupply,
    EmergencyTeam,
    HiddenDanger,
    HouseholdCheck,
    Incident,
    MonthlyReport,
    Patrol,
    WorksSite,
)
from ingestion_adapters.deliveries import Delivery
from ingestion_adapters.store_filed import Filing, store_filed, take_filed
from ingestion_adapters.store_listed import OPERATIONS, store_list
from portal.emergency.drills import models as readiness
from portal.emergency.incidents import models as incidents
from portal.safety.checks import models as checks
from portal.safety.hidden_dangers import models as hidden_dangers
from portal.safety.patrols import models as patrols
from portal.safety.works import models as works
from portal.supply import models as supply

FILINGS: dict[type, Filing] = {
    filing.kind: filing
    for filing in (
        Filing(MonthlyReport, supply.MonthlyReport, "month"),
        Filing(Patrol, patrols.Patrol, "begun_at"),
        Filing(HouseholdCheck, checks.HouseholdCheck, "checked_at"),
        Filing(HiddenDanger, hidden_dangers.HiddenDanger, "found_at"),
        Filing(WorksSite, works.WorksSite, "found_at", needs_place=True),
        Filing(Incident, incidents.Incident, "occurred_at"),
        Filing(Drill, readiness.Drill),
        Filing(EmergencyPlan, readiness.EmergencyPlan),
        Filing(EmergencySupply, readiness.EmergencySupply),
        Filing(EmergencyTeam, readiness.EmergencyTeam),
    )
}


def store_records(session: Session, given: Delivery, records: Sequence[Any]) -> Stored:
    """Store records of any of the filed types; each type goes to its own table."""
    groups: dict[type, list[int]] = {}
    for index, record in enumerate(records):
        groups.setdefault(type(record), []).append(index)
    total = Stored(0, 0, [])
    for kind, places in groups.items():
        mine = [records[place] for place in places]
        stored = (
            store_works(session, given, mine) if kind is WorksSite else store_filed(session, given, mine, FILINGS[kind])
        )
        findings = [replace(found, row=places[found.row]) for found in stored.rejections]
        total = Stored(
            total.accepted + stored.accepted,
            total.duplicate + stored.duplicate,
            [*total.rejections, *findings],
            total.late + stored.late,
        )
    return total


def store_works(session: Session, given: Delivery, records: Sequence[WorksSite]) -> Stored:
    """Store works sites and the people and machines at work on them."""
    work = take_filed(session, given, records, FILINGS[WorksSite])
    refused = {found.row for found in work.findings}
    changed = set(work.written)
    more = 0
    for index, site in enumerate(records):
        if index in refused or site.operations is UNSET:
            continue
        moved = store_list(
            session, given, OPERATIONS, site.operations, site_no=site.site_no, adcode=_adcode(session, given, site)
        )
        if moved and site.site_no not in changed:
            changed.add(site.site_no)
            more += 1
    return Stored(len(work.written) + more, work.known - more, work.findings, work.late)


def _adcode(session: Session, given: Delivery, site: WorksSite) -> str | None:
    found: str | None = session.scalar(
        text("select adcode from works_site where enterprise_id = :e and record_no = :n"),
        {"e": given.enterprise_id, "n": site.site_no},
    )
    return found

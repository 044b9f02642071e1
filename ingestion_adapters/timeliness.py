"""Whether a record was filed in time: each dataset's limit counted from what the record tells; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ingestion_adapters.contract import HiddenDanger, HouseholdCheck, Incident, MonthlyReport, Patrol, WorksSite
from ingestion_adapters.contract.sense import CITY_ZONE, MAJOR, PLANNED_STOP, known
from ingestion_adapters.contract.times import instant_of

Limits = Mapping[str, float]
LIMITS: dict[str, float] = {
    "intake.limit.haz_min": 120,
    "intake.limit.haz_major_min": 60,
    "intake.limit.exc_min": 120,
    "intake.limit.evt_min": 30,
    "intake.limit.stop_ahead_h": 48,
    "intake.limit.pat_h": 24,
    "intake.limit.chk_h": 24,
    "intake.limit.mth_day": 5,
}


def is_late(record: Any, received_at: datetime, limits: Limits) -> bool:
    """Return whether a record first received at an instant came after its limit; False when it has none."""
    limit_of = _DUE.get(type(record))
    due = limit_of(record, limits) if limit_of else None
    return due is not None and received_at > due


def _after(value: object, limit: timedelta) -> datetime | None:
    at = instant_of(value) if isinstance(value, str | int) else None
    return at + limit if at else None


def _danger(record: HiddenDanger, limits: Limits) -> datetime | None:
    key = "intake.limit.haz_major_min" if record.level == MAJOR else "intake.limit.haz_min"
    return _after(record.found_at, timedelta(minutes=limits[key]))


def _works(record: WorksSite, limits: Limits) -> datetime | None:
    return _after(record.found_at, timedelta(minutes=limits["intake.limit.exc_min"]))


def _incident(record: Incident, limits: Limits) -> datetime | None:
    if record.sort == PLANNED_STOP:
        return _after(record.occurred_at, -timedelta(hours=limits["intake.limit.stop_ahead_h"]))
    return _after(record.occurred_at, timedelta(minutes=limits["intake.limit.evt_min"]))


def _patrol(record: Patrol, limits: Limits) -> datetime | None:
    ended = known(record, "ended_at")
    return _after(ended, timedelta(hours=limits["intake.limit.pat_h"]))


def _check(record: HouseholdCheck, limits: Limits) -> datetime | None:
    return _after(record.checked_at, timedelta(hours=limits["intake.limit.chk_h"]))


def _month(record: MonthlyReport, limits: Limits) -> datetime | None:
    """Return the end of the day of the following month by which a month is due."""
    year, month = int(record.month[:4]), int(record.month[5:])
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=CITY_ZONE)
    return following + timedelta(days=limits["intake.limit.mth_day"])


_DUE: dict[type, Callable[[Any, Limits], datetime | None]] = {
    HiddenDanger: _danger,
    WorksSite: _works,
    Incident: _incident,
    Patrol: _patrol,
    HouseholdCheck: _check,
    MonthlyReport: _month,
}

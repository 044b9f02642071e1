"""What is owed to a superior: the newest state of chosen records, in the fields of our own contract."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from geoalchemy2.shape import to_shape
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ingestion_adapters.contract import DailySupply, HiddenDanger, Incident, MonthlyReport
from portal.accounts.models import Enterprise
from portal.emergency.incidents.models import Incident as StoredIncident
from portal.operation.alarms.models import Alarm, AlarmNow
from portal.safety.hidden_dangers.models import HiddenDanger as StoredDanger
from portal.supply.models import DailySupply as StoredDay
from portal.supply.models import MonthlyReport as StoredMonth

CRITICAL_ALARM = 1
MAJOR_DANGER = 3
PLANNED_STOP = 3
# A record is looked at again for so long after its last change: a collector that was down catches up.
LOOK_BACK = timedelta(days=3)


@dataclass(frozen=True)
class Owed:
    """One state of a record."""

    dataset: str
    object_key: str
    record: dict[str, Any]

    @property
    def content_sm3(self) -> str:
        """Return the SM3 of the record in canonical JSON, hex."""
        return hashlib.new("sm3", orjson.dumps(self.record, option=orjson.OPT_SORT_KEYS)).hexdigest()


def owed_since(session: Session, datasets: list[str], now: datetime) -> Iterator[Owed]:
    """Yield what changed lately of the datasets a superior gets."""
    for dataset in datasets:
        yield from COLLECTORS[dataset](session, now - LOOK_BACK)


def _alarms(session: Session, since: datetime) -> Iterator[Owed]:
    wanted = (
        select(Alarm, AlarmNow, Enterprise.uscc)
        .join(AlarmNow, AlarmNow.alarm_id == Alarm.id)
        .join(Enterprise, Enterprise.id == Alarm.enterprise_id)
        .where(AlarmNow.level == CRITICAL_ALARM, AlarmNow.historical.is_(False))
        .where(or_(Alarm.received_at >= since, AlarmNow.cleared_at >= since, AlarmNow.acknowledged_at >= since))
    )
    for fact, state, uscc in session.execute(wanted):
        number = fact.alarm_no or f"RJ{fact.id}"
        record = {
            "alarm_no": number,
            "kind": fact.kind,
            "level": state.level,
            "raised_at": fact.raised_at,
            "object_code": fact.object_code,
            "value": fact.value,
            "limit": fact.limit_value,
            "text": fact.text_said,
            "cleared_at": state.cleared_at,
        }
        yield _owed("ALM", uscc, number, record | _place(fact.geom))


def _incidents(session: Session, since: datetime) -> Iterator[Owed]:
    wanted = select(StoredIncident, Enterprise.uscc).join(Enterprise, Enterprise.id == StoredIncident.enterprise_id)
    wanted = wanted.where(StoredIncident.valid_from >= since, StoredIncident.sort != PLANNED_STOP)
    for row, uscc in session.execute(wanted):
        yield _owed("EVT", uscc, row.record_no, _fields(row, Incident) | {"event_no": row.record_no} | _place(row.geom))


def _dangers(session: Session, since: datetime) -> Iterator[Owed]:
    wanted = select(StoredDanger, Enterprise.uscc).join(Enterprise, Enterprise.id == StoredDanger.enterprise_id)
    wanted = wanted.where(StoredDanger.valid_from >= since, StoredDanger.level == MAJOR_DANGER)
    for row, uscc in session.execute(wanted):
        yield _owed(
            "HAZ", uscc, row.record_no, _fields(row, HiddenDanger) | {"hazard_no": row.record_no} | _place(row.geom)
        )


def _days(session: Session, since: datetime) -> Iterator[Owed]:
    wanted = select(StoredDay, Enterprise.uscc).join(Enterprise, Enterprise.id == StoredDay.enterprise_id)
    for row, uscc in session.execute(wanted.where(StoredDay.updated_at >= since)):
        yield _owed("DAY", uscc, row.gas_day.isoformat(), _fields(row, DailySupply))


def _months(session: Session, since: datetime) -> Iterator[Owed]:
    wanted = select(StoredMonth, Enterprise.uscc).join(Enterprise, Enterprise.id == StoredMonth.enterprise_id)
    for row, uscc in session.execute(wanted.where(StoredMonth.valid_from >= since)):
        month = row.month.strftime("%Y-%m")
        yield _owed("MTH", uscc, month, _fields(row, MonthlyReport) | {"month": month})


COLLECTORS: dict[str, Callable[[Session, datetime], Iterator[Owed]]] = {
    "ALM": _alarms,
    "EVT": _incidents,
    "HAZ": _dangers,
    "DAY": _days,
    "MTH": _months,
}


def _owed(dataset: str, uscc: str, number: str, record: dict[str, Any]) -> Owed:
    known = {name: _plain(value) for name, value in record.items() if value is not None}
    return Owed(dataset, f"{uscc}/{number}", {"uscc": uscc} | known)


def _fields(row: Any, kind: Any) -> dict[str, Any]:
    """Return the fields of a contract record that the row has."""
    return {name: getattr(row, name) for name in kind.__struct_fields__ if hasattr(row, name)}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _place(geom: Any) -> dict[str, Any]:
    if geom is None:
        return {}
    point = to_shape(geom).representative_point()
    return {"lon": round(point.x, 6), "lat": round(point.y, 6)}

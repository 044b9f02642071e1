"""How well the desk can be worked: rates, floods, priorities, chattering, stale alarms and bad actors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.scoping import in_scope
from portal.core.sql import load_sql
from portal.operation.alarms.models import AlarmNow
from portal.operation.alarms.queries import is_standing
from portal.operation.desk.rules import Figures, Flood, band_of, chatters, floods

HERE = str(Path(__file__).parent)
INSTANTS_MOST = 200_000
ACTORS_READ, ACTORS_SHOWN = 200, 10
STALE_SHOWN = 20


@dataclass(frozen=True)
class Hour:
    """One hour: alarms, how many of them critical and major, operators on duty."""

    hour: datetime
    alarms: int
    critical: int
    major: int
    operators: int

    @property
    def rate(self) -> float:
        """Return alarms an operator had to read in this hour."""
        return self.alarms / self.operators


@dataclass(frozen=True)
class Performance:
    """The figures of a span; shares between 0 and 1."""

    hours: Sequence[Hour]
    alarms: int
    rate: float
    peak: Hour | None
    band: str
    bands: Mapping[str, int]
    floods: Sequence[Flood]
    flood_share: float
    mix: Mapping[str, float]
    actors: Sequence[Any]
    chattering: Sequence[Any]
    stale: Sequence[Any]
    stale_count: int
    acknowledged: int
    seconds_to_acknowledge: float | None


def performance(
    session: Session, begin: datetime, end: datetime, *, figures: Figures, scope: Scope, now: datetime
) -> Performance:
    """Return the figures of the desk between two instants, within a scope."""
    values = {"begin": begin, "end": end} | _scope_values(scope)
    hours = [Hour(*row) for row in session.execute(load_sql(HERE, "hours"), values)]
    total, operator_hours = sum(each.alarms for each in hours), sum(each.operators for each in hours)
    rate = total / operator_hours if operator_hours else 0.0
    found = floods(_instants(session, begin, end, scope), figures)
    lasted = sum((each.end - each.begin for each in found), timedelta())
    actors = list(session.execute(load_sql(HERE, "bad_actors"), values | {"most": ACTORS_READ}))
    stale, stale_count = _stale(session, now - timedelta(hours=figures.stale_h), scope)
    acknowledged, wait_s = _acknowledging(session, begin, end, scope)
    bands = {"acceptable": 0, "manageable": 0, "overloaded": 0}
    for each in hours:
        bands[band_of(each.rate, figures)] += 1
    critical, major = sum(each.critical for each in hours), sum(each.major for each in hours)
    return Performance(
        hours=hours,
        alarms=total,
        rate=rate,
        peak=max(hours, key=lambda each: each.rate, default=None),
        band=band_of(rate, figures),
        bands=bands,
        floods=found,
        flood_share=lasted / (end - begin) if end > begin else 0.0,
        mix={
            "critical": critical / total if total else 0.0,
            "major": major / total if total else 0.0,
            "minor": (total - critical - major) / total if total else 0.0,
        },
        actors=actors[:ACTORS_SHOWN],
        chattering=[each for each in actors if chatters(each.instants, figures)],
        stale=stale,
        stale_count=stale_count,
        acknowledged=acknowledged,
        seconds_to_acknowledge=wait_s,
    )


def _scope_values(scope: Scope) -> dict[str, Any]:
    return {
        "all": scope.whole_city,
        "enterprises": sorted(scope.enterprise_ids),
        "districts": sorted(scope.adcodes),
    }


def _live(begin: datetime, end: datetime, scope: Scope) -> list[Any]:
    return [
        in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode),
        AlarmNow.raised_at >= begin,
        AlarmNow.raised_at < end,
        ~AlarmNow.historical,
    ]


def _instants(session: Session, begin: datetime, end: datetime, scope: Scope) -> list[datetime]:
    asked = select(AlarmNow.raised_at).where(*_live(begin, end, scope)).order_by(AlarmNow.raised_at)
    return list(session.scalars(asked.limit(INSTANTS_MOST)))


def _stale(session: Session, before: datetime, scope: Scope) -> tuple[Sequence[Any], int]:
    """Return the longest standing of the alarms active since before an instant, and how many there are."""
    mine = [
        in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode), is_standing(), AlarmNow.cleared_at.is_(None),
        AlarmNow.raised_at < before,
    ]  # fmt: skip
    columns = (AlarmNow.alarm_id, AlarmNow.level, AlarmNow.kind, AlarmNow.state, AlarmNow.object_code, AlarmNow.raised_at)
    rows = session.execute(select(*columns).where(*mine).order_by(AlarmNow.raised_at).limit(STALE_SHOWN)).all()
    return rows, int(session.scalar(select(func.count()).where(*mine)) or 0)


def _acknowledging(session: Session, begin: datetime, end: datetime, scope: Scope) -> tuple[int, float | None]:
    """Return how many alarms of a span were acknowledged, and the median time it took, s."""
    took = func.extract("epoch", AlarmNow.acknowledged_at - AlarmNow.raised_at)
    asked = select(func.count(), func.percentile_cont(0.5).within_group(took)).where(
        *_live(begin, end, scope), AlarmNow.acknowledged_at.is_not(None)
    )
    row = session.execute(asked).one()
    return int(row[0]), float(row[1]) if row[1] is not None else None

"""The figures of hours and days: made again for each hour in which readings arrived, then for its days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from portal.core.clock import GAS_DAY_STARTS_AT_H
from portal.core.sql import load_sql
from portal.jobs.queries import parameter_value
from portal.operation.telemetry.rules import begin_of_day, day_of

FOLDER = str(Path(__file__).parent)
RUN_LOCK = 727003
# A batch of late rows often comes in several pushes: wait for the rest of it.
SETTLED_AFTER = timedelta(seconds=20)
DAY_SETTLED_AFTER = timedelta(minutes=2)
HOURS_A_RUN, DAYS_A_RUN = 12, 20
HOUR = timedelta(hours=1)

# The newest first: a month of late rows must not let the present hour wait.
_DUE = text("select hour, since from rollup_due where since <= :settled order by hour desc limit :most")
# What was asked for again meanwhile has another `since` and stays; no push waits for a run.
_DONE = text(
    "delete from rollup_due r using unnest(cast(:hours as timestamptz[]), cast(:since as timestamptz[])) as d(hour, since)"
    " where r.hour = d.hour and r.since = d.since"
)
_DAYS_DUE = text(
    "insert into rollup_day_due (day, starts_at_h) select * from unnest(cast(:days as date[]), cast(:starts as smallint[]))"
    " order by 1, 2 on conflict (day, starts_at_h) do update set since = clock_timestamp()"
)
_DAY_DONE = text("delete from rollup_day_due where day = :day and starts_at_h = :starts_at_h and since = :since")
_MONTHS = text(
    "select ensure_reading_month(m::date) from generate_series(date_trunc('month', cast(:first as timestamp)),"
    " cast(:last as timestamp), interval '1 month') as m"
)
_RETIRED = text("select day from packed_day where retired_at is not null and day = any(cast(:days as date[]))")


def gas_day_starts_at_h(session: Session) -> int:
    """Return the city hour at which the gas day of daily figures begins."""
    return int(parameter_value(session, "telemetry.gas_day_starts_at_h", GAS_DAY_STARTS_AT_H))


def roll_up(session: Session, now: datetime) -> str:
    """Make the hourly figures of the hours that are due; return how many hours and rows."""
    if not session.scalar(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": RUN_LOCK}):
        return "another run is at work"
    due = session.execute(_DUE, {"settled": now - SETTLED_AFTER, "most": HOURS_A_RUN}).all()
    hours = sorted(row.hour for row in due)
    rows = sum(roll_up_span(session, begin, end) for begin, end in _spans(_not_retired(session, hours)))
    if due:
        session.execute(_DONE, {"hours": [row.hour for row in due], "since": [row.since for row in due]})
    return f"{len(hours)} hours, {rows} rows"


def roll_up_span(session: Session, begin: datetime, end: datetime, *, whole: bool = False) -> int:
    """Make the hourly figures of whole hours from begin to end and ask for their days; return the rows written.

    `whole` reads packed days for every point again, not only for those with late readings.
    """
    session.execute(_MONTHS, {"first": _utc_day(begin), "last": _utc_day(end - HOUR)})
    facts = {"begin": begin, "end": end, "first_day": _utc_day(begin), "last_day": _utc_day(end - HOUR), "whole": whole}
    rows = _rows_of(session.execute(load_sql(FOLDER, "roll_up"), facts))
    if rows:
        _ask_for_days(session, [begin + HOUR * place for place in range(round((end - begin) / HOUR))])
    return rows


def _ask_for_days(session: Session, hours: Sequence[datetime]) -> None:
    """Ask for the daily figures, by calendar day and by gas day, of the days that hold these hours."""
    starts = sorted({0, gas_day_starts_at_h(session)})
    wanted = sorted({(day_of(hour, each), each) for hour in hours for each in starts})
    session.execute(_DAYS_DUE, {"days": [day for day, _ in wanted], "starts": [each for _, each in wanted]})


def roll_up_days(session: Session, now: datetime) -> str:
    """Make the daily figures of the days that are due and over; the open day is read from its hours."""
    due = session.execute(
        text("select day, starts_at_h, since from rollup_day_due where since <= :settled order by day desc"),
        {"settled": now - DAY_SETTLED_AFTER},
    ).all()
    over = [row for row in due if begin_of_day(row.day + timedelta(days=1), row.starts_at_h) <= now][:DAYS_A_RUN]
    rows = 0
    for row in over:
        begin = begin_of_day(row.day, row.starts_at_h)
        end = begin_of_day(row.day + timedelta(days=1), row.starts_at_h)
        facts = {"day": row.day, "starts_at_h": row.starts_at_h}
        made = session.execute(load_sql(FOLDER, "roll_up_day"), facts | {"begin": begin, "end": end})
        rows += _rows_of(made)
        session.execute(_DAY_DONE, facts | {"since": row.since})
    return f"{len(over)} days, {rows} rows"


def _not_retired(session: Session, hours: Sequence[datetime]) -> list[datetime]:
    """Leave out hours whose readings were removed: their figures are all that is left."""
    gone = set(session.scalars(_RETIRED, {"days": sorted({_utc_day(hour) for hour in hours})}))
    return [hour for hour in hours if _utc_day(hour) not in gone]


def _spans(hours: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Give neighbouring hours of one UTC day as one span: a day's table is read once for them."""
    begin: datetime | None = None
    for place, hour in enumerate(hours):
        begin = begin or hour
        following = hours[place + 1] if place + 1 < len(hours) else None
        if following != hour + HOUR or _utc_day(hour) != _utc_day(hour + HOUR):
            yield begin, hour + HOUR
            begin = None


def _utc_day(hour: datetime) -> date:
    return hour.astimezone(UTC).date()


def _rows_of(done: object) -> int:
    return done.rowcount if isinstance(done, CursorResult) else 0

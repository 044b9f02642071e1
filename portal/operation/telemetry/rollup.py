"""The hourly figures of every point: made again for each hour in which readings arrived."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from portal.core.sql import load_sql

FOLDER = str(Path(__file__).parent)
# A batch of late rows often comes in several pushes: wait for the rest of it.
SETTLED_AFTER = timedelta(seconds=20)
# A push into an hour that is being made again waits for the run: keep a run short.
HOURS_A_RUN = 12

_TAKE_DUE = text(
    "delete from rollup_due where hour in (select hour from rollup_due where since <= :settled "
    "order by hour limit :most for update skip locked) returning hour"
)


def roll_up(session: Session, now: datetime) -> str:
    """Make the hourly figures of the hours that are due; return how many hours and rows."""
    hours = sorted(
        session.scalars(_TAKE_DUE, {"settled": now - SETTLED_AFTER, "most": HOURS_A_RUN})
    )
    rows = sum(roll_up_span(session, hour, hour + timedelta(hours=1)) for hour in hours)
    return f"{len(hours)} hours, {rows} rows"


def roll_up_span(session: Session, begin: datetime, end: datetime) -> int:
    """Make the hourly figures of whole hours from begin to end; return the number of rows written."""
    done = session.execute(load_sql(FOLDER, "roll_up"), {"begin": begin, "end": end})
    return done.rowcount if isinstance(done, CursorResult) else 0

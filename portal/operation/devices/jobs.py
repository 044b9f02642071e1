"""The job that counts operations of controlled devices from readings of their positions."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from portal.core.clock import day_bounds, local
from portal.core.sql import load_sql

HERE = str(Path(__file__).parent)


def count_operations(session: Session, now: datetime) -> str:
    """Count the operations of today and yesterday anew; late readings of yesterday count as well."""
    written = 0
    for back in (1, 0):
        day = local(now).date() - timedelta(days=back)
        begin, end = day_bounds(day)
        done = session.execute(load_sql(HERE, "count_operations"), {"day": day, "begin": begin, "end": end})
        written += int(done.rowcount)  # type: ignore[attr-defined]
    return f"{written} days of devices"

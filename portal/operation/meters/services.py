"""Storing counters of meters: one statement a batch, findings of counters that fell or ran too fast."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.sql import load_sql
from portal.operation.meters.rules import Counted, breach_of

HERE = str(Path(__file__).parent)
Breach = tuple[int, str, float, float, datetime]


@dataclass(frozen=True)
class CounterRows:
    """Readings as a COPY text stream (place, code, ms, value, quality, flag) and their times."""

    enterprise_id: int
    receipt_id: int
    body: io.StringIO
    ts_ms: NDArray[np.int64]


@dataclass(frozen=True)
class Taken:
    """What became of readings: new ones, known ones, places of unknown meters, breaches of rules by place."""

    added: int
    known: int
    unknown: list[int]
    breaches: list[Breach]


def store_counters(session: Session, rows: CounterRows) -> Taken:
    """Store readings by meter code, renew the newest ones, and judge each against the one before it."""
    _make_months(session, rows.ts_ms)
    session.execute(
        text(
            "create temp table if not exists meter_incoming (n int, code text, ms bigint, value float8, quality int2,"
            " flag int2) on commit delete rows"
        )
    )
    session.execute(text("truncate meter_incoming"))
    cursor = session.connection().connection.cursor()
    try:
        cursor.copy_expert("copy meter_incoming from stdin", rows.body)
    finally:
        cursor.close()
    done = session.execute(
        load_sql(HERE, "take_counters"), {"enterprise": rows.enterprise_id, "receipt": rows.receipt_id}
    ).one()
    if done.late_meters:
        session.execute(
            text("select link_late_meter_readings(:meters, :times)"),
            {"meters": done.late_meters, "times": done.late_times},
        )
    unknown = list(done.unknown or ())
    return Taken(done.added, int(rows.ts_ms.size) - len(unknown) - done.added, unknown, _judged(done))


def _make_months(session: Session, ts_ms: NDArray[np.int64]) -> None:
    months = np.unique(ts_ms.astype("datetime64[ms]").astype("datetime64[M]"))
    days: list[date] = [month.astype("datetime64[D]").astype(object) for month in months]
    session.execute(
        text("select ensure_meter_month(day) from unnest(cast(:days as date[])) as t(day) order by day"), {"days": days}
    )


def _judged(done: object) -> list[Breach]:
    """Return the breaches among the readings that the database holds for suspicious."""
    found: list[Breach] = []
    for n, before, after, digits, hours, qmax, since_s in getattr(done, "suspects", None) or ():
        rule = breach_of(Counted(before, after, int(digits), hours, qmax))
        if rule is not None:
            found.append((int(n), rule, before, after, datetime.fromtimestamp(since_s, UTC)))
    return found

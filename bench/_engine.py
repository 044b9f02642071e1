"""Alarm engine under load: what evaluation adds to a row of intake, how fast the past is replayed, alarms at once.

The parts `evaluation`, `rehearsal`, `storm` and `walks` of `script/bench alarms` call it. Everything is rolled back.
"""

from __future__ import annotations

import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
from geoalchemy2 import WKTElement
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.db import engine_for, hand_over_scope
from portal.flows.alarm_intake import take_in_readings
from portal.operation.alarms.models import Alarm
from portal.operation.limits.models import LimitChange, LimitRule
from portal.operation.limits.rehearsal import Span, alarms_of_points
from portal.operation.limits.replay import Around, Series, replay
from portal.operation.limits.table import forget_limits, rule_table
from portal.operation.telemetry.blocks import ReadingBlock
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.services import store_readings

DAY_MS, PERIOD_S = 86_400_000, 300
GOAL_POINTS, GOAL_DAYS, GOAL_S, GOAL_US = 10_000, 90, 300.0, 1.5
ROWS, ROUNDS, DATABASE_DAYS = 20_000, 15, 3


@contextmanager
def rolled_back(settings: Settings) -> Iterator[Session]:
    """Give a worker's session over the city whose changes never stay."""
    with Session(engine_for(settings.worker_database_url), expire_on_commit=False) as session:
        session.begin()
        hand_over_scope(session, settings, CITY)
        yield session
        session.rollback()
    forget_limits()


def make_points(session: Session, count: int, special: float) -> tuple[int, np.ndarray]:
    """Add an enterprise with points, the first `special` of them with steps and combined conditions; return numbers."""
    word = secrets.token_hex(4).upper().replace("I", "1").replace("O", "0")
    own = Enterprise(uscc=f"91370100MB{word}"[:18].ljust(18, "0"), name=word, short_name=word, kind=1)
    session.add(own)
    session.flush()
    place = WKTElement("POINT(112.5 32)", srid=STORAGE_SRID)
    session.add_all(
        Point(
            enterprise_id=own.id, src_code=f"P{n}", object_code=f"O{n // 4}", measure=1, unit="kPa", period_s=PERIOD_S,
            range_low=0, range_high=1000, low_low=50, low=100, high=500, high_high=550, geom=place,
        )
        for n in range(count)
    )  # fmt: skip
    session.flush()
    ids = np.array(session.scalars(select(Point.id).where(Point.enterprise_id == own.id).order_by(Point.id)).all(), np.int32)
    change = LimitChange(
        enterprise_id=own.id, title="bench", reason="bench", grade=2, points=count, drafted_by="bench",
        drafted_at=datetime.now(UTC), state=1,
    )  # fmt: skip
    session.add(change)
    session.flush()
    band = {"low_low": 50, "low": 100, "high": 500, "high_high": 550}
    rules = band | {
        "rate": {"over_s": 600, "rise": 200, "level": 3},
        "combined": {"when": "this > 480 and P0 < 120", "level": 3, "delay_s": 0},
    }
    session.add_all(
        LimitRule(
            change_id=change.id, point_id=int(each), enterprise_id=own.id, version=1, state=2, content=rules, former=band
        )
        for each in ids[: round(count * special)]
    )
    session.flush()
    return own.id, ids


def block_of(enterprise_id: int, ids: np.ndarray, rows: int, end_ms: int, *, value: float | None = None) -> ReadingBlock:
    """Return readings of all points, as many of each as fit, sorted; normal ones unless a value is given."""
    each = max(rows // ids.size, 1)
    point = np.repeat(ids[: min(ids.size, rows)], each)
    at = np.tile(end_ms - 1000 * np.arange(each, 0, -1), point.size // each)
    values = 300 + 20 * np.sin(np.arange(point.size)) if value is None else np.full(point.size, value)
    full = np.full(point.size, 192, np.int16)
    received = datetime.fromtimestamp(end_ms / 1000, UTC)
    return ReadingBlock(enterprise_id, 1, received, point, at.astype(np.int64), values, full, np.zeros(point.size, np.int16))


def evaluation(settings: Settings, points: int, special: float) -> dict[str, float]:
    """Return microseconds that judging adds to a row of a batch of normal readings."""
    with rolled_back(settings) as session:
        own, ids = make_points(session, points, special)
        now = datetime.now(UTC)
        block = block_of(own, ids, ROWS, round(now.timestamp() * 1000))
        taken = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            take_in_readings(session, block, now=now, actor=cli_actor(), remembered=frozenset())
            taken.append((time.perf_counter() - begun) / block.rows * 1e6)
    best = statistics.median(taken[2:])
    return {"evaluation_rows": block.rows, "evaluation_special_share": special, "evaluation_us_a_row": round(best, 3)}


def synthetic(days: int, seed: int) -> Series:
    """Return days of a pressure every five minutes that passes its limits about once in ten days."""
    rng = np.random.default_rng(seed)
    size = days * 86_400 // PERIOD_S
    at = round(time.time() * 1000) - days * DAY_MS + 1000 * PERIOD_S * np.arange(size)
    value = np.round(300 + 60 * np.sin(np.arange(size) / 45) + rng.normal(0, 12, size), 2)
    for _ in range(max(days // 10, 1)):
        begin = int(rng.integers(0, size - 6))
        value[begin : begin + 6] = 520
    full = np.zeros(size, np.int16)
    return Series(at.astype(np.int64), value, full + 192, full, np.arange(size), (at + 2000).astype(np.int64))


def rehearsal(settings: Settings, points: int, days: int) -> dict[str, float]:
    """Return the seconds of replaying old and new rules of points, and of 10,000 points over 90 days by proportion."""
    with rolled_back(settings) as session:
        own, ids = make_points(session, points, 0.1)
        watched = list(rule_table(session, own).points.values())
        begun = time.perf_counter()
        alarms = 0
        for seed, point in enumerate(watched):
            series = synthetic(days, seed)
            for _ in range(2):
                alarms += len(replay(point.ruled, series, Around(), until_ms=int(series.ts_ms[-1])))
        memory_s = time.perf_counter() - begun
        end = datetime.now(UTC)
        stored = min(days, DATABASE_DAYS)
        for place, each in enumerate(ids.tolist()):
            series = synthetic(stored, place)
            store_readings(session, _as_block(own, each, series, end))
        begun = time.perf_counter()
        session.execute(text("analyze reading"))
        begun = time.perf_counter()
        for first in range(0, len(watched), 40):
            alarms_of_points(session, watched[first : first + 40], Span(end - timedelta(days=stored), end))
        database_s = time.perf_counter() - begun
    by_point_day = memory_s / points / days + database_s / points / stored / 2
    whole = by_point_day * GOAL_POINTS * GOAL_DAYS
    return {
        "rehearsal_points": points, "rehearsal_days_in_memory": days, "rehearsal_days_stored": stored,
        "rehearsal_alarms": alarms, "rehearsal_memory_s": round(memory_s, 2), "rehearsal_database_s": round(database_s, 2),
        "rehearsal_10000_points_90_days_s_by_proportion": round(whole, 1),
    }  # fmt: skip


def _as_block(own: int, point_id: int, series: Series, received: datetime) -> ReadingBlock:
    point = np.full(series.ts_ms.size, point_id, np.int32)
    return ReadingBlock(own, 1, received, point, series.ts_ms, series.value, series.quality, series.flag)


def storm(settings: Settings, points: int) -> dict[str, float]:
    """Return how long it takes to raise an alarm at every point of one batch, and that none is lost."""
    with rolled_back(settings) as session:
        own, ids = make_points(session, points, 0.0)
        now = datetime.now(UTC)
        block = block_of(own, ids, ids.size, round(now.timestamp() * 1000), value=600.0)
        begun = time.perf_counter()
        take_in_readings(session, block, now=now, actor=cli_actor(), remembered=frozenset())
        taken = time.perf_counter() - begun
        raised = len(session.scalars(select(Alarm.id).where(Alarm.enterprise_id == own)).all())
    return {"storm_points": points, "storm_alarms": raised, "storm_s": round(taken, 2), "storm_a_minute": round(raised / taken * 60)}


def tell(figures: dict[str, float], missed: bool = False) -> None:
    """Print figures; raise SystemExit(1) when one misses its goal."""
    for name, value in figures.items():
        sys.stdout.write(f"{name}={value}\n")
    if missed:
        raise SystemExit(1)

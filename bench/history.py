"""History: bytes a reading, packing, roll-ups and reads of one point, each beside a plain way to do the same in the same run.

A cluster of its own under the data directory, durable as in production. A city of points sends a day of
readings a minute each, in the order of time and with the jitter of real clocks; five years of daily
figures lie beside it. Reads go through the application's web role with its row rights; best,
median and p95, since a busy machine stretches the latter two.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg2
from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.ingest import ROOT, copy_all, own_database
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, Scope
from portal.core.db import engine_for, transaction
from portal.operation.telemetry.blocks import ReadingBlock
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.queries import find_point, latest_of
from portal.operation.telemetry.rollup import roll_up_span
from portal.operation.telemetry.series import figures_of
from portal.operation.telemetry.services import copy_body

ALL_POINTS, MINUTES, YEARS = 50_000, 1440, 5
DAY_MS, READS = 86_400_000, 60
Figures = dict[str, float]


def make_city(settings: Settings) -> int:
    """Make an enterprise with all points and their newest values; return its number."""
    with transaction(settings, CITY, worker=True) as session:
        own = Enterprise(uscc="919900000000BENCH0", name="bench", short_name="bench", kind=1)
        session.add(own)
        session.flush()
        session.execute(
            text(
                "insert into point (enterprise_id, src_code, name, object_code, measure, unit, period_s, range_low, range_high,"
                " low, high, geom) select :e, 'P' || n, 'P' || n, 'S', 1, 'kPa', 60, 0, 1000, 100, 500,"
                " st_setsrid(st_makepoint(112.5, 32.0), 4490) from generate_series(1, :n) n"
            ),
            {"e": own.id, "n": ALL_POINTS},
        )
        session.execute(
            text(
                "insert into latest (ts, value, point_id, quality, flag, received_at)"
                " select now(), 300 + id % 17, id, 192, 0, now() from point where enterprise_id = :e"
            ),
            {"e": own.id},
        )
        return own.id


def fill_day(settings: Settings, ids: np.ndarray, day: date) -> float:
    """Send a day of readings in the order of time; return rows a second of raw COPY."""
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("select ensure_reading_day(:d)"), {"d": day})
    chance = np.random.default_rng(1)
    begin = round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    blocks = []
    for minute in range(MINUTES):
        ts = begin + minute * 60_000 + np.where(ids % 2 == 0, chance.integers(0, 2000, ids.size), 0)
        value = np.round(300 + 20 * np.sin(minute / 90 + ids) + chance.normal(0, 1, ids.size), 2)
        delay = chance.integers(1, 6, ids.size).astype(np.int32)
        full = np.full(ids.size, 192, np.int16)
        received = datetime.fromtimestamp(begin / 1000 + minute * 60 + 5, UTC)
        block = ReadingBlock(0, 1000 + minute, received, ids, ts, value, full, np.zeros(ids.size, np.int16), delay)
        blocks.append(copy_body(block))
    began = time.perf_counter()
    copy_all(settings.worker_database_url, blocks)
    return ids.size * MINUTES / (time.perf_counter() - began)


def fill_years(settings: Settings, ids: np.ndarray) -> None:
    """Lay down five years of daily figures, as the roll-up would, for some points."""
    with transaction(settings, CITY, worker=True) as session:
        session.execute(
            text(
                "insert into reading_day select p, 8, current_date - n, 280, 320, 300 + n % 7, 301, 1440, 1440, 1440, 1440"
                " from unnest(cast(:ids as int[])) p cross join generate_series(0, :n) n"
            ),
            {"ids": ids.tolist(), "n": YEARS * 366},
        )


def took_s(work: Callable[[], object]) -> float:
    """Return how long a piece of work took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def owner_sql(settings: Settings, statement: str) -> object:
    """Run one statement as the owner, committed; return its first value."""
    with engine_for(settings.owner_database_url).connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        done = link.execute(text(statement))
        return done.scalar() if done.returns_rows else None


def read_ms(settings: Settings, scope: Scope, ids: np.ndarray, span: tuple[datetime, datetime]) -> tuple[float, float, float]:
    """Return best, p50 and p95 of reading the figures of single points through the web role, ms."""
    times = []
    pick = random.Random(2)
    for number in [0, *range(READS)]:
        with transaction(settings, scope) as session:
            point: Point = find_point(session, CITY, int(pick.choice(ids))).point
            spent = took_s(lambda session=session, point=point: figures_of(session, point, *span))  # type: ignore[misc]
            if number:
                times.append(1000 * spent)
    return min(times), statistics.median(times), statistics.quantiles(times, n=20)[18]


def plain_ms(settings: Settings, ids: np.ndarray, day: date) -> tuple[float, float]:
    """Return best and median time in which the driver alone reads the same rows from the day's own table, ms."""
    link = psycopg2.connect(settings.worker_database_url.replace("postgresql+psycopg2", "postgresql"))
    times, pick = [], random.Random(2)
    with link, link.cursor() as cursor:
        for _ in range(READS):
            point = int(pick.choice(ids))
            began = time.perf_counter()
            cursor.execute(
                "select ts, value, quality from reading where point_id = %s and ts >= %s and ts < %s order by ts",
                (point, f"{day} 00:00+00", f"{day + timedelta(days=1)} 00:00+00"),
            )
            cursor.fetchall()
            times.append(1000 * (time.perf_counter() - began))
    link.close()
    return min(times), statistics.median(times)


def rolled_up(settings: Settings, begin: datetime, rows: int) -> Figures:
    """Return speed of the hourly roll-up, and one hour's time beside a scan of the whole day."""

    def hour(session: Session) -> float:
        return 1000 * took_s(lambda: roll_up_span(session, begin + timedelta(hours=6), begin + timedelta(hours=7)))

    with transaction(settings, CITY, worker=True) as session:
        whole_s = took_s(lambda: roll_up_span(session, begin, begin + timedelta(days=1)))
    with transaction(settings, CITY, worker=True) as session:
        hour(session)
        by_index = min(hour(session) for _ in range(3))
        session.execute(text("set local enable_bitmapscan = off"))
        by_scan = min(hour(session) for _ in range(3))
    return {
        "rows_per_s_roll_up": rows / whole_s, "ms_roll_up_hour": by_index,
        "ms_roll_up_hour_by_scan": by_scan, "ratio_roll_up_to_scan": by_scan / by_index,
    }


def packed(settings: Settings, day: date, rows: int) -> Figures:
    """Pack the day; return speed and size beside a copy sorted for curves, and the raw table."""
    part = f"reading_{day:%Y%m%d}"
    raw = float(owner_sql(settings, f"select pg_total_relation_size('{part}')"))  # type: ignore[arg-type]
    sorted_s = took_s(
        lambda: owner_sql(settings, f"create table sorted as select * from {part} order by point_id, ts")
    ) + took_s(lambda: owner_sql(settings, "create unique index on sorted (point_id, ts) include (value, quality, flag)"))
    owner_sql(settings, "drop table sorted")
    with transaction(settings, CITY, worker=True) as session:
        pack_s = took_s(lambda: session.execute(text("select pack_reading_day(:d)"), {"d": day}))
    owner_sql(settings, "vacuum analyze reading_packed")
    held = float(owner_sql(settings, f"select pg_total_relation_size('reading_packed_{day:%Y%m}')"))  # type: ignore[arg-type]
    return {
        "bytes_per_reading_raw": raw / rows, "bytes_per_reading_packed": held / rows,
        "rows_per_s_packed": rows / pack_s, "rows_per_s_sorted_copy": rows / sorted_s,
        "ratio_packing_to_sorted_copy": sorted_s / pack_s,
    }


def latest_ms(settings: Settings, scope: Scope) -> float:
    """Return the median time to read the newest value of every point, ms."""
    times = []
    for _ in range(5):
        with transaction(settings, scope) as session:
            times.append(1000 * took_s(lambda session=session: latest_of(session, scope)))  # type: ignore[misc]
    return statistics.median(times)


def measured(settings: Settings, rows: int) -> Figures:
    """Return every figure, the ratio of bytes last."""
    enterprise_id = make_city(settings)
    own = Scope(enterprise_ids=frozenset({enterprise_id}))
    with transaction(settings, CITY, worker=True) as session:
        found = session.scalars(text("select id from point where enterprise_id = :e order by id"), {"e": enterprise_id})
        ids = np.array(found.all()[: max(1, rows // MINUTES)], np.int32)
    rows, day = ids.size * MINUTES, datetime.now(UTC).date() - timedelta(days=10)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    figures: Figures = {"points": ids.size, "rows": rows, "rows_per_s_raw_copy": fill_day(settings, ids, day)}
    fill_years(settings, ids[:100])
    owner_sql(settings, "vacuum analyze")
    span = begin, begin + timedelta(days=1)
    figures |= rolled_up(settings, begin, rows)
    figures["ms_latest_50000_points"] = latest_ms(settings, CITY)
    figures["ms_latest_50000_points_of_one_enterprise"] = latest_ms(settings, own)
    figures["ms_best_24h_plain_sql"], figures["ms_24h_plain_sql"] = plain_ms(settings, ids, day)
    figures["ms_best_24h_raw"], figures["ms_24h_raw"], figures["ms_p95_24h_raw"] = read_ms(settings, CITY, ids, span)
    figures["ms_best_24h_raw_of_one_enterprise"], *_ = read_ms(settings, own, ids, span)
    figures |= packed(settings, day, rows)
    figures["ms_best_24h_packed"], figures["ms_24h_packed"], figures["ms_p95_24h_packed"] = read_ms(settings, CITY, ids, span)
    figures["ms_best_24h_packed_of_one_enterprise"], *_ = read_ms(settings, own, ids, span)
    figures["ratio_24h_packed_to_plain_sql"] = figures["ms_24h_packed"] / figures["ms_24h_plain_sql"]
    now = datetime.now(UTC)
    years = now - timedelta(days=YEARS * 365), now
    _, figures["ms_5_years"], figures["ms_p95_5_years"] = read_ms(settings, CITY, ids[:100], years)
    figures["ratio_packed_to_raw_bytes"] = figures["bytes_per_reading_packed"] / figures["bytes_per_reading_raw"]
    return figures


def main() -> int:
    """Run the benchmark and print its figures, the ratio last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_440_000, help="readings of the day, at most 72,000,000")
    given = parser.parse_args()
    settings = own_database()
    try:
        subprocess.run([ROOT / "script" / "cluster", "reset"], check=True, timeout=120)
        subprocess.run([ROOT / "script" / "migrate"], check=True, timeout=120)
        figures = measured(settings, min(given.rows, ALL_POINTS * MINUTES))
    finally:
        engine_for(settings.worker_database_url).dispose()
        engine_for(settings.app_database_url).dispose()
        engine_for(settings.owner_database_url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    for name, value in figures.items():
        exact = name.startswith(("ratio", "bytes", "ms"))
        sys.stdout.write(f"{name}={value:.3f}\n" if exact else f"{name}={value:.0f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

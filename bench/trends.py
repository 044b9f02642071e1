"""Trends: years of some points at a minute in one picture, each planted spike found, beside a plain query over the same readings.

A cluster of its own under the data directory. The database itself makes the readings, as a day's own table, then the
portal's own roll-up and packing make what a running portal has. The picture is asked for over HTTP by the page itself
in Chromium, from the request to the drawn curves; without a browser (`--no-browser`) only the server's answer is timed.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from flask import Flask
from sqlalchemy import text
from werkzeug.serving import make_server

from bench.alarm import cookie_of
from bench.history import owner_sql
from bench.ingest import ROOT, own_database
from portal.accounts.models import Enterprise
from portal.accounts.people import create_user
from portal.accounts.rights import Rights, Role
from portal.app import create_app
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import engine_for, transaction
from portal.operation.telemetry.rollup import roll_up_days, roll_up_span

POINTS, YEARS, SPIKES, ROUNDS, CHUNK_DAYS = 8, 5, 40, 15, 30
Figures = dict[str, float]
MAKE = """
insert into reading (ts, value, point_id, receipt_id, quality, flag, delay_s)
select t.at, coalesce(s.value, round((300 + 20 * sin(extract(epoch from t.at) / 13000 + p.id) + p.id
    + 0.01 * (extract(epoch from t.at)::bigint * (p.id + 7) % 97))::numeric, 2)), p.id, 1, 192, 0, 3
from unnest(cast(:ids as int[])) p(id)
cross join generate_series(cast(:begin as timestamptz), cast(:end as timestamptz) - interval '1 minute', interval '1 minute') t(at)
left join unnest(cast(:spike_points as int[]), cast(:spike_values as float8[])) s(id, value)
  on s.id = p.id and t.at = cast(:begin as timestamptz) + interval '557 minutes'
order by p.id, t.at
"""
PLAIN = """
select point_id, floor(date_part('epoch', ts) / :step) as bucket, min(value), max(value), avg(value)
from reading_all where point_id = any (:ids) and ts >= :begin and ts < :end and day between :first and :last and quality in (192, 216)
group by 1, 2 order by 1, 2
"""


def make_points(settings: Settings, count: int) -> list[int]:
    """Make an enterprise with points; return their numbers."""
    with transaction(settings, CITY, worker=True) as session:
        own = Enterprise(uscc="919900000000BENCH0", name="bench", short_name="bench", kind=1)
        session.add(own)
        session.flush()
        found = session.scalars(
            text(
                "insert into point (enterprise_id, src_code, name, object_code, measure, unit, period_s, range_low, range_high,"
                " high, geom) select :e, 'P' || n, 'P' || n, 'S', 1, 'kPa', 60, 0, 100000, 5000,"
                " st_setsrid(st_makepoint(112.5, 32.0), 4490) from generate_series(1, :n) n returning id"
            ),
            {"e": own.id, "n": count},
        )
        return sorted(found.all())


def spikes_of(ids: Sequence[int], first: date, days: int) -> dict[tuple[int, date], float]:
    """Return the planted spikes: one reading each, of a point on a day, higher than all else."""
    step = max(1, days // SPIKES)
    return {
        (ids[number % len(ids)], first + timedelta(days=day)): 1000.25 + number
        for number, day in enumerate(range(step // 2, days, step))
    }


def fill(settings: Settings, ids: Sequence[int], first: date, days: int) -> dict[tuple[int, date], float]:
    """Lay down the years, rolled up and packed as a running portal has them; return the spikes."""
    spikes = spikes_of(ids, first, days)
    for done in range(0, days, CHUNK_DAYS):
        chunk = [first + timedelta(days=day) for day in range(done, min(done + CHUNK_DAYS, days))]
        with transaction(settings, CITY, worker=True) as session:
            for day in chunk:
                session.execute(text("select ensure_reading_day(:d)"), {"d": day})
                own = {point: value for (point, on), value in spikes.items() if on == day}
                facts = {
                    "ids": list(ids), "begin": _at(day), "end": _at(day + timedelta(days=1)),
                    "spike_points": list(own), "spike_values": list(own.values()),
                }  # fmt: skip
                session.execute(text(MAKE), facts)
        with transaction(settings, CITY, worker=True) as session:
            roll_up_span(session, _at(chunk[0]), _at(chunk[-1] + timedelta(days=1)))
        for day in chunk:
            with transaction(settings, CITY, worker=True) as session:
                session.execute(text("select pack_reading_day(:d)"), {"d": day})
    made = ""
    while not made.startswith("0 days"):
        with transaction(settings, CITY, worker=True) as session:
            made = roll_up_days(session, utc_now() + timedelta(minutes=5))
    owner_sql(settings, "vacuum analyze reading_day")
    owner_sql(settings, "vacuum analyze reading_hour")
    return spikes


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def found_spikes(answer: dict[str, list[dict[str, list[float | None]]]], spikes: dict[tuple[int, date], float]) -> int:
    """Return how many spikes stand in an answer with their exact value."""
    highest = {value for each in answer["series"] for value in each.get("hi", each["v"]) if value is not None}
    return sum(value in highest for value in spikes.values())


def served(app: Flask, cookie: str, address: str) -> tuple[list[float], bytes]:
    """Return the ms of each answer of the server alone, and the answer."""
    client = app.test_client()
    name, _, value = cookie.partition("=")
    client.set_cookie(name, value)
    times, body = [], b""
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = client.get(address)
        body = answer.data
        times.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}: {body[:300]!r}")
    return times[1:], body


def drawn(app: Flask, cookie: str, page: str) -> list[float]:
    """Return the ms from the page's request to its drawn curves, as the page itself measures them in Chromium."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only where a browser is wanted

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    name, _, value = cookie.partition("=")
    url, times = f"http://127.0.0.1:{server.port}", []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        context.add_cookies([{"name": name, "value": value, "url": url}])
        shown = context.new_page()
        shown.goto(f"{url}{page}")
        shown.wait_for_selector("#trends[data-drawn]", timeout=60_000)
        for round_number in range(ROUNDS):
            shown.click("[data-span='1y']" if round_number % 2 == 0 else "[data-span='5y']")
            shown.wait_for_selector(f"#trends[data-drawn='{round_number + 2}']", timeout=60_000)
            if round_number % 2:
                times.append(float(shown.get_attribute("#trends", "data-ms") or "nan"))
        browser.close()
    server.shutdown()
    return times


def plain_ms(settings: Settings, ids: Sequence[int], first: date, days: int) -> float:
    """Return the best time of a plain query that reads every reading of the same span into day buckets, ms."""
    facts = {
        "ids": list(ids), "begin": _at(first), "end": _at(first + timedelta(days=days)), "step": 86_400, "first": first,
        "last": first + timedelta(days=days),
    }  # fmt: skip
    best = math.inf
    for _ in range(2):
        with transaction(settings, CITY, worker=True) as session:
            began = time.perf_counter()
            session.execute(text(PLAIN), facts).all()
            best = min(best, 1000 * (time.perf_counter() - began))
    return best


def measured(settings: Settings, points: int, days: int, browser: bool) -> Figures:
    """Return every figure, the ratio last."""
    ids, first = make_points(settings, points), utc_now().date() - timedelta(days=days + 8)
    began = time.perf_counter()
    spikes = fill(settings, ids, first, days)
    figures: Figures = {"points": points, "rows": points * days * 1440, "s_made": time.perf_counter() - began}
    app = create_app(settings)
    with transaction(settings, CITY, worker=True) as session:
        user, _ = create_user(session, "bench", "bench", Rights(int(Role.CITY_DISPATCHER)), settings=settings, actor=cli_actor())
        user.must_change_password = False
        session.flush()
        cookie = cookie_of(session, app, user.id)
    asked = f"p={','.join(map(str, ids))}&from={int(_at(first).timestamp())}&to={int(_at(first + timedelta(days=days)).timestamp())}"
    times, body = served(app, cookie, f"/operation/trends/data?{asked}&width=1480")
    figures |= {"bytes_answer": len(body), "ms_best_answer": min(times), "ms_answer": statistics.median(times)}
    figures |= {"spikes": len(spikes), "spikes_found": found_spikes(json.loads(body), spikes)}
    if browser:
        shown = drawn(app, cookie, f"/operation/trends?p={','.join(map(str, ids))}&span=5y")
        figures |= {"ms_best_drawn_5_years": min(shown), "ms_drawn_5_years": statistics.median(shown)}
    figures["ms_plain_query"] = plain_ms(settings, ids, first, days)
    figures["ratio_plain_to_answer"] = figures["ms_plain_query"] / figures["ms_answer"]
    return figures


def main() -> int:
    """Run the benchmark and print its figures, the ratio last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--days", type=int, default=YEARS * 365 + 1, help="days of readings, a minute each")
    parser.add_argument("--no-browser", action="store_true", help="time the server's answer only")
    given = parser.parse_args()
    settings = own_database()
    try:
        subprocess.run([ROOT / "script" / "cluster", "reset"], check=True, timeout=120)
        subprocess.run([ROOT / "script" / "migrate"], check=True, timeout=120)
        figures = measured(settings, given.points, given.days, not given.no_browser)
    finally:
        for url in (settings.worker_database_url, settings.app_database_url, settings.owner_database_url):
            engine_for(url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    for name, value in figures.items():
        exact = name.startswith(("ratio", "ms", "s_"))
        sys.stdout.write(f"{name}={value:.3f}\n" if exact else f"{name}={value:.0f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

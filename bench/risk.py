"""Risk of a made-up city: everything, a thousand changed segments, a what-if, against asking segment by segment in the same run.

A cluster of its own under the data directory. Segments lie in streets, buildings beside them as dense as
in a city of 300,000 segments and 500,000 buildings; one building in three has gas users, one segment in a
hundred works. The naive way asks PostGIS for the people of one segment after the other, by the index of the
base map and true metres; its answers are compared, a difference ends the run with 1. Seconds of the
processor are those of this process and the database together: they hardly depend on what else runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

import portal.all_models  # noqa: F401  # the tables refer to each other
from bench.ingest import ROOT, own_database
from bench.meters import spent
from gis.risk.model import changed
from gis.risk.scoring import score
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import engine_for, transaction
from portal.safety.risk.compute import compute_all, compute_some, metric_srid, refresh_people
from portal.safety.risk.model_queries import released_model
from portal.safety.risk.services import stored_inputs, what_if

STREET, SPACING_M = 100, 100.0
ASKED, CHANGED, REPEATS, SEED = 300, 1_000, 5, 7
MOST = 300_000
Figures = dict[str, float]

_NODES = """
insert into gas_node (enterprise_id, src_code, adcode, kind, geom)
select :e, 'N' || n, '990101', case when n % (:street + 1) = 1 then 8 else 0 end,
  st_setsrid(st_makepoint(112.0 + ((n - 1) % (:street + 1)) * :dx, 31.5 + ((n - 1) / (:street + 1)) * :dy), 4490)
from generate_series(1, (:segments / :street) * (:street + 1)) n
"""
_PIPES = """
insert into gas_pipe (enterprise_id, src_code, adcode, from_node_id, to_node_id, pressure_class, material, od_mm, mop_mpa, length_m,
  laying, cp_kind, joint, install_year, geom)
select :e, 'P' || a.id, '990101', a.id, b.id, k, (array[21, 21, 21, 11, 30])[1 + a.id % 5],
  (array[508, 406.4, 323.9, 273, 250, 160, 110])[k], (array[4.0, 2.5, 1.6, 0.8, 0.4, 0.2, 0.003])[k], :metres, 1, 0, 3, 1980 + a.id % 45,
  st_makeline(a.geom, b.geom)
from gas_node a join gas_node b on b.id = a.id + 1
cross join lateral (
  select case when a.id % 100 = 0 then 3 when a.id % 33 = 0 then 4 when a.id % 3 = 0 then 5 when a.id % 3 = 1 then 6 else 7 end as k
) c
where b.kind = 0
"""
_VALVES = """
insert into gas_valve (enterprise_id, src_code, adcode, node_id, dn_mm, kind, drive, normal_state, current_state, geom)
select :e, 'V' || id, '990101', id, 200, 1, 1, 1, 1, geom from gas_node where id % 7 = 3
"""
_BUILDINGS = """
insert into base_building (kind, height_m, geom)
select (array['residential', 'residential', 'commercial', 'office', 'school', 'industrial'])[1 + n % 6], 6 + n % 60,
  st_makeenvelope(x, y, x + 0.0002, y + 0.00015, 4490)
from generate_series(1, :buildings) n
cross join lateral (
  select 112.0 + random() * :wide as x,
    31.5 + (floor(random() * :streets) + (case when n % 2 = 0 then 0.06 else -0.21 end) * (1 + random())) * :dy as y
) place
"""
_USERS = """
insert into gas_user (enterprise_id, src_code, adcode, status, user_class, households, node_id, geom)
select :e, 'U' || id, '990101', 1, 10, 12 + id % 40, 1 + id % :nodes, st_centroid(geom) from base_building where id % 3 = 0
"""
_WORKS = """
insert into works_site (enterprise_id, record_no, adcode, receipt_id, project, method, found_at, status, begins_on, geom)
select :e, 'W' || id, '990101', 1, 'W', 2, now(), 5, current_date, st_lineinterpolatepoint(geom, 0.4) from gas_pipe where id % 100 = 0
"""
_NAIVE = """
select coalesce(sum(r.people_day), 0) from base_building b join risk_building r on r.building_id = b.id
where b.geom && st_expand((select geom from gas_pipe where id = :pipe), 0.002)
  and st_distance((select geom from gas_pipe where id = :pipe)::geography, b.geom::geography) <= :radius
"""


def make_city(settings: Settings, segments: int, buildings: int) -> None:
    """Fill the database."""
    streets = segments // STREET
    dx = SPACING_M / 94_500
    dy = 120.0 / 110_880
    with transaction(settings, CITY, worker=True) as session:
        own = Enterprise(uscc="919900000000BENCH0", name="bench", short_name="bench", kind=1)
        session.add(own)
        session.flush()
        facts = {"e": own.id, "street": STREET, "segments": segments, "dx": dx, "dy": dy, "metres": SPACING_M}
        session.execute(text("set local statement_timeout = '300s'"))
        session.execute(text("select setseed(0.5)"))
        session.execute(text(_NODES), facts)
        session.execute(text(_PIPES), facts)
        session.execute(text(_VALVES), facts)
        session.execute(text("select refresh_statistics()"))
    owner = engine_for(settings.owner_database_url)
    with owner.begin() as link:
        link.execute(text("select setseed(0.5)"))
        link.execute(text(_BUILDINGS), {"buildings": buildings, "wide": STREET * dx, "streets": streets, "dy": dy})
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("set local statement_timeout = '300s'"))
        session.execute(text(_USERS), facts | {"nodes": streets * (STREET + 1)})
        session.execute(text(_WORKS), facts)
        session.execute(text("delete from risk_due"))
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(text("vacuum analyze"))


def timed(settings: Settings, work: Callable[[Session], object]) -> tuple[float, float]:
    """Return wall and processor seconds of work in a transaction of its own."""

    def run() -> float:
        began = time.perf_counter()
        with transaction(settings, CITY, worker=True) as session:
            session.execute(text("set local statement_timeout = '300s'"))
            work(session)
        return time.perf_counter() - began

    return spent(run)


def naive_way(settings: Settings, segments: int) -> tuple[float, float, int]:
    """Return wall and processor seconds for all, from a sample, and how many answers differ."""
    wrong = 0
    with transaction(settings, CITY, worker=True) as session:
        sample = text("select pipe_id, radius_m, people_day from risk_segment order by random() limit :n")
        rows = session.execute(sample, {"n": ASKED}).all()

    def ask(session: Session) -> None:
        nonlocal wrong
        for row in rows:
            wrong += session.scalar(text(_NAIVE), {"pipe": row.pipe_id, "radius": row.radius_m}) != row.people_day

    wall, cpu = timed(settings, ask)
    return wall / len(rows) * segments, cpu / len(rows) * segments, wrong


def rehearsed(session: Session) -> None:
    """Work out a what-if as the page does."""
    old = released_model(session)
    pipe_ids, given = stored_inputs(session)
    what_if(pipe_ids, given, score(old, given), score(changed(old, 2, {"age": 0.5}, {}), given))


def measured(settings: Settings, segments: int, buildings: int) -> tuple[Figures, int]:
    """Return every figure, the ratio last, and how many answers differ."""
    make_city(settings, segments, buildings)
    figures: Figures = {"segments": segments, "buildings": buildings}
    now = utc_now()
    figures["people_s"], figures["people_cpu_s"] = timed(settings, lambda session: refresh_people(session, metric_srid(session)))
    for name in ("first", "full"):
        figures[f"{name}_s"], figures[f"{name}_cpu_s"] = timed(
            settings, lambda session: compute_all(session, released_model(session), now, people=False)
        )
        with engine_for(settings.owner_database_url).connect().execution_options(isolation_level="AUTOCOMMIT") as link:
            link.execute(text("vacuum analyze risk_segment"))
    pick = np.random.default_rng(SEED)
    with transaction(settings, CITY, worker=True) as session:
        ids = np.array(session.scalars(text("select pipe_id from risk_segment")).all())
    some = [
        timed(settings, lambda session: compute_some(session, released_model(session), now, pick.choice(ids, CHANGED, replace=False)))
        for _ in range(REPEATS)
    ]
    figures["changed_1000_ms"], figures["changed_1000_cpu_ms"] = (1000 * min(each[at] for each in some) for at in (0, 1))
    figures["what_if_s"], figures["what_if_cpu_s"] = timed(settings, rehearsed)
    figures["naive_people_s"], figures["naive_people_cpu_s"], wrong = naive_way(settings, segments)
    figures["differing"] = wrong
    figures["ratio_naive_to_full_cpu"] = figures["naive_people_cpu_s"] / figures["full_cpu_s"]
    return figures, wrong


def main() -> int:
    """Run the benchmark and print its figures, the ratio last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--segments", type=int, default=50_000, help=f"pipe segments, 1,000 to {MOST:,}")
    parser.add_argument("--buildings", type=int, help="buildings, 5 for 3 segments unless given")
    given = parser.parse_args()
    if not 1_000 <= given.segments <= MOST:
        parser.error(f"--segments from 1000 to {MOST}")
    segments = given.segments // STREET * STREET
    settings = own_database()
    try:
        subprocess.run([ROOT / "script" / "cluster", "reset"], check=True, timeout=120)
        subprocess.run([ROOT / "script" / "migrate"], check=True, timeout=120)
        figures, wrong = measured(settings, segments, given.buildings or segments * 5 // 3)
    finally:
        for url in (settings.worker_database_url, settings.app_database_url, settings.owner_database_url):
            engine_for(url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    for name, value in figures.items():
        sys.stdout.write(f"{name}={value:.0f}\n" if float(value).is_integer() else f"{name}={value:.2f}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

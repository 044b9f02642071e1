"""A network of any size made by the database itself, for `bench.tiles --fill`: a lattice of streets with valves and users.

Triggers are passed by, what they keep is made afterwards in one go: numbers, codes and places are all that is invented.
"""

from __future__ import annotations

import math
import sys
import time

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection

from portal.config import Settings

WEST, SOUTH, EAST, NORTH = 112.20, 31.80, 112.80, 32.25
ENTERPRISE = "BENCHCITY"
# Every so many streets one of the pressure class: sub-high, medium A, medium B; all others are low.
STREETS = "case when k % 64 = 0 then 4 when k % 16 = 0 then 5 when k % 4 = 0 then 6 else 7 end"
USERS_A_TURN = 1_000_000

_OWNER = """
insert into enterprise (uscc, name, short_name, kind) values ('91370100BENCHCITY0', 'Bench', :code, 1)
on conflict do nothing
"""
_CLEAR = (
    "delete from gas_user where enterprise_id = :e", "delete from gas_valve where enterprise_id = :e",
    "delete from gas_pipe where enterprise_id = :e", "delete from gas_node where enterprise_id = :e",
)  # fmt: skip
_NODES = """
insert into gas_node (enterprise_id, src_code, adcode, kind, geom)
select :e, 'BN' || i || '.' || j, '9901' || lpad((1 + (i * 5 / :side) + 5 * (j * 2 / :side))::text, 2, '0'), 0,
  ST_SetSRID(ST_MakePoint(:west + i * :dx, :south + j * :dy), 4490)
from generate_series(0, :side - 1) i, generate_series(0, :side - 1) j
"""
# A street bends a little in its middle, as streets do: three vertices a pipe.
_PIPES = """
insert into gas_pipe (enterprise_id, src_code, adcode, from_node_id, to_node_id, pressure_class, material, od_mm, length_m,
  install_year, geom)
select :e, 'BP' || w || '.' || i || '.' || j, a.adcode, a.id, b.id, {streets}, 21, 160,
  ST_Length(ST_MakeLine(a.geom, b.geom)::geography), 1990 + (i * 7 + j) % 36,
  ST_SetSRID(ST_MakeLine(array[a.geom, ST_MakePoint((ST_X(a.geom) + ST_X(b.geom)) / 2 + (1 - w) * 1e-5,
    (ST_Y(a.geom) + ST_Y(b.geom)) / 2 + w * 1e-5), b.geom]), 4490)
from generate_series(0, 1) w, generate_series(0, :side - 1) i, generate_series(0, :side - 1) j
cross join lateral (select case when w = 0 then j else i end as k) street
join gas_node a on a.enterprise_id = :e and a.src_code = 'BN' || i || '.' || j
join gas_node b on b.enterprise_id = :e and b.src_code = 'BN' || (i + 1 - w) || '.' || (j + w)
"""
_VALVES = """
insert into gas_valve (enterprise_id, src_code, adcode, node_id, dn_mm, kind, drive, normal_state, current_state, geom)
select :e, 'BV' || id, adcode, id, 150, 1, 1, 1, case when id % 50 = 0 then 0 else 1 end, geom
from gas_node where enterprise_id = :e order by id % 97, id limit :valves
"""
_USERS = """
insert into gas_user (enterprise_id, src_code, adcode, user_class, node_id, geom, m)
select :e, 'BU' || n, node.adcode, case when n % 40 = 0 then 20 else 10 end, node.id, ST_SetSRID(ST_MakePoint(x, y), 4490), morton24(x, y)
from generate_series(cast(:first as bigint), cast(:last as bigint)) n
join (select id, adcode, ST_X(geom) as lon, ST_Y(geom) as lat, row_number() over (order by id) - 1 as place
  from gas_node where enterprise_id = :e) node on node.place = n % :nodes
cross join lateral (select node.lon + :dx * 0.45 * sin(n * 1.7), node.lat + :dy * 0.45 * cos(n * 2.3)) at (x, y)
"""


def fill(settings: Settings, *, users: int, pipes: int, valves: int) -> None:
    """Make the city anew in the database of `settings`, as its owner; says what takes how long."""
    side = max(2, round(math.sqrt(pipes / 2)))
    made = {"side": side, "west": WEST, "south": SOUTH, "dx": (EAST - WEST) / side, "dy": (NORTH - SOUTH) / side}
    engine = create_engine(settings.owner_database_url)
    with engine.begin() as line:
        line.execute(text("set session_replication_role = replica"))
        line.execute(text(_OWNER), {"code": ENTERPRISE})
        owner = {"e": line.scalar(text("select id from enterprise where short_name = :code"), {"code": ENTERPRISE})}
        for statement in _CLEAR:
            _said(line, statement, owner)
        _said(line, _NODES, made | owner)
        line.execute(text("analyze gas_node"))
        _said(line, _PIPES.format(streets=STREETS), made | owner)
        _said(line, _VALVES, owner | {"valves": valves})
    for first in range(0, users, USERS_A_TURN):
        with engine.begin() as line:
            line.execute(text("set session_replication_role = replica"))
            last = min(users, first + USERS_A_TURN) - 1
            _said(line, _USERS, made | owner | {"first": first, "last": last, "nodes": side * side})
    with engine.begin() as line:
        _said(line, "select rebuild_user_cells()", {})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as line:
        for table in ("gas_node", "gas_pipe", "gas_valve", "gas_user", "user_cell"):
            line.execute(text(f"vacuum (analyze) {table}"))
    engine.dispose()


def _said(line: Connection, statement: str, values: dict[str, object]) -> None:
    began = time.monotonic()
    done = line.execute(text(statement), values)
    sys.stderr.write(f"{statement.split(maxsplit=3)[:3]} {done.rowcount} rows in {time.monotonic() - began:.1f} s\n")

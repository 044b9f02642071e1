"""What lies at the borders of the demo's enterprises, and corrections its regulators propose.

The three networks meet by themselves at the crossings of their districts; a spur that runs beside a neighbour's
main and one of another pressure class that ends before it are filed here as well, through the same storing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gis.borders.models import BorderRun
from gis.borders.run import run_matching
from gis.network.models import Pipe as StoredPipe
from gis.network.models import Valve as StoredValve
from gis.network.topology_store import build_topology
from ingestion_adapters.contract import LineString, Node, Pipe
from ingestion_adapters.demo.naming import TagNaming
from portal.core.actor import CITY, Actor, Scope
from portal.proposals.services import Wish, answer, propose, withdraw

# The network was taken over so long before the demo begins; what was commissioned since was known since then.
KNOWN_FOR = timedelta(days=400)
_BACKDATED = ("gas_node", "gas_pipe", "gas_valve", "gas_regulator", "gas_station")
FIRST_NUMBER = 90_001
SPUR_KEY, MAIN_KEY = "KFQRQ", "YCRQ"
_SPUR_M, _BESIDE_M, _BEFORE_M = 70.0, 2.0, 2.5
_METRES_A_DEGREE = 111_320.0
_END = 7
_NEAR = """
select p.id, p.od_mm, p.pressure_class, p.road_name, ST_X(n.geom) as lon, ST_Y(n.geom) as lat,
  ST_X(m.geom) as far_lon, ST_Y(m.geom) as far_lat
from border_finding f join gas_pipe p on p.id = case when f.enterprise_a_id = :main then f.pipe_a_id else f.pipe_b_id end
join gas_node n on n.id = case when f.enterprise_a_id = :main then f.object_a_id else f.object_b_id end
join gas_node m on m.id = case when p.from_node_id = n.id then p.to_node_id else p.from_node_id end
where f.kind = 'gap' and :main in (f.enterprise_a_id, f.enterprise_b_id) and p.length_m > 60
order by f.id limit 1
"""
_LONE = """
select p.id, p.od_mm, p.pressure_class, p.road_name, ST_X(n.geom) as lon, ST_Y(n.geom) as lat,
  ST_X(m.geom) as far_lon, ST_Y(m.geom) as far_lat
from gas_node n join gas_pipe p on n.id in (p.from_node_id, p.to_node_id)
join gas_node m on m.id = case when p.from_node_id = n.id then p.to_node_id else p.from_node_id end
where n.enterprise_id = :main and n.kind = 7 and p.pressure_class = 7 and p.length_m > 30
  and not exists (select 1 from border_finding f where n.id in (f.object_a_id, f.object_b_id))
order by n.geom <-> (select f.geom from border_finding f order by f.id limit 1), n.id limit 1
"""


def backdate(session: Session, enterprise_id: int, now: datetime) -> None:
    """Let the network of an enterprise be known since it was taken over, pipes not before they were commissioned."""
    since = now - KNOWN_FOR
    for table in _BACKDATED:
        known = "least(greatest(:since, commissioned_on::timestamptz), now())" if table == "gas_pipe" else ":since"
        session.execute(
            text(f"update {table} set valid_from = {known} where enterprise_id = :own"),
            {"since": since, "own": enterprise_id},
        )


def spur_records(session: Session, main_id: int) -> list[Any]:
    """Return a spur beside a neighbour's main and one of another class before a neighbour's end, as filed records."""
    found = [row for query in (_NEAR, _LONE) for row in session.execute(text(query), {"main": main_id})]
    rows: list[Any] = []
    for place, each in enumerate(found):
        begin, way, across = _frame(each)
        if place == 0:
            line = [begin + way * 10 + across * _BESIDE_M, begin + way * (10 + _SPUR_M) + across * _BESIDE_M]
            klass, name = 6, "并行支线"
        else:
            line = [begin - way * _BEFORE_M, begin - way * (_BEFORE_M + 25)]
            klass, name = (5 if each.pressure_class != 5 else 6), "变级支线"
        rows += _filed(line, klass, f"{each.road_name or ''}{name}", FIRST_NUMBER + 10 * place, each)
    return rows


def _frame(row: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the end in degrees, and one metre along its pipe and across it in degrees."""
    scale = np.array([_METRES_A_DEGREE * np.cos(np.radians(row.lat)), _METRES_A_DEGREE])
    step = (np.array([row.far_lon, row.far_lat]) - [row.lon, row.lat]) * scale
    unit = step / np.hypot(*step)
    return np.array([row.lon, row.lat]), unit / scale, np.array([-unit[1], unit[0]]) / scale


def _filed(line: list[Any], klass: int, name: str, number: int, beside: Any) -> list[Any]:
    naming = TagNaming()
    codes = [naming.node(0, number + index, _END) for index in range(2)]
    spots = [[round(float(lon), 7), round(float(lat), 7)] for lon, lat in line]
    nodes = [Node(src_code=code, lon=lon, lat=lat, kind=_END) for code, (lon, lat) in zip(codes, spots, strict=True)]
    length = float(np.hypot(*((line[1] - line[0]) * _METRES_A_DEGREE * np.array([np.cos(np.radians(spots[0][1])), 1]))))
    pipe = Pipe(
        src_code=naming.pipe(0, number, 0, klass), name=name, from_node=codes[0], to_node=codes[1], pressure_class=klass,
        material=21, od_mm=beside.od_mm, length_m=round(length, 2), laying=1, install_year=2019,
        geom=LineString(coordinates=spots), road_name=beside.road_name,
    )  # fmt: skip
    return [*nodes, pipe]


def propose_some(session: Session, known: Mapping[str, int], now: datetime) -> None:
    """Let the city propose corrections of the main network, and its owner answer some of them."""
    own = known[MAIN_KEY]
    city = Actor("cli", None, "demo", scope=CITY, display_name="市级监管员（演示）")
    owner = Actor(
        "cli",
        None,
        "demo",
        scope=Scope(enterprise_ids=frozenset({own})),
        enterprise_id=own,
        display_name="企业管网负责人（演示）",
    )
    pipes = session.scalars(
        select(StoredPipe)
        .where(StoredPipe.enterprise_id == own, StoredPipe.pressure_class == 6)
        .order_by(StoredPipe.id)
        .limit(4)
    ).all()
    valves = session.scalars(
        select(StoredValve)
        .where(StoredValve.enterprise_id == own, StoredValve.remote.is_(False))
        .order_by(StoredValve.id)
        .limit(3)
    ).all()
    spot = session.execute(
        text("select ST_X(geom) + 0.00005 as lon, ST_Y(geom) as lat from gas_valve where id = :id"),
        {"id": valves[1].id},
    ).one()
    ago = [now - timedelta(days=days) for days in (20, 16, 12, 9, 5, 2)]
    wishes = (
        Wish("pipe", "开挖见证为钢管", object_id=pipes[0].id, values={"material": "10", "coating": "1"}),
        Wish("pipe", "竣工图管径为 DN100", object_id=pipes[1].id, values={"od_mm": "110"}),
        Wish("valve", "现场核查手轮无法转动", object_id=valves[0].id, values={"current_state": "3"}),
        Wish("valve", "坐标偏移约 5 米", object_id=valves[1].id, place=[(float(spot.lon), float(spot.lat))]),
        Wish("pipe", "敷设年代与档案不符", object_id=pipes[2].id, values={"install_year": "1998"}),
        Wish(
            "valve",
            "巡查发现未入库阀门井",
            enterprise_id=own,
            values={"dn_mm": "100"},
            place=[(float(spot.lon) + 0.001, float(spot.lat))],
        ),
    )
    made = [propose(session, wish, now=at, actor=city) for wish, at in zip(wishes, ago, strict=True)]
    answer(session, made[0].id, "accept", "随本季度数据更新", now=now - timedelta(days=14), actor=owner)
    answer(session, made[1].id, "take", "核对竣工图，属实", now=now, actor=owner)
    answer(session, made[2].id, "refuse", "已于本月检修，启闭正常", now=now - timedelta(days=8), actor=owner)
    withdraw(session, made[4].id, "档案已补充，建议有误", now=now - timedelta(days=1), actor=city)


def load_borders(
    session: Session, known: Mapping[str, int], now: datetime, take: Callable[[int, list[Any]], None]
) -> None:
    """Match the borders, file the spurs with `take`, match again, and propose corrections."""
    run_matching(session, now - timedelta(days=30))
    take(known[SPUR_KEY], spur_records(session, known[MAIN_KEY]))
    build_topology(session, known[SPUR_KEY])
    done = run_matching(session, now)
    session.add(
        BorderRun(
            asked_by="demo", asked_at=now, state="done", step="done", percent=100, started_at=now, ended_at=now, **done
        )
    )
    propose_some(session, known, now)

"""Makers of rows for tests: each call gives new, valid, unique things."""

from __future__ import annotations

import itertools
import secrets
from typing import Any, get_args

from sqlalchemy import func, text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from gis.network.models import Node, Pipe, Station
from ingestion_adapters.checks import judge_row
from ingestion_adapters.contract import DATASETS
from ingestion_adapters.deliveries import Delivery
from ingestion_adapters.samples import SAMPLES
from ingestion_adapters.store_records import FILINGS, store_records
from ingestion_adapters.stores import FILED
from portal.accounts.models import Enterprise
from portal.core.actor import cli_actor
from portal.core.clock import utc_now
from portal.operation.telemetry.models import Point

_number = itertools.count(1)


def place(lon: float = 112.5, lat: float = 32.0) -> Any:
    """Return a point as an SQL expression."""
    return func.ST_SetSRID(func.ST_MakePoint(lon, lat), STORAGE_SRID)


def make_enterprise(session: Session, **given: Any) -> Enterprise:
    """Add an enterprise."""
    mark = secrets.token_hex(4).upper().replace("I", "1").replace("O", "0")
    values = {
        "uscc": f"91370100MA{mark}"[:18].ljust(18, "0"),
        "name": f"企业{mark}",
        "short_name": f"E{mark}",
        "kind": 1,
    }
    made = Enterprise(**values | given)
    session.add(made)
    session.flush()
    return made


def make_node(session: Session, enterprise: Enterprise, **given: Any) -> Node:
    """Add a network node."""
    lon, lat = given.pop("lon", 112.5), given.pop("lat", 32.0)
    values = {
        "enterprise_id": enterprise.id,
        "src_code": f"N{next(_number)}",
        "adcode": "990101",
        "geom": place(lon, lat),
    }
    made = Node(**values | given)
    session.add(made)
    session.flush()
    return made


def make_pipe(session: Session, enterprise: Enterprise, **given: Any) -> Pipe:
    """Add a pipe between two new nodes."""
    begin = make_node(session, enterprise)
    end = make_node(session, enterprise, lon=112.501)
    line = func.ST_SetSRID(
        func.ST_MakeLine(func.ST_MakePoint(112.5, 32.0), func.ST_MakePoint(112.501, 32.0)), STORAGE_SRID
    )
    values = {
        "enterprise_id": enterprise.id,
        "src_code": f"P{next(_number)}",
        "adcode": "990101",
        "from_node_id": begin.id,
        "to_node_id": end.id,
        "pressure_class": 5,
        "material": 21,
        "od_mm": 160.0,
        "length_m": 94.5,
        "geom": line,
    }
    made = Pipe(**values | given)
    session.add(made)
    session.flush()
    return made


def make_station(session: Session, enterprise: Enterprise, **given: Any) -> Station:
    """Add a gate station."""
    values = {
        "enterprise_id": enterprise.id,
        "src_code": f"S{next(_number)}",
        "name": "门站",
        "adcode": "990101",
        "kind": 2,
        "geom": place(),
    }
    made = Station(**values | given)
    session.add(made)
    session.flush()
    return made


def make_point(session: Session, enterprise: Enterprise, **given: Any) -> Point:
    """Add a pressure point in kPa: 1.0 | 1.5 … 3.0 | 3.5, period 300 s."""
    values = {
        "enterprise_id": enterprise.id,
        "src_code": f"T{next(_number)}",
        "name": "出口压力",
        "adcode": "990101",
        "object_code": "X",
        "measure": 1,
        "unit": "kPa",
        "period_s": 300,
        "range_low": 0.0,
        "range_high": 10.0,
        "low_low": 1.0,
        "low": 1.5,
        "high": 3.0,
        "high_high": 3.5,
        "geom": place(),
    }
    made = Point(**values | given)
    session.add(made)
    session.flush()
    return made


def file_records(session: Session, enterprise: Enterprise) -> dict[str, int]:
    """File one record of every kind; return the numbers by table."""
    session.execute(
        text(
            "insert into gas_user (enterprise_id, src_code, status, geom, user_class, households, detector) values"
            " (:e, 'U00000001', 1, st_setsrid(st_makepoint(112.5, 32), 4490), 10, 1, true)"
        ),
        {"e": enterprise.id},
    )
    given = Delivery(enterprise.id, 1, utc_now(), cli_actor())
    numbers = {}
    for dataset in FILED:
        for kind in get_args(DATASETS[dataset]) or (DATASETS[dataset],):
            row = {name: value for name, value in SAMPLES[kind.__name__].items() if name != "object_code"}
            stored = store_records(session, given, [judge_row(row, 0, dataset)])
            assert stored.accepted == 1, stored.rejections
            table = FILINGS[kind].table
            numbers[table] = session.scalar(text(f"select max(id) from {table}"))
    return numbers

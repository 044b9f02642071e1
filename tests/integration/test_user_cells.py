"""Cells of users are kept counted whatever is written, and a tile of them equals counting the users themselves."""

from __future__ import annotations

from dataclasses import replace

import mapbox_vector_tile
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.tiles.layer import NETWORK_LAYERS
from gis.tiles.queries import tile_bytes, tile_of
from portal.core.actor import CITY, Scope
from tests.factories import make_enterprise

_ADD = text(
    "insert into gas_user (enterprise_id, src_code, adcode, user_class, geom, status) "
    "select :e, 'C' || n, case when n % 3 = 0 then null else '990101' end, 10, "
    "ST_SetSRID(ST_MakePoint(98 + (n % 60) * 0.01, 30 + n * 0.0003), 4490), case when n % 11 = 0 then 7 else 2 end "
    "from generate_series(1, 300) n"
)
_DIFFERENCES = text(
    "with counted as (select l.level::smallint as level, m >> (2 * (24 - l.level)) as cell, enterprise_id, coalesce(adcode, '') as adcode, "
    "count(*)::int as n from gas_user cross join generate_series(13, 19) l (level) where status <> 7 and enterprise_id = :e "
    "group by 1, 2, 3, 4), kept as (select level, cell, enterprise_id, adcode, n from user_cell where enterprise_id = :e and n <> 0) "
    "select count(*) from ((table counted except table kept) union all (table kept except table counted)) d"
)


def test_cells_follow_every_way_of_writing(db: Session) -> None:
    facts = {"e": make_enterprise(db).id}
    for statement in (
        _ADD,
        "update gas_user set geom = ST_Translate(geom, 0.07, 0) where enterprise_id = :e and id % 2 = 0",
        "update gas_user set status = 7 where enterprise_id = :e and id % 5 = 0",
        "update gas_user set status = 2, adcode = '990102' where enterprise_id = :e and id % 7 = 0",
        "update gas_user set address = 'x' where enterprise_id = :e",
    ):
        db.execute(text(statement) if isinstance(statement, str) else statement, facts)
        assert db.scalar(_DIFFERENCES, facts) == 0
        assert db.scalar(text("select sum(n) from user_cell where enterprise_id = :e and level = 13"), facts) > 100


def test_a_tile_of_cells_equals_counting_the_users(db: Session) -> None:
    mine, other = make_enterprise(db), make_enterprise(db)
    for enterprise in (mine, other):
        db.execute(_ADD, {"e": enterprise.id})
    user = next(each for each in NETWORK_LAYERS if each.name == "user")
    scopes = (CITY, Scope(enterprise_ids=frozenset({mine.id})), Scope(adcodes=frozenset({"990101"})), Scope())
    for z in (8, 11, 14):
        place = tile_of(98.3, 30.045, z)
        for scope in scopes:
            kept, counted = (cells(tile_bytes(db, layer, scope, place)) for layer in (user, replace(user, counted_cells="")))
            assert kept == counted and (sum(kept.values()) > 0) == (scope != Scope() and len(kept) > 0)
    low = cells(tile_bytes(db, user, scopes[1], tile_of(98.3, 30.045, 8)))
    assert sum(low.values()) > 100 and min(low.values()) > 0


def cells(tile: bytes) -> dict[tuple[int, int], int]:
    shown = mapbox_vector_tile.decode(tile).get("user", {"features": []})["features"]
    return {tuple(each["geometry"]["coordinates"]): each["properties"]["n"] for each in shown}

"""The network as it was known on a past day: tiles, lists and objects equal the rows that were valid then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.asof import past_source
from portal.accounts.rights import Rights, Role
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import local, utc_now
from portal.core.db import transaction
from tests.factories import make_enterprise, make_pipe, make_station
from tests.integration.test_tiles_map import GZIP, address, decoded, ids, log_in

# Days before today at which the pipe of the fixture changed its state.
LAID, RENEWED, REMOVED = 300, 200, 100


@dataclass
class Town:
    """One enterprise's pipe that was laid, renewed and removed, another's that always lay there, and who looks."""

    own: int
    pipe: int
    other_pipe: int
    station: int
    clients: dict[str, FlaskClient]


def day(days_ago: int) -> str:
    return (local(utc_now()) - timedelta(days=days_ago)).date().isoformat()


def backdate(owner: Session, table: str, number: int, states: list[tuple[int, dict[str, Any]]]) -> None:
    """Give an object a past, as if it had been filed over the years: (days ago, what differed) from the oldest on."""
    instants = [utc_now() - timedelta(days=ago) for ago, _ in states]
    columns = ", ".join(owner.execute(text(
        "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where attrelid = cast(:t as regclass)"
        " and attnum > 0 and not attisdropped and attname not in ('valid_from', 'valid_to')"
    ), {"t": table}).scalars().all())
    for (_, given), begin, end in zip(states, instants, instants[1:], strict=False):
        owner.execute(text(
            f"insert into {table}_history ({columns}, valid_from, valid_to) select {columns}, :begin, :end from {table} where id = :id"
        ), {"begin": begin, "end": end, "id": number})
        for name, value in given.items():
            owner.execute(text(f"update {table}_history set {name} = :v where id = :id and valid_from = :begin"),
                          {"v": value, "id": number, "begin": begin})
    owner.execute(text(f"update {table} set valid_from = :begin where id = :id"), {"begin": instants[-1], "id": number})


@pytest.fixture(scope="module")
def town(app: Flask, settings: Settings, database: dict[str, str]) -> Town:
    from sqlalchemy import create_engine

    def committed(work: Callable[[Session], Any]) -> Any:
        with transaction(settings, CITY, worker=True) as session:
            return work(session)

    def rows(session: Session) -> tuple[int, int, int, int]:
        own, other = make_enterprise(session), make_enterprise(session)
        pipe = make_pipe(session, own, status=7, material=21, name="滨江路管段")
        return own.id, pipe.id, make_pipe(session, other, adcode="990102").id, make_station(session, own).id

    own, pipe, other_pipe, station = committed(rows)
    engine = create_engine(database["PORTAL_OWNER_DATABASE_URL"])
    with Session(engine) as owner, owner.begin():
        backdate(owner, "gas_pipe", pipe, [(LAID, {"status": 2, "material": 30}), (RENEWED, {"status": 2}), (REMOVED, {})])
        backdate(owner, "gas_pipe", other_pipe, [(LAID, {})])
        backdate(owner, "gas_station", station, [(RENEWED, {})])
    engine.dispose()
    roles = {"city": Rights(Role.CITY_REGULATOR), "own": Rights(Role.ENTERPRISE_MANAGER, enterprise_id=own)}
    return Town(own, pipe, other_pipe, station, {key: log_in(app, settings, committed, each) for key, each in roles.items()})


def tile(town: Town, who: str, layer: str, at: str) -> Any:
    return town.clients[who].get(f"{address(layer)}?at={at}", headers=GZIP)


@pytest.mark.parametrize(
    ("ago", "material"), [(LAID + 1, None), (LAID, 30), (RENEWED + 1, 30), (RENEWED, 21), (REMOVED + 1, 21), (REMOVED, None), (1, None)]
)
def test_a_tile_of_a_past_day_holds_what_was_known_then(town: Town, ago: int, material: int | None) -> None:
    answer = tile(town, "own", "pipe", day(ago))
    if material is None:
        assert town.pipe not in ids(answer, "pipe")
        return
    (feature,) = [each for each in decoded(answer)["pipe"]["features"] if each["properties"]["id"] == town.pipe]
    assert feature["properties"]["mt"] == material and feature["properties"]["e"] == town.own


def test_a_past_tile_stays_within_the_scope(town: Town) -> None:
    assert ids(tile(town, "city", "pipe", day(RENEWED)), "pipe") >= {town.pipe, town.other_pipe}
    assert ids(tile(town, "own", "pipe", day(RENEWED)), "pipe") == {town.pipe}


def test_a_past_tile_is_not_mixed_up_with_todays(town: Town) -> None:
    today = town.clients["own"].get(address("pipe"), headers=GZIP)
    past = tile(town, "own", "pipe", day(RENEWED))
    assert today.headers["ETag"] != past.headers["ETag"]
    again = town.clients["own"].get(f"{address('pipe')}?at={day(RENEWED)}", headers=GZIP | {"If-None-Match": past.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("layer", ["station", "sensor", "alarm", "user", "valve", "regulator", "district"])
def test_every_layer_with_a_past_answers(town: Town, layer: str) -> None:
    assert tile(town, "city", layer, day(10)).status_code in (200, 204)
    assert tile(town, "city", layer, f"{day(10)}T12:00").status_code in (200, 204)


def test_what_has_no_past_and_what_is_no_day_are_refused_in_words(town: Town) -> None:
    assert tile(town, "city", "risk", day(10)).status_code == 404
    for words in ("yesterday", day(-2), "2026-02-30"):
        answer = town.clients["city"].get(f"{address('pipe')}?at={words}", headers={"Accept": "application/json"})
        assert answer.status_code == 422 and answer.get_json()["code"].startswith("map_day")


def test_a_past_tile_finds_former_states_by_place(owner: Session) -> None:
    owner.execute(text("set local enable_seqscan = off"))
    plan = "\n".join(owner.execute(text(
        f"explain select t.id from {past_source('gas_pipe t')} where t.geom && ST_MakeEnvelope(112.4, 31.9, 112.6, 32.1, 4490)"
    ), {"at": datetime(2026, 1, 1).astimezone()}).scalars())
    assert "ix_gas_pipe_history_geom" in plan and "idx_gas_pipe_geom" in plan

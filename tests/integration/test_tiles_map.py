"""Tiles, the map page, its partials, lists, search and curves, as each role sees them."""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import mapbox_vector_tile
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.network.models import GasUser
from gis.tiles.queries import morton, morton_range, tile_of
from gis.tiles.themes import ThemeColumn
from portal.accounts.people import create_user
from portal.accounts.rights import Rights, Role
from portal.accounts.web import TOKEN_KEY
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.clock import utc_now
from portal.home.themes import Theme, ThemeClass
from portal.operation.telemetry.rollup import roll_up
from tests.factories import make_enterprise, make_pipe, make_point, make_station, place

CLI = Actor(kind="cli", id=None, name="test")


@dataclass
class City:
    """Two enterprises side by side, each with a pipe, a station, users and a point."""

    own: int
    other: int
    pipe: int
    other_pipe: int
    pipe_code: str
    point: int
    other_point: int
    station: int
    clients: dict[str, FlaskClient]


def log_in(app: Flask, settings: Settings, committed: Callable[..., Any], rights: Rights) -> FlaskClient:
    from portal.accounts.sessions import log_in as open_session

    login = f"m{secrets.token_hex(5)}"

    def work(session: Session) -> str:
        user, password = create_user(session, login, "地图测试", rights, settings=settings, actor=CLI)
        user.must_change_password = False
        session.flush()
        outcome = open_session(
            session, login, password, visitor=CLI, agent="test", now=utc_now(), settings=settings
        )
        return str(outcome.token)

    client = app.test_client()
    token = committed(work)
    with client.session_transaction() as cookie:
        cookie[TOKEN_KEY] = token
    return client


@pytest.fixture(scope="module")
def city(app: Flask, settings: Settings) -> City:
    from portal.core.actor import CITY
    from portal.core.db import transaction

    def committed(work: Callable[[Session], Any]) -> Any:
        with transaction(settings, CITY, worker=True) as session:
            return work(session)

    def rows(session: Session) -> dict[str, Any]:
        session.execute(text(
            "insert into base_district (adcode, name_zh, name_en, geom, label) "
            "values ('990101', '江北区', 'North', ST_Multi(ST_MakeEnvelope(112.4, 31.9, 112.6, 32.1, 4490)), "
            "ST_SetSRID(ST_MakePoint(112.5, 32.0), 4490)) on conflict do nothing"
        ))
        made: dict[str, Any] = {}
        for key in ("own", "other"):
            enterprise = make_enterprise(session)
            adcode = "990101" if key == "own" else "990102"
            pipe = make_pipe(session, enterprise, adcode=adcode, name=f"管段{key}")
            station = make_station(session, enterprise, adcode=adcode)
            point = make_point(
                session, enterprise, adcode=adcode,
                object_type="station", object_id=station.id, object_code=station.src_code,
            )
            for n in range(6):
                session.add(GasUser(
                    enterprise_id=enterprise.id, src_code=f"U{key}{n}", adcode=adcode, user_class=10,
                    address="滨江路1号", geom=place(112.5001 + n / 1e5, 32.0001),
                ))
            made |= {
                key: enterprise.id, f"{key}_pipe": pipe.id, f"{key}_point": point.id,
                f"{key}_station": station.id, f"{key}_code": pipe.src_code,
            }
        return made

    made = committed(rows)
    roles = {
        "city": Rights(Role.CITY_REGULATOR),
        "own": Rights(Role.ENTERPRISE_MANAGER, enterprise_id=made["own"]),
        "district": Rights(Role.DISTRICT_REGULATOR, adcodes=["990101"]),
        "admin": Rights(Role.SYSTEM_ADMIN),
        "evaluator": Rights(Role.EVALUATOR),
    }
    clients = {name: log_in(app, settings, committed, rights) for name, rights in roles.items()}
    return City(
        made["own"], made["other"], made["own_pipe"], made["other_pipe"], made["own_code"],
        made["own_point"], made["other_point"], made["own_station"], clients,
    )


def address(layer: str, z: int = 14) -> str:
    return "/tiles/{}/{}/{}/{}.mvt".format(layer, *tile_of(112.5004, 32.00005, z))


def decoded(answer: Any) -> dict[str, Any]:
    data = gzip.decompress(answer.data) if answer.headers.get("Content-Encoding") == "gzip" else answer.data
    return dict(mapbox_vector_tile.decode(data))


GZIP = {"Accept-Encoding": "gzip"}


def ids(answer: Any, layer: str) -> set[int]:
    if answer.status_code == 204:
        return set()
    return {each["properties"]["id"] for each in decoded(answer)[layer]["features"]}


def test_tile_holds_the_declared_attributes(city: City) -> None:
    answer = city.clients["city"].get(address("pipe"), headers=GZIP)
    assert answer.status_code == 200
    assert answer.content_type == "application/vnd.mapbox-vector-tile"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    features = decoded(answer)["pipe"]["features"]
    own = next(each for each in features if each["properties"]["id"] == city.pipe)
    assert own["id"] == city.pipe
    assert own["properties"] == {"id": city.pipe, "pc": 5, "mt": 21, "st": 2, "e": city.own}


@pytest.mark.parametrize("layer", ["pipe", "station", "user", "sensor"])
def test_tile_stays_within_the_scope(city: City, layer: str) -> None:
    zoom = 15
    everything = ids(city.clients["city"].get(address(layer, zoom), headers=GZIP), layer)
    own = ids(city.clients["own"].get(address(layer, zoom), headers=GZIP), layer)
    district = ids(city.clients["district"].get(address(layer, zoom), headers=GZIP), layer)
    assert own and own < everything
    assert district and district < everything
    assert own <= district
    assert city.clients["evaluator"].get(address(layer, zoom)).status_code == 204


def test_cached_tile_is_not_shared_between_scopes(city: City) -> None:
    for _ in range(2):
        assert city.other_pipe in ids(city.clients["city"].get(address("pipe"), headers=GZIP), "pipe")
        assert city.other_pipe not in ids(city.clients["own"].get(address("pipe"), headers=GZIP), "pipe")


def test_unchanged_tile_is_answered_with_304(city: City) -> None:
    client = city.clients["city"]
    first = client.get(address("pipe"), headers=GZIP)
    again = client.get(address("pipe"), headers=GZIP | {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    foreign = city.clients["own"].get(address("pipe"), headers=GZIP | {"If-None-Match": first.headers["ETag"]})
    assert foreign.status_code == 200


def test_users_are_counted_per_cell_below_zoom_15(city: City) -> None:
    features = decoded(city.clients["own"].get(address("user", 12), headers=GZIP))["user"]["features"]
    assert sum(each["properties"]["n"] for each in features) == 6
    assert all(0 <= axis <= 4096 for each in features for axis in each["geometry"]["coordinates"])
    single = decoded(city.clients["own"].get(address("user", 15), headers=GZIP))["user"]["features"]
    assert len(single) == 6 and all(each["properties"]["c"] == 10 for each in single)


def test_cell_lies_where_the_users_are(city: City) -> None:
    z = 12
    cell = decoded(city.clients["own"].get(address("user", z), headers=GZIP))["user"]["features"][0]
    x, y = cell["geometry"]["coordinates"]
    _, left, top = tile_of(112.5001, 32.0001, z)
    lon = (left + x / 4096) / (1 << z) * 360 - 180
    assert abs(lon - 112.5001) < 360 / (1 << z) / 32
    # The decoder counts y upwards; the tile counts rows downwards.
    _, _, row = tile_of(112.5001, 32.0001, z + 5)
    assert int((4096 - y) / 128) == row - top * 32


def test_low_pressure_waits_for_the_zoom(city: City) -> None:
    assert city.pipe not in ids(city.clients["city"].get(address("pipe", 10), headers=GZIP), "pipe")
    assert city.pipe in ids(city.clients["city"].get(address("pipe", 11), headers=GZIP), "pipe")


@pytest.mark.parametrize(
    "path",
    ["/tiles/nothing/10/1/1.mvt", "/tiles/pipe/3/8/0.mvt", "/tiles/pipe/23/0/0.mvt", "/tiles/pipe/99999999999/0/0.mvt"],
)
def test_impossible_tile_is_not_found(city: City, path: str) -> None:
    assert city.clients["city"].get(path).status_code == 404


def test_tile_needs_login_and_right(app: Flask, city: City) -> None:
    assert app.test_client().get(address("pipe")).status_code == 401
    assert city.clients["admin"].get(address("pipe")).status_code == 403


def test_morton_agrees_with_the_database(db: Session) -> None:
    z, x, y = tile_of(112.5, 32.0, 24)
    assert db.scalar(text("select morton24(112.5, 32.0)")) == morton(x, y)
    low, high = morton_range(14, *tile_of(112.5, 32.0, 14)[1:])
    assert low <= morton(x, y) <= high


def test_map_page_carries_its_nonce_and_no_foreign_address(city: City) -> None:
    answer = city.clients["city"].get("/map")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "startMap({" in page and 'id="map"' in page
    assert "http://" not in page.replace("http://localhost", "").replace("http://www.w3.org", "")
    assert "https://" not in page


def test_counts_are_of_the_scope(city: City) -> None:
    everything = city.clients["city"].get("/map/counts").get_json()
    own = city.clients["own"].get("/map/counts").get_json()
    assert own["layers"]["pipe"] == 1 and own["layers"]["user"] == 6 and own["layers"]["sensor"] == 1
    assert everything["layers"]["pipe"] >= 2
    length = pytest.approx(0.0945, abs=0.001)
    assert own["km"]["pressure"] == [0, 0, length, 0, 0]
    assert own["km"]["year"] == [0, 0, 0, 0, length]
    assert own["km"]["material"] == [0, 0, 0, 0, 0, length, 0, 0]
    assert own["km"]["enterprise"] == [length]
    assert own["km"]["status"] == [length, 0, 0, 0, 0]
    whole = pytest.approx(sum(everything["km"]["pressure"]), abs=0.01)
    assert all(sum(rows) == whole for rows in everything["km"].values())


def test_a_feature_brings_a_theme_with_column_classes_and_lengths(app: Flask, city: City) -> None:
    column = ThemeColumn("risk", "rk", "case when t.material = 21 then 4 else 1 end")
    classes = (ThemeClass("红", "--r1", (1,)), ThemeClass("蓝", "--r4", (4,)))
    layers = app.extensions.pop("map_layers", None)
    app.config |= {"MAP_THEME_COLUMNS": [column], "MAP_THEMES": [lambda *_: Theme(column, "风险四色", classes)]}
    try:
        assert 'data-colouring="risk"' in city.clients["own"].get("/map").get_data(as_text=True)
        features = decoded(city.clients["own"].get(address("pipe", 13), headers=GZIP))["pipe"]["features"]
        assert {each["properties"]["rk"] for each in features} == {4}
        assert city.clients["own"].get("/map/counts").get_json()["km"]["risk"] == [0, pytest.approx(0.0945, abs=0.001)]
    finally:
        app.config |= {"MAP_THEME_COLUMNS": [], "MAP_THEMES": []}
        app.extensions["map_layers"] = layers
    assert 'data-colouring="risk"' not in city.clients["own"].get("/map").get_data(as_text=True)


def test_drawer_shows_facts_and_refuses_the_foreign(city: City) -> None:
    own = city.clients["own"]
    page = own.get(f"/map/object/pipe/{city.pipe}").get_data(as_text=True)
    assert city.pipe_code in page and "PE100" in page and "中压A" in page and "data-lng" in page
    assert own.get(f"/map/object/pipe/{city.other_pipe}").status_code == 404
    assert own.get("/map/object/pipe/999999999").status_code == 404
    assert own.get("/map/object/nothing/1").status_code == 404
    assert own.get(f"/map/object/pipe/{2**70}").status_code == 404


def test_drawer_of_a_station_names_its_curve(city: City) -> None:
    page = city.clients["own"].get(f"/map/object/station/{city.station}").get_data(as_text=True)
    assert f"/operation/points/{city.point}/series" in page


def test_drawer_tells_what_changed(city: City, committed: Callable[..., Any]) -> None:
    committed(lambda session: session.execute(
        text("update gas_pipe set material = 20 where id = :id"), {"id": city.pipe}
    ))
    page = city.clients["own"].get(f"/map/object/pipe/{city.pipe}").get_data(as_text=True)
    assert "PE100 → PE80" in page and "位置变更" not in page
    committed(lambda session: session.execute(
        text("update gas_pipe set material = 21 where id = :id"), {"id": city.pipe}
    ))


@pytest.mark.parametrize("layer", ["pipe", "station", "valve", "regulator", "user", "sensor"])
def test_each_layer_has_a_list(city: City, layer: str) -> None:
    answer = city.clients["own"].get(f"/map/list/{layer}?q=")
    assert answer.status_code == 200
    assert city.clients["own"].get(f"/map/list/{layer}?after=99999999999999999999999").status_code == 200
    assert city.clients["own"].get(f"/map/list/{layer}?q=%25%5C_%27").status_code == 200


def test_search_finds_by_code_within_the_scope(city: City) -> None:
    assert f"sel=pipe:{city.pipe}" in city.clients["own"].get(f"/search?q={city.pipe_code}").get_data(as_text=True)
    found = city.clients["own"].get("/search/suggest?q=管段other").get_data(as_text=True)
    assert f"sel=pipe:{city.other_pipe}" not in found
    assert "sel=user:" in city.clients["own"].get("/search?q=Uown1").get_data(as_text=True)
    assert "sel=" not in city.clients["admin"].get(f"/search?q={city.pipe_code}").get_data(as_text=True)


@pytest.mark.parametrize("role", ["city", "own", "district", "admin", "evaluator"])
def test_home_opens_for_every_role(city: City, role: str) -> None:
    assert city.clients[role].get("/").status_code == 200
    fresh = city.clients[role].get("/home/freshness").get_json()
    assert set(fresh) == {"state", "text"}


def add_readings(session: Session, point: int, begin: datetime) -> None:
    session.execute(text("select ensure_reading_day(:d)"), {"d": begin.date()})
    session.execute(text("select ensure_reading_day(:d)"), {"d": begin.date() + timedelta(days=1)})
    rows = [
        {"ts": begin + timedelta(minutes=5 * n), "v": 2.0 + n / 10, "p": point, "d": 10 if n else 4000}
        for n in range(12)
    ]
    session.execute(
        text("insert into reading (ts, value, point_id, receipt_id, delay_s) values (:ts, :v, :p, 1, :d)"), rows
    )
    session.execute(text("insert into rollup_due (hour, since) values (:h, :s)"), {"h": begin, "s": begin})


def test_curve_keeps_extremes_and_hours_add_up(city: City, committed: Callable[..., Any]) -> None:
    begin = utc_now().astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    committed(lambda session: add_readings(session, city.point, begin))
    series = city.clients["own"].get(f"/operation/points/{city.point}/series?span=24h").get_json()
    known = [value for value in series["v"] if value is not None]
    assert len(known) == 12 and max(filter(None, series["hi"])) == pytest.approx(3.1)
    assert series["unit"] == "kPa" and {each["value"] for each in series["limits"]} == {1.0, 1.5, 3.0, 3.5}
    while committed(lambda session: roll_up(session, utc_now())) != "0 hours, 0 rows":
        pass
    hour = committed(lambda session: session.execute(
        text("select readings, valid, in_time, in_limits, low, high, last from reading_hour where point_id = :p"),
        {"p": city.point},
    ).one())
    assert tuple(hour) == (12, 12, 11, 11, pytest.approx(2.0), pytest.approx(3.1), pytest.approx(3.1))
    month = city.clients["own"].get(f"/operation/points/{city.point}/series?span=30d").get_json()
    assert [value for value in month["v"] if value] == [pytest.approx(2.55)]
    assert city.clients["own"].get(f"/operation/points/{city.other_point}/series").status_code == 404
    assert city.clients["own"].get(f"/operation/points/{city.point}/series?from=x").status_code == 422
    for asked, status in (("minute", 200), ("week", 422), ("minute&span=5y", 422)):
        found = city.clients["own"].get(f"/operation/points/{city.point}/figures.csv?resolution={asked}")
        assert found.status_code == status, asked
    assert city.clients["own"].get(f"/operation/points/{city.other_point}/figures.csv").status_code == 404
    assert city.clients["own"].get(f"/operation/points/{city.point}").status_code == 200


def test_answers_are_json_where_asked(city: City) -> None:
    answer = city.clients["own"].get("/tiles/pipe/3/8/0.mvt")
    assert json.loads(answer.data)["status"] == 404


def test_open_alarm_is_on_the_map_in_the_list_and_in_the_drawer(
    city: City, committed: Callable[..., Any]
) -> None:
    def raise_alarm(session: Session) -> int:
        number = session.scalar(text(
            "insert into alarm (enterprise_id, adcode, source, kind, level, point_id, object_code, value, unit, "
            "raised_at, geom) values (:e, '990101', 'rule', 11, 2, :p, 'X-9', 3.7, 'kPa', now(), "
            "ST_SetSRID(ST_MakePoint(112.5004, 32.00005), 4490)) returning id"
        ), {"e": city.own, "p": city.point})
        session.execute(text(
            "insert into alarm_now (alarm_id, enterprise_id, adcode, point_id, kind, level, historical, state, "
            "raised_at) values (:a, :e, '990101', :p, 11, 2, false, 1, now())"
        ), {"a": number, "e": city.own, "p": city.point})
        return int(number or 0)

    alarm = committed(raise_alarm)
    own, evaluator = city.clients["own"], city.clients["evaluator"]
    feature = next(each for each in decoded(own.get(address("alarm"), headers=GZIP))["alarm"]["features"])
    assert feature["properties"] == {"id": alarm, "l": 2, "s": 1, "k": 11, "n": "X-9"}
    listed = own.get("/map/alarms").get_data(as_text=True)
    assert f'data-alarm-id="{alarm}"' in listed and 'data-level="2"' in listed and "data-unacked" in listed
    assert "data-alarm-id" in own.get(f"/map/alarms?point={city.point}").get_data(as_text=True)
    assert "data-alarm-id" not in own.get(f"/map/alarms?point={city.other_point}").get_data(as_text=True)
    drawer = own.get(f"/map/object/alarm/{alarm}").get_data(as_text=True)
    assert "压力超限" in drawer and "3.7 kPa" in drawer and f"/operation/points/{city.point}/series" in drawer
    assert evaluator.get(f"/map/object/alarm/{alarm}").status_code == 404
    assert evaluator.get(address("alarm")).status_code == 204
    assert own.get("/map/counts").get_json()["layers"]["alarm"] == 1
    assert "压力超限" in own.get(f"/map/object/sensor/{city.point}").get_data(as_text=True)

"""Tiles of the loaded city: cold and unchanged answers through the whole application, and thinned against raw.

Run as `python -m bench.tiles`. Requests go through the WSGI application without a socket, as a
city dispatcher would see them; the tile cache is emptied first, the database is as warm as it is.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from flask import Flask, g
from flask.testing import FlaskClient

from gis.network.queries import served_box
from gis.tiles import layer as layers
from gis.tiles import routes
from gis.tiles.layer import NETWORK_LAYERS, VectorLayer, everything
from gis.tiles.queries import tile_bytes, tile_of
from portal.accounts.rights import Role, permissions_of
from portal.app import create_app
from portal.config import Settings
from portal.core.actor import CITY, Actor
from portal.core.db import transaction

ZOOMS = range(8, 17)
TILES_A_ZOOM = 10
SEED = 7
DISPATCHER = Actor(
    kind="cli", id=None, name="bench", role=Role.CITY_DISPATCHER, scope=CITY,
    permissions=permissions_of(Role.CITY_DISPATCHER),
)
Place = tuple[int, int, int]


def places(box: tuple[float, float, float, float]) -> list[Place]:
    """Return a fixed sample of the tiles over the served area, some of each zoom."""
    pick = random.Random(SEED)  # a repeatable sample, no secret
    chosen: list[Place] = []
    for z in ZOOMS:
        _, left, bottom = tile_of(box[0], box[1], z)
        _, right, top = tile_of(box[2], box[3], z)
        every = [(z, x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]
        chosen += pick.sample(every, min(TILES_A_ZOOM, len(every)))
    return chosen


def addresses(app: Flask, chosen: list[Place]) -> Iterator[str]:
    """Give the address of each layer's tile at each place."""
    with app.app_context():
        table = routes.layer_table()
    for z, x, y in chosen:
        for name in table.names():
            if z >= table.named(name).min_zoom:
                yield f"/tiles/{name}/{z}/{x}/{y}.mvt"


def timed(client: FlaskClient, address: str, tag: str = "") -> tuple[float, int, str, int]:
    """Return milliseconds, status, ETag and bytes of one request."""
    headers = {"Accept-Encoding": "gzip"} | ({"If-None-Match": tag} if tag else {})
    began = time.perf_counter()
    answer = client.get(address, headers=headers)
    body = answer.get_data()
    return (time.perf_counter() - began) * 1000, answer.status_code, answer.headers["ETag"], len(body)


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def raw_ms(settings: Settings, layer: VectorLayer, chosen: list[Place]) -> float:
    """Return the milliseconds in SQL for a layer's tiles, one after the other."""
    began = time.perf_counter()
    with transaction(settings, CITY) as session:
        for place in chosen:
            tile_bytes(session, layer, CITY, *place)
    return (time.perf_counter() - began) * 1000


def main() -> int:
    """Measure and print one figure a line; the ratio last."""
    settings = Settings.from_env()
    app = create_app(settings)
    app.before_request_funcs.setdefault(None, []).append(lambda: setattr(g, "actor", DISPATCHER))
    with transaction(settings, CITY) as session:
        box = served_box(session, CITY)
    if box is None:
        sys.stderr.write("no network is loaded\n")
        return 1
    chosen, client = places(box), app.test_client()
    listed = list(addresses(app, chosen))
    timed(client, listed[0])
    routes.forget_tiles()
    cold = [timed(client, address) for address in listed]
    same = [timed(client, address, tag) for address, (_, _, tag, _) in zip(listed, cold, strict=True)]
    unchanged = [ms for ms, status, _, _ in same if status == 304]
    pipe, user = (next(each for each in NETWORK_LAYERS if each.name == name) for name in ("pipe", "user"))
    low = [place for place in chosen if place[0] <= 13]
    thinned = raw_ms(settings, pipe, low) + raw_ms(settings, user, low)
    layers.MAX_FEATURES = 10_000_000
    unthinned = sum(
        raw_ms(settings, replace(each, keep=everything, cells_below_zoom=0), low)
        for each in (pipe, user)
    )
    times = [ms for ms, _, _, _ in cold]
    figures = {
        "tiles": len(cold),
        "empty": sum(status == 204 for _, status, _, _ in cold),
        "cold_p50_ms": round(statistics.median(times), 1),
        "cold_p95_ms": round(p95(times), 1),
        "cold_max_ms": round(max(times), 1),
        "largest_kB": round(max(size for *_, size in cold) / 1000, 1),
        "unchanged": len(unchanged),
        "unchanged_p50_ms": round(statistics.median(unchanged), 2),
        "unchanged_p95_ms": round(p95(unchanged), 2),
        "raw_over_thinned": round(unthinned / thinned, 2),
    }
    for name, value in figures.items():
        sys.stdout.write(f"{name}={value}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

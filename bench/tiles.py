"""Tiles of the loaded city: cold and unchanged answers through the whole application, and thinned against raw.

Run as `python -m bench.tiles`, or with `--fill --users 10000000 --pipes 300000 --valves 50000` on a database made
for it, to lay a city of that size first. Requests go through the WSGI application without a socket, as a
city dispatcher would see them; the tile cache is emptied first, the database is as warm as it is.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from flask import Flask, g
from flask.testing import FlaskClient

from bench._big_city import fill
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
HITS = 2000
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


def hits_per_s(client: FlaskClient, listed: list[str]) -> float:
    """Return how many tiles one process gives a second out of its cache, bodies included."""
    again = (listed * (1 + HITS // len(listed)))[:HITS]
    began = time.perf_counter()
    for address in again:
        client.get(address, headers={"Accept-Encoding": "gzip"}).get_data()
    return len(again) / (time.perf_counter() - began)


def by_zoom(listed: list[str], times: list[float]) -> dict[str, float]:
    """Return the 95th percentile of each zoom, ms; all layers of a tile are asked for one by one."""
    found: dict[int, list[float]] = {}
    for address, ms in zip(listed, times, strict=True):
        found.setdefault(int(address.split("/")[3]), []).append(ms)
    return {f"cold_p95_ms_z{z}": round(p95(each), 1) for z, each in sorted(found.items())}


def raw_ms(settings: Settings, layer: VectorLayer, chosen: list[Place]) -> float:
    """Return the milliseconds in SQL for a layer's tiles, one after the other."""
    began = time.perf_counter()
    with transaction(settings, CITY) as session:
        for place in chosen:
            tile_bytes(session, layer, CITY, place)
    return (time.perf_counter() - began) * 1000


def raw_over_thinned(settings: Settings, chosen: list[Place]) -> float:
    """Return how many times longer pipes and users take at low zoom without thinning; of ten million never asked."""
    pipe, user = (next(each for each in NETWORK_LAYERS if each.name == name) for name in ("pipe", "user"))
    low = [place for place in chosen if place[0] <= 13]
    thinned = raw_ms(settings, pipe, low) + raw_ms(settings, user, low)
    layers.MAX_FEATURES = 10_000_000
    raw = [raw_ms(settings, replace(each, keep=everything, cells_below_zoom=0), low) for each in (pipe, user)]
    return sum(raw) / thinned


def main() -> int:
    """Measure and print one figure a line; the ratio last."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--fill", action="store_true", help="lay a city of the size given first")
    for name, count in (("users", 10_000_000), ("pipes", 300_000), ("valves", 50_000)):
        asked.add_argument(f"--{name}", type=int, default=count)
    wanted = asked.parse_args()
    settings = Settings.from_env()
    if wanted.fill:
        fill(settings, users=wanted.users, pipes=wanted.pipes, valves=wanted.valves)
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
        "hits_per_s": round(hits_per_s(client, listed)),
    } | ({} if wanted.fill else {"raw_over_thinned": round(raw_over_thinned(settings, chosen), 2)})
    for name, value in (figures | by_zoom(listed, times)).items():
        sys.stdout.write(f"{name}={value}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Ingest: signed pushes through gunicorn against raw COPY of the same rows into the same table.

A cluster of its own under the data directory, durable as in production (fsync on), so that no
measurement lies among real readings. Two clients push, two connections copy; medians of the rounds.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import psycopg2
from sqlalchemy import text

from ingestion_adapters.client import Client
from ingestion_adapters.contract import Point, Station
from ingestion_adapters.store_network import store_network
from portal.accounts.keys import make_key
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import engine_for, transaction
from portal.operation.telemetry.blocks import ReadingBlock
from portal.operation.telemetry.services import COLUMNS, copy_body

ROOT = Path(__file__).resolve().parents[1]
POINTS, CLIENTS = 1000, 2
Bodies = list[bytes]


class Sender:
    """One enterprise with its points, its program's key, and the instants not yet used."""

    def __init__(self, settings: Settings) -> None:
        word = f"B{secrets.token_hex(5)}"
        with transaction(settings, CITY, worker=True) as session:
            own = Enterprise(uscc=f"9199{word.upper()}000", name=word, short_name=word, kind=1)
            session.add(own)
            session.flush()
            self.enterprise_id = own.id
            records = [Station(src_code="S", kind=2, lon=112.5, lat=32.0)]
            points = [
                Point(
                    src_code=f"S.PT{n:05}",
                    object_code="S",
                    measure=1,
                    unit="kPa",
                    lon=112.5,
                    lat=32.0,
                    low=100.0,
                    high=500.0,
                )
                for n in range(POINTS)
            ]
            store_network(session, own.id, [*records, *points], 0)
            found = session.execute(
                text("select src_code, id from point where enterprise_id = :e order by id"), {"e": own.id}
            )
            self.codes, ids = zip(*found, strict=True)
            self.ids = np.array(ids, np.int32)
            key = make_key(session, own.id, settings=settings, now=utc_now(), actor=cli_actor())
        self.client = Client("http://localhost", key.app_id, key.key, Path(tempfile.mkdtemp()) / "queue.db")
        self.next_ms = round((datetime.now(UTC) - timedelta(minutes=55)).timestamp() * 1000)

    def columns(self, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return place of the point, ms and value of new readings, in the order a SCADA sends them."""
        steps = -(-rows // POINTS)
        place = np.tile(np.arange(POINTS), steps)[:rows]
        at = np.repeat(self.next_ms + 500 * np.arange(steps), POINTS)[:rows]
        self.next_ms += 500 * steps
        value = np.round(300 + 20 * np.sin(at / 9e5 + place), 2)
        return place, at, value

    def json_body(self, rows: int) -> bytes:
        """Return a body of JSON rows with ISO times."""
        place, at, value = self.columns(rows)
        records = [
            {
                "point": self.codes[p],
                "t": datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds"),
                "v": v,
            }
            for p, ms, v in zip(place.tolist(), at.tolist(), value.tolist(), strict=True)
        ]
        return msgspec.json.encode({"records": records})

    def columnar_body(self, rows: int) -> bytes:
        """Return a columnar body."""
        place, at, value = self.columns(rows)
        return msgspec.json.encode({"points": self.codes, "p": place.tolist(), "t": at.tolist(), "v": value.tolist()})

    def ndjson_body(self, rows: int) -> bytes:
        """Return the rows of a JSON body as lines."""
        return b"\n".join(msgspec.json.encode(row) for row in msgspec.json.decode(self.json_body(rows))["records"])

    def csv_body(self, rows: int) -> bytes:
        """Return the rows of a JSON body as CSV."""
        records = msgspec.json.decode(self.json_body(rows))["records"]
        lines = ["point,t,v", *(f"{row['point']},{row['t']},{row['v']}" for row in records)]
        return "\n".join(lines).encode()

    def gzip_body(self, rows: int) -> bytes:
        """Return a JSON body deflated."""
        return gzip.compress(self.json_body(rows), 6)

    def history_blocks(self, rows: int) -> Iterator[bytes]:
        """Give readings of the hours before, a second apart, newest first, as COPY BINARY streams."""
        newest, seconds = self.next_ms - 60_000, 500
        for first in range(0, -(-rows // POINTS), seconds):
            at = np.tile(newest - 1000 * np.arange(first + seconds - 1, first - 1, -1), POINTS)
            full = np.full(at.size, 192, np.int16)
            value = np.round(300 + 20 * np.sin(at / 9e5), 2)
            ids, flags = np.repeat(self.ids, seconds), np.zeros(at.size, np.int16)
            yield copy_body(ReadingBlock(self.enterprise_id, 0, datetime.now(UTC), ids, at, value, full, flags))

    def copy_block(self, rows: int) -> bytes:
        """Return the same readings as one sorted COPY BINARY stream."""
        place, at, value = self.columns(rows)
        order = np.lexsort((at, place))
        full = np.full(rows, 192, np.int16)
        block = ReadingBlock(
            self.enterprise_id,
            0,
            datetime.now(UTC),
            self.ids[place[order]],
            at[order],
            value[order],
            full,
            np.zeros(rows, np.int16),
        )
        return copy_body(replace(block))


@dataclass(frozen=True)
class Shape:
    """One kind of push: rows a batch, how its body is made, and the headers that say so."""

    rows: int
    make: Callable[[Sender, int], bytes]
    content_type: str = "application/json"
    encoding: str = "identity"


SHAPES = {
    "json_10000": Shape(10_000, Sender.json_body),
    "json_1000": Shape(1_000, Sender.json_body),
    "json_100": Shape(100, Sender.json_body),
    "ndjson_10000": Shape(10_000, Sender.ndjson_body, "application/x-ndjson"),
    "csv_10000": Shape(10_000, Sender.csv_body, "text/csv"),
    "gzip_10000": Shape(10_000, Sender.gzip_body, encoding="gzip"),
    "columnar_10000": Shape(10_000, Sender.columnar_body),
}


def push_all(sender: Sender, port: int, bodies: Bodies, shape: Shape, took_s: list[float]) -> None:
    """Push bodies one after the other over one connection; stop at the first that is not taken whole."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    path = "/api/v1/ingest/RT"
    for body in bodies:
        began = time.perf_counter()
        more = {"Content-Type": shape.content_type, "X-Batch-Id": secrets.token_hex(12)}
        if shape.encoding != "identity":
            more["Content-Encoding"] = shape.encoding
        link.request("POST", path, body, sender.client.headers("POST", path, body) | more)
        answer = link.getresponse()
        said = msgspec.json.decode(answer.read())
        took_s.append(time.perf_counter() - began)
        if answer.status != 200 or said["rejected"] or said["duplicate"]:
            raise RuntimeError(f"push answered {answer.status}: {said}")
    link.close()


def copy_all(url: str, blocks: Iterable[bytes]) -> None:
    """COPY blocks one after the other, each in its transaction."""
    link = psycopg2.connect(url.replace("postgresql+psycopg2", "postgresql"))
    for block in blocks:
        with link, link.cursor() as cursor, tempfile.SpooledTemporaryFile(max_size=2**26) as source:
            source.write(block)
            source.seek(0)
            cursor.copy_expert(f"copy reading ({COLUMNS}) from stdin (format binary)", source)
    link.close()


def rows_per_s(rows: int, work: Callable[[int], None]) -> float:
    """Return the rows a second of CLIENTS workers that handle `rows` together."""
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(work, number) for number in range(CLIENTS)]:
            done.result()
    return rows / (time.perf_counter() - began)


@contextmanager
def intake(port: int, workers: int) -> Iterator[None]:
    """Run the intake process as in production."""
    words = [
        "-k",
        "gthread",
        "-w",
        str(workers),
        "--threads",
        "4",
        "-b",
        f"127.0.0.1:{port}",
        "--log-level",
        "error",
        "wsgi:app",
    ]
    process = subprocess.Popen([ROOT / ".venv" / "bin" / "gunicorn", *words], cwd=ROOT)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        link.request("GET", "/api/v1/openapi.json")  # a worker listens before it has loaded the application
        link.getresponse().read()
        link.close()
        yield
    finally:
        process.terminate()
        process.wait(30)


def own_database() -> Settings:
    """Start and migrate the benchmark's cluster; return its settings."""
    folder = Path(os.environ.get("PORTAL_DATA_DIR", ROOT / "var")).resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PORTAL_DATA_DIR"] = str(folder)
    subprocess.run([ROOT / "script" / "cluster", "start"], check=True, timeout=120)
    lines = (folder / "secrets.env").read_text("utf-8").splitlines()
    os.environ.update(dict(line.split("=", 1) for line in lines if "=" in line))
    os.environ["PORTAL_LOG_LEVEL"] = "ERROR"
    subprocess.run([ROOT / "script" / "migrate"], check=True, timeout=120)
    return Settings.from_env()


def fill(settings: Settings, senders: list[Sender], rows: int) -> None:
    """Lay history into the table that is measured, then bring its statistics up to date."""
    url = settings.worker_database_url
    rows_per_s(rows, lambda n: copy_all(url, senders[n].history_blocks(rows // CLIENTS)))
    link = psycopg2.connect(settings.owner_database_url.replace("postgresql+psycopg2", "postgresql"))
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute("vacuum analyze reading")
    link.close()


def measured(settings: Settings, port: int, rows: int, rounds: int, history: int = 0) -> dict[str, float]:
    """Return the medians of every figure; HTTP and raw COPY take turns within each round."""
    senders = [Sender(settings) for _ in range(CLIENTS)]
    url = settings.worker_database_url
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("select ensure_reading_day(d) from unnest(array[current_date - 1, current_date]) d"))
    if history:
        fill(settings, senders, history)
    found: dict[str, list[float]] = {}
    latencies: dict[str, list[float]] = {}
    for number in range(rounds + 1):  # the first warms up
        for name, shape in SHAPES.items():
            speed, took_ms = one_shape(senders, port, shape, rows // CLIENTS)
            if number:
                found.setdefault(f"rows_per_s_{name}", []).append(speed)
                latencies.setdefault(name, []).extend(took_ms)
        blocks = [[sender.copy_block(10_000) for _ in range(max(1, rows // CLIENTS // 10_000))] for sender in senders]
        raw = rows_per_s(sum(map(len, blocks)) * 10_000, lambda n, blocks=blocks: copy_all(url, blocks[n]))  # type: ignore[misc]
        if number:
            found.setdefault("rows_per_s_raw_copy", []).append(raw)
    figures = {name: statistics.median(values) for name, values in found.items()}
    for name in ("json_100", "json_1000"):
        figures[f"latency_ms_p95_{name}"] = statistics.quantiles(latencies[name], n=20)[18]
    raw_speed = figures["rows_per_s_raw_copy"]
    ratios = {f"ratio_{name}": figures[f"rows_per_s_{name}"] / raw_speed for name in reversed(SHAPES)}
    return figures | ratios


def one_shape(senders: list[Sender], port: int, shape: Shape, each: int) -> tuple[float, list[float]]:
    """Push `each` rows of every sender in batches of one shape; return rows a second and ms of every push."""
    took: list[list[float]] = [[] for _ in senders]
    # Small batches would take minutes for the rows of large ones and say nothing more.
    batches = min(max(1, each // shape.rows), 200)
    bodies = [[shape.make(sender, shape.rows) for _ in range(batches)] for sender in senders]
    sent = sum(len(part) for part in bodies) * shape.rows
    speed = rows_per_s(sent, lambda n: push_all(senders[n], port, bodies[n], shape, took[n]))
    return speed, [1000 * value for part in took for value in part]


def main() -> int:
    """Run the benchmark and print its figures, the ratio last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=200_000, help="rows a round and shape")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="gunicorn workers")
    parser.add_argument("--history", type=float, default=0.0, help="million readings laid into the table before")
    given = parser.parse_args()
    settings = own_database()
    try:
        port = random.randint(20_000, 32_000)  # any free port
        with intake(port, given.workers):
            figures = measured(settings, port, given.rows, given.rounds, round(given.history * 1e6))
    finally:
        engine_for(settings.worker_database_url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    for name, value in figures.items():
        sys.stdout.write(f"{name}={value:.3f}\n" if "ratio" in name else f"{name}={value:.0f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

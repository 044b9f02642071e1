"""Meters: registry load, look-ups under row policies, and one reading of every meter through the signed door.

A cluster of its own, durable as in production. The baseline of the sweep is binary COPY of the same readings, one
row each, into a table with key (ts, meter_id), by two connections, turn about with the sweep in the same run.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import psycopg2
from numpy.typing import NDArray
from sqlalchemy import text

from bench.ingest import CLIENTS, ROOT, Shape, intake, own_database, push_all
from ingestion_adapters.client import Client
from ingestion_adapters.contract import Meter
from ingestion_adapters.defence.models import IntakeQuota
from ingestion_adapters.store_network import store_network
from portal.accounts.keys import make_key
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, Scope, cli_actor
from portal.core.clock import utc_now
from portal.core.db import engine_for, transaction
from portal.operation.meters.numbers import index_codes
from portal.operation.meters.queries import MeterFilter, latest_counters, meter_counts, meters_page, place_of
from portal.operation.meters.wire import HEAD, TAIL

REGISTER_ROWS, LOOK_UPS = 20_000, 60
BASELINE = "meter_copy_baseline"
_ROW = np.dtype(
    [("n", ">i2"), ("l0", ">i4"), ("ts", ">i8"), ("l1", ">i4"), ("value", ">f8"), ("l2", ">i4"), ("meter", ">i4"),
     ("l3", ">i4"), ("receipt", ">i4")]
)  # fmt: skip


class Owner:
    """One enterprise, its meters, and its program's key."""

    def __init__(self, settings: Settings, meters: int) -> None:
        self.settings, self.meters = settings, meters
        word = f"M{secrets.token_hex(5)}"
        self.word = word.upper()
        with transaction(settings, CITY, worker=True) as session:
            own = Enterprise(uscc=f"9199{word.upper()}000", name=word, short_name=word, kind=1)
            session.add(own)
            session.flush()
            self.id = own.id
            # A daily sweep is agreed with its sender: no quota shall pace it here.
            session.add(IntakeQuota(enterprise_id=own.id, rows_per_s=1e6, burst_rows=1e8, requests_per_s=1e4, reason="benchmark"))
            key = make_key(session, own.id, settings=settings, now=utc_now(), actor=cli_actor())
        self.client = Client("http://localhost", key.app_id, key.key, Path(tempfile.mkdtemp()) / "queue.db")

    def code(self, number: int) -> str:
        """Return the code of a meter."""
        return f"{self.word}{number:09}"

    def register(self) -> None:
        """Register all meters as NET does, batch by batch."""
        for start in range(0, self.meters, REGISTER_ROWS):
            records = [self.meter(n) for n in range(start, min(start + REGISTER_ROWS, self.meters))]
            with transaction(self.settings, Scope(enterprise_ids=frozenset({self.id})), worker=True) as session:
                store_network(session, self.id, records, 0)

    def meter(self, number: int) -> Meter:
        """Return the record of one meter."""
        begin = date(2016, 1, 1) + timedelta(days=number % 3650)
        return Meter(
            src_code=self.code(number), kind=1 + number % 8, user_no=f"U{self.word}{number:09}", qmax_m3_per_h=4.0, comm=3,
            maker=f"maker {number % 7}", serial=str(number), installed_on=begin, expires_on=begin + timedelta(days=3650),
            valve_state=0 if number % 500 == 0 else 1,
        )  # fmt: skip

    def sweep(self, at: datetime, value: float, given: argparse.Namespace) -> list[bytes]:
        """Return the bodies of one reading of every meter, in the order of the registry or in none."""
        ms, stamp, bodies = round(at.timestamp() * 1000), at.isoformat(), []
        order = np.arange(self.meters) if given.order == "registry" else np.random.default_rng(2).permutation(self.meters)
        for start in range(0, self.meters, given.batch):
            numbers = order[start : start + given.batch].tolist()
            values = [round(value + n % 97, 2) for n in numbers]
            codes = [self.code(n) for n in numbers]
            if given.body == "rows":
                records = [{"point": code, "t": stamp, "v": v} for code, v in zip(codes, values, strict=True)]
                bodies.append(msgspec.json.encode({"records": records}))
            else:
                size = len(numbers)
                bodies.append(msgspec.json.encode({"points": codes, "p": list(range(size)), "t": [ms] * size, "v": values}))
        return bodies


def copy_sweep(url: str, ids: NDArray[np.int32], at: datetime, batch: int) -> None:
    """COPY one reading of every meter as single rows, in batches of the same size."""
    link = psycopg2.connect(url.replace("postgresql+psycopg2", "postgresql"))
    pg_us = round((at - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
    for start in range(0, ids.size, batch):
        part = ids[start : start + batch]
        rows = np.zeros(part.size, _ROW)
        rows["n"], rows["l0"], rows["l1"], rows["l2"], rows["l3"] = 4, 8, 8, 4, 4
        rows["ts"], rows["value"], rows["meter"] = pg_us, part % 97, part
        with link, link.cursor() as cursor:
            cursor.copy_expert(f"copy {BASELINE} from stdin (format binary)", io.BytesIO(HEAD + rows.tobytes() + TAIL))
    link.close()


def cpu_s(roots: list[int]) -> float:
    """Return the seconds of processor that processes and all below them have taken."""
    tick, parents, spent = os.sysconf("SC_CLK_TCK"), {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text("utf-8", "replace").rsplit(")", 1)[1].split()
        except OSError:  # ended meanwhile
            continue
        parents[int(path.parent.name)] = int(words[1])
        spent[int(path.parent.name)] = sum(map(int, words[11:15])) / tick
    wanted, grown = set(roots), True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in wanted} - wanted
        wanted, grown = wanted | more, bool(more)
    return sum(spent.get(pid, 0.0) for pid in wanted)


def postmaster() -> int:
    """Return the number of the database server's first process."""
    return int((Path(os.environ["PORTAL_DATA_DIR"]) / "pg" / "postmaster.pid").read_text("utf-8").split()[0])


def spent(work: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds some work takes, and the processor seconds of client, intake and database together."""
    roots = [os.getpid(), postmaster()]
    before = cpu_s(roots)
    seconds = work()
    return seconds, cpu_s(roots) - before


def together(work: Callable[[int], object]) -> float:
    """Return the seconds that CLIENTS workers take together."""
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(work, number) for number in range(CLIENTS)]:
            done.result()
    return time.perf_counter() - began


def looked_up(settings: Settings, owners: list[Owner], role: str) -> dict[str, float]:
    """Return p95 ms of finding a meter by code and of pages of filters, as the web role within a scope."""
    scope = CITY if role == "city" else Scope(enterprise_ids=frozenset({owners[0].id}))
    chance, today = random.Random(1), utc_now().date()
    filters = {
        "kind": MeterFilter(kind=4), "overdue": MeterFilter(due="overdue"), "shut": MeterFilter(valve_state=0),
        "kind_and_due": MeterFilter(kind=7, due="soon"), "shut_and_kind": MeterFilter(kind=2, valve_state=0),
        "due_of_one": MeterFilter(enterprise_id=owners[0].id, due="soon"),
    }  # fmt: skip
    found: dict[str, float] = {}

    def timed(name: str, wanted: Callable[[], MeterFilter], place: Callable[[], int]) -> None:
        took = []
        for _ in range(LOOK_UPS):
            began = time.perf_counter()
            with transaction(settings, scope) as session:
                page = meters_page(session, wanted(), place=(place(), False), scope=scope, today=today)
                latest_counters(session, [row.id for row in page.rows])
            took.append(1000 * (time.perf_counter() - began))
        found[f"{role}_{name}_ms_p95"] = statistics.quantiles(took, n=20)[18]

    timed("by_code", lambda: MeterFilter(words=owners[0].code(chance.randrange(owners[0].meters))), lambda: 0)
    timed("by_beginning", lambda: MeterFilter(words=owners[0].code(chance.randrange(owners[0].meters))[:14]), lambda: 0)
    with transaction(settings, CITY) as session:
        last = int(session.scalar(text("select max(id) from gas_meter")) or 0)

    def place(wanted: MeterFilter) -> int:
        """Return a place such as a reader may have come to: a number, or a day of the list and a number."""
        day = today + timedelta(days=chance.randrange(0, 80) if wanted.due == "soon" else -chance.randrange(1, 300))
        return place_of(wanted, SimpleNamespace(id=chance.randrange(last), expires_on=day))

    for name, wanted in filters.items():
        timed(f"page_{name}", lambda wanted=wanted: wanted, lambda wanted=wanted: place(wanted))  # type: ignore[misc]
    began = time.perf_counter()
    with transaction(settings, scope) as session:
        meter_counts(session, scope, today)
    return found | {f"{role}_counts_ms": 1000 * (time.perf_counter() - began)}


def registered(settings: Settings, meters: int) -> tuple[list[Owner], dict[str, float]]:
    """Register the meters of two enterprises and have their codes filed, as the schedule does."""
    owners = [Owner(settings, meters // CLIENTS) for _ in range(CLIENTS)]
    seconds, cpu = spent(lambda: together(lambda n: owners[n].register()))
    figures = {"register_rows_per_s": meters / seconds, "register_cpu_us_per_row": 1e6 * cpu / meters}
    with engine_for(os.environ["PORTAL_OWNER_DATABASE_URL"]).connect() as link:
        link.execution_options(isolation_level="AUTOCOMMIT")
        link.execute(text("vacuum analyze gas_meter"))
        link.execute(text("vacuum analyze meter_block"))
        link.execute(text(f"drop table if exists {BASELINE}"))
        link.execute(
            text(f"create table {BASELINE} (ts timestamptz, value float8, meter_id int, receipt_id int, primary key (ts, meter_id))")
        )
        link.execute(text(f"grant insert on {BASELINE} to ranjian_worker"))
    began = time.perf_counter()
    for _ in owners:
        with transaction(settings, CITY, worker=True) as session:
            index_codes(session, utc_now())
    return owners, figures | {"file_codes_s": time.perf_counter() - began}


def measured(settings: Settings, port: int, given: argparse.Namespace) -> dict[str, float]:
    """Return every figure."""
    meters = given.meters
    owners, figures = registered(settings, meters)
    for role in ("city", "enterprise"):
        figures |= looked_up(settings, owners, role)
    with transaction(settings, CITY, worker=True) as session:
        wanted = text("select id from gas_meter where enterprise_id = :e order by id")
        ids = [np.array(session.scalars(wanted, {"e": each.id}).all(), np.int32) for each in owners]
    if given.order == "random":
        ids = [np.random.default_rng(1).permutation(each) for each in ids]
    found: dict[str, list[float]] = {}
    url = settings.worker_database_url
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(given.rounds + 1):  # the first writes newest values where there were none, as a new installation
        at = midnight - timedelta(days=given.rounds - number)
        bodies = [each.sweep(at, 100 + 3 * number, given) for each in owners]
        shape = Shape(given.batch, lambda _sender, _rows: b"")
        swept = spent(lambda bodies=bodies, shape=shape: together(lambda n: push_all(owners[n], port, bodies[n], shape, [])))  # type: ignore[misc, arg-type]
        del bodies
        copied = spent(lambda at=at: together(lambda n: copy_sweep(url, ids[n], at, given.batch)))  # type: ignore[misc]
        for name, (seconds, cpu) in (("sweep", swept), ("copy", copied)):
            if number:
                found.setdefault(f"{name}_s", []).append(seconds)
                found.setdefault(f"{name}_cpu_us_per_row", []).append(1e6 * cpu / meters)
        if not number:
            figures |= {"first_sweep_s": swept[0], "first_sweep_cpu_us_per_row": 1e6 * swept[1] / meters}
    figures |= {name: statistics.median(values) for name, values in found.items()}
    figures |= _sizes(meters, given.rounds + 1)
    figures["sweep_rows_per_s"] = meters / figures["sweep_s"]
    figures["ten_million_s"] = figures["sweep_s"] * 10_000_000 / meters
    return figures | {
        "ratio_sweep_cpu": figures["copy_cpu_us_per_row"] / figures["sweep_cpu_us_per_row"],
        "ratio_sweep": figures["copy_s"] / figures["sweep_s"],
    }


def _sizes(meters: int, sweeps: int) -> dict[str, float]:
    """Return the room a meter's registry rows, a reading of ours and a single row of COPY take, bytes."""
    with engine_for(os.environ["PORTAL_OWNER_DATABASE_URL"]).connect() as link:
        registry = link.scalar(text("select pg_total_relation_size('gas_meter') + pg_total_relation_size('meter_block')"))
        stored = link.scalar(
            text("select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'meter_reading_block'::regclass")
        )
        copied = link.scalar(text(f"select pg_total_relation_size('{BASELINE}')"))
    rows = meters * sweeps
    return {"bytes_per_meter": registry / meters, "bytes_per_reading": float(stored) / rows, "bytes_per_row_copied": copied / rows}


def main() -> int:
    """Run the benchmark and print its figures, the ratio last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--meters", type=int, default=1_000_000,
        help="meters registered and swept; ten million with two rounds need 20 GB of disk and 3 GB of memory",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--order", choices=("registry", "random"), default="registry", help="order of the meters in the sweep")
    parser.add_argument("--body", choices=("columns", "rows"), default="columns", help="columnar body or JSON rows")
    parser.add_argument("--batch", type=int, default=25_000, help="rows a push and a COPY")
    parser.add_argument("--workers", type=int, default=2, help="gunicorn workers")
    given = parser.parse_args()
    settings = own_database()
    try:
        port = random.randint(20_000, 32_000)  # any free port
        with intake(port, given.workers):
            for name, value in measured(settings, port, given).items():
                sys.stdout.write(f"{name}={value:.3f}\n" if "ratio" in name else f"{name}={value:.1f}\n")
            sys.stdout.flush()
    finally:
        engine_for(settings.worker_database_url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Meters: registry load, look-ups under row policies, and one reading of every meter through the signed door.

A cluster of its own, durable as in production. The sweep is a columnar push by two clients; its ratio is
against COPY of the same readings into the same table by two connections in the same run.
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

import msgspec
import psycopg2
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
from portal.operation.meters.queries import MeterFilter, meters_page

REGISTER_ROWS, PUSH_ROWS, LOOK_UPS = 20_000, 25_000, 60
COLUMNAR = Shape(PUSH_ROWS, lambda _sender, _rows: b"")


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

    def sweep(self, at: datetime, value: float) -> list[bytes]:
        """Return the bodies of one reading of every meter."""
        ms, bodies = round(at.timestamp() * 1000), []
        for start in range(0, self.meters, PUSH_ROWS):
            numbers = range(start, min(start + PUSH_ROWS, self.meters))
            size = len(numbers)
            bodies.append(
                msgspec.json.encode(
                    {
                        "points": [self.code(n) for n in numbers], "p": list(range(size)), "t": [ms] * size,
                        "v": [round(value + n % 97, 2) for n in numbers],
                    }
                )
            )  # fmt: skip
        return bodies


def copy_sweep(url: str, ids: list[int], at: datetime) -> None:
    """COPY one reading of every meter into the same table, in batches of the same size."""
    link = psycopg2.connect(url.replace("postgresql+psycopg2", "postgresql"))
    stamp = at.isoformat()
    for start in range(0, len(ids), PUSH_ROWS):
        body = "".join(f"{stamp}\t{n % 97}\t{n}\t0\n" for n in ids[start : start + PUSH_ROWS])
        with link, link.cursor() as cursor:
            cursor.copy_expert("copy meter_reading (ts, value, meter_id, receipt_id) from stdin", io.StringIO(body))
    link.close()


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
    }  # fmt: skip
    found: dict[str, float] = {}

    def timed(name: str, wanted: Callable[[], MeterFilter], place: Callable[[], int]) -> None:
        took = []
        for _ in range(LOOK_UPS):
            with transaction(settings, scope) as session:
                began = time.perf_counter()
                meters_page(session, wanted(), place=(place(), False), scope=scope, today=today)
                took.append(1000 * (time.perf_counter() - began))
        found[f"{role}_{name}_ms_p95"] = statistics.quantiles(took, n=20)[18]

    timed("by_code", lambda: MeterFilter(words=owners[0].code(chance.randrange(owners[0].meters))), lambda: 0)
    timed("by_beginning", lambda: MeterFilter(words=owners[0].code(chance.randrange(owners[0].meters))[:14]), lambda: 0)
    with transaction(settings, CITY) as session:
        last = int(session.scalar(text("select max(id) from gas_meter")) or 0)
    for name, wanted in filters.items():
        timed(f"page_{name}", lambda wanted=wanted: wanted, lambda: chance.randrange(last))  # type: ignore[misc]
    return found


def measured(settings: Settings, port: int, meters: int, rounds: int) -> dict[str, float]:
    """Return every figure."""
    owners = [Owner(settings, meters // CLIENTS) for _ in range(CLIENTS)]
    figures = {"register_rows_per_s": meters / together(lambda n: owners[n].register())}
    with engine_for(os.environ["PORTAL_OWNER_DATABASE_URL"]).connect() as link:
        link.execute(text("analyze gas_meter"))
        link.commit()
    for role in ("city", "enterprise"):
        figures |= looked_up(settings, owners, role)
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("select ensure_meter_month(d::date) from generate_series(now() - interval '60 days', now(), '25 days') d"))
        wanted = text("select id from gas_meter where enterprise_id = :e order by id")
        ids = [list(session.scalars(wanted, {"e": each.id})) for each in owners]
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    sweeps, copies = [], []
    for number in range(rounds + 1):  # the first writes the newest values anew, as a new installation does
        at = midnight - timedelta(days=rounds - number)
        bodies = [each.sweep(at, 100 + 3 * number) for each in owners]
        seconds = together(lambda n, bodies=bodies: push_all(owners[n], port, bodies[n], COLUMNAR, []))  # type: ignore[misc, arg-type]
        copied = together(lambda n, at=at: copy_sweep(settings.worker_database_url, ids[n], at - timedelta(minutes=30)))  # type: ignore[misc]
        if number:
            sweeps.append(seconds)
            copies.append(copied)
        else:
            figures["first_sweep_s"] = seconds
    figures["sweep_s"], figures["copy_s"] = statistics.median(sweeps), statistics.median(copies)
    figures["sweep_rows_per_s"] = meters / figures["sweep_s"]
    figures["ten_million_s"] = figures["sweep_s"] * 10_000_000 / meters
    return figures | {"ratio_sweep": figures["copy_s"] / figures["sweep_s"]}


def main() -> int:
    """Run the benchmark and print its figures, the ratio last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--meters", type=int, default=1_000_000, help="meters registered and swept; 10000000 needs 12 GB")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2, help="gunicorn workers")
    given = parser.parse_args()
    settings = own_database()
    try:
        port = random.randint(20_000, 32_000)  # any free port
        with intake(port, given.workers):
            for name, value in measured(settings, port, given.meters, given.rounds).items():
                sys.stdout.write(f"{name}={value:.3f}\n" if "ratio" in name else f"{name}={value:.1f}\n")
            sys.stdout.flush()
    finally:
        engine_for(settings.worker_database_url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

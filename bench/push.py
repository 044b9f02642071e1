"""Push: processor time of one signed push of readings, of the application and of the database, at several sizes.

A cluster of its own under the data directory, durable as in production; one intake process as in production.
Two clients push. Processor time hardly changes when others load the machine, so that a change of the hot path
can be judged there; the wall times beside it want a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text

from bench.ingest import CLIENTS, ROOT, Sender, Shape, intake, own_database, push_all, rows_per_s
from bench.soak import family_of, status_mb, workers_of
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import engine_for, transaction

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
SIZES = (100, 1000, 10_000)


def spent_ms(pids: list[int]) -> float:
    """Return the processor time of processes and of their ended children, ms."""
    total = 0
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, words[11:15]))
    return total * TICK_MS


def postmaster(settings: Settings) -> int:
    """Return the process that started every process of the database."""
    with engine_for(settings.owner_database_url).connect() as link:
        backend = int(link.execute(text("select pg_backend_pid()")).scalar_one())
    return int(Path(f"/proc/{backend}/stat").read_text("ascii").rpartition(")")[2].split()[1])


def measured(settings: Settings, port: int, given: argparse.Namespace) -> dict[str, float]:
    """Return processor time, wall time and rows a second of each size, and the highest memory of the worker."""
    senders = [Sender(settings) for _ in range(CLIENTS)]
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("select ensure_reading_day(d) from unnest(array[current_date - 1, current_date]) d"))
    figures: dict[str, float] = {}
    for rows in given.sizes:
        each = max(5, min(given.pushes, given.pushes * 1000 // rows))
        one_size(settings, senders, port, Shape(rows, Sender.json_body), each)  # warms up
        figures |= one_size(settings, senders, port, Shape(rows, Sender.json_body), each)
    figures["mb_worker_peak"] = max(status_mb(pid, "VmHWM") for pid in workers_of(port))
    figures["load_1_min"] = os.getloadavg()[0]
    return figures


def one_size(settings: Settings, senders: list[Sender], port: int, shape: Shape, each: int) -> dict[str, float]:
    """Push batches of one size; return processor and wall time of a push, ms, and rows a second."""
    bodies = [[shape.make(sender, shape.rows) for _ in range(each)] for sender in senders]
    took: list[list[float]] = [[] for _ in senders]
    pushes, mother = each * CLIENTS, postmaster(settings)

    def spent() -> tuple[float, float, float]:
        return spent_ms(workers_of(port)), spent_ms(family_of(mother)), 1000 * time.process_time()

    before = spent()
    speed = rows_per_s(shape.rows * pushes, lambda n: push_all(senders[n], port, bodies[n], shape, took[n]))
    costs = [(now - then) / pushes for then, now in zip(before, spent(), strict=True)]
    names = (f"cpu_ms_{who}_{shape.rows}" for who in ("application", "database", "client"))
    all_ms = [1000 * value for part in took for value in part]
    return dict(zip(names, costs, strict=True)) | {
        f"wall_ms_p50_{shape.rows}": statistics.median(all_ms),
        f"wall_ms_p95_{shape.rows}": statistics.quantiles(all_ms, n=20)[18],
        f"rows_per_s_{shape.rows}": speed,
    }


def main() -> int:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pushes", type=int, default=300, help="pushes of each client and size, fewer of large ones")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="rows a push")
    given = parser.parse_args()
    settings = own_database()
    try:
        port = random.randint(20_000, 32_000)  # any free port
        with intake(port, 1):
            figures = measured(settings, port, given)
    finally:
        engine_for(settings.worker_database_url).dispose()
        engine_for(settings.owner_database_url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    for name, value in figures.items():
        sys.stdout.write(f"{name}={value:.2f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Soak: signed pushes at a steady rate for minutes, and the memory of every process of the intake meanwhile.

A cluster of its own under the data directory, durable as in production. Two clients push; memory is what
the kernel counts as resident, at the start, in the middle and at the end, with the slope of a straight line.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from sqlalchemy import text

from bench.ingest import CLIENTS, ROOT, SHAPES, Sender, Shape, intake, own_database, push_all
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import engine_for, transaction

LOOK_EVERY_S = 2.0
WARM_UP_SHARE = 0.1
Samples = dict[str, list[tuple[float, float]]]


def family_of(pid: int) -> list[int]:
    """Return a process and everything it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in family_of(int(child)))]


def status_mb(pid: int, name: str) -> float:
    """Return one figure of a process's memory, MB; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), 0.0)


def workers_of(port: int) -> list[int]:
    """Return the worker processes behind a port: those of our gunicorn that were forked, not started."""
    mark = f"127.0.0.1:{port}".encode()
    serving = [pid for pid in family_of(os.getpid()) if mark in Path(f"/proc/{pid}/cmdline").read_bytes()]
    if len(serving) < 2:
        raise RuntimeError("the intake does not run")
    return serving[1:]


def watch(workers: list[int], samples: Samples, ended: threading.Event) -> None:
    """Note the memory of every worker until the end."""
    began = time.monotonic()
    while not ended.wait(LOOK_EVERY_S):
        for number, pid in enumerate(workers):
            samples.setdefault(f"intake_{number}", []).append((time.monotonic() - began, status_mb(pid, "VmRSS")))


def steady(sender: Sender, port: int, shape: Shape, rate: float, until: float, took: list[float]) -> int:
    """Push at a rate until a time; return the rows sent. A client that falls behind pushes without pauses."""
    rows, due = 0, time.monotonic()
    while time.monotonic() < until:
        push_all(sender, port, [shape.make(sender, shape.rows)], shape, took)
        rows += shape.rows
        due += shape.rows / rate
        time.sleep(max(0.0, due - time.monotonic()))
    return rows


def figures_of(samples: Samples) -> dict[str, float]:
    """Return memory at start, middle and end of each process and its slope, the warm-up left out."""
    found: dict[str, float] = {}
    for name, pairs in samples.items():
        warm = pairs[int(len(pairs) * WARM_UP_SHARE) :]
        at, mb = np.array(warm).T
        third = max(1, len(warm) // 10)
        for word, part in (("start", mb[:third]), ("middle", mb[len(mb) // 2 :][:third]), ("end", mb[-third:])):
            found[f"mb_{name}_{word}"] = float(np.median(part))
        found[f"mb_per_minute_{name}"] = float(np.polyfit(at, mb, 1)[0] * 60)
    return found


def largest_batch(sender: Sender, port: int, rows: int, worker: int) -> dict[str, float]:
    """Return the highest memory of the worker while batches of many rows are pushed, MB."""
    shape = Shape(rows, Sender.json_body)
    for _ in range(5):
        push_all(sender, port, [shape.make(sender, rows)], shape, [])
    return {f"mb_worker_peak_batches_of_{rows}": status_mb(worker, "VmHWM")}


def measured(settings: Settings, port: int, given: argparse.Namespace) -> dict[str, float]:
    """Run the soak and return its figures."""
    senders = [Sender(settings) for _ in range(CLIENTS)]
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("select ensure_reading_day(d) from unnest(array[current_date - 1, current_date]) d"))
    workers = workers_of(port)
    samples: Samples = {}
    ended, took, sent = threading.Event(), [list[float]() for _ in senders], [0] * CLIENTS
    until = time.monotonic() + given.minutes * 60

    def run(number: int) -> None:
        sent[number] = steady(senders[number], port, SHAPES["json_1000"], given.rate / CLIENTS, until, took[number])

    began = time.monotonic()
    threads = [threading.Thread(target=watch, args=(workers, samples, ended)),
               *(threading.Thread(target=run, args=(number,)) for number in range(CLIENTS))]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join()
    ended.set()
    threads[0].join()
    seconds = time.monotonic() - began
    stored = sum(sent)
    latencies = [1000 * each for part in took for each in part]
    figures = {"minutes": seconds / 60, "rows": float(stored), "rows_per_s": stored / seconds}
    figures |= {"push_ms_p95": statistics.quantiles(latencies, n=20)[18]} | figures_of(samples)
    figures["mb_worker_peak"] = max(status_mb(worker, "VmHWM") for worker in workers)
    if given.large:
        figures |= largest_batch(senders[0], port, given.large, workers[0])
    figures["load_1_min"] = os.getloadavg()[0]
    return figures


def main() -> int:
    """Run the soak and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=20_000, help="rows a second of both clients together")
    parser.add_argument("--large", type=int, default=50_000, help="rows of a large batch afterwards; 0 for none")
    given = parser.parse_args()
    settings = own_database()
    try:
        port = random.randint(20_000, 32_000)  # any free port
        with intake(port, 1):
            figures = measured(settings, port, given)
    finally:
        engine_for(settings.worker_database_url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    for name, value in figures.items():
        sys.stdout.write(f"{name}={value:.3f}\n" if "per_minute" in name else f"{name}={value:.1f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

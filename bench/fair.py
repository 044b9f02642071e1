"""Fairness: the push times of three enterprises while a fourth sends ten times its quota, against the same without it.

A cluster of its own under the data directory, durable as in production; one intake process as in production.
Quiet and noisy spells take turns, so that a busy machine spoils both alike; the figure is the ratio of the p99.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter

from sqlalchemy import text

from bench.ingest import ROOT, SHAPES, Sender, intake, own_database, push_all
from ingestion_adapters.defence.models import IntakeQuota
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import engine_for, transaction

OTHERS = 3
QUOTA_ROWS_PER_S, TIMES_OVER = 1000.0, 10
PUSH_EVERY_S = 0.25
PATH = "/api/v1/ingest/RT"


def flood(sender: Sender, port: int, bodies: list[bytes], answers: Counter[int], ended: threading.Event) -> None:
    """Push ten times the quota and take no heed of what is answered; 0 counts links cut before the answer was read."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    due = time.monotonic()
    for body in bodies:
        if ended.is_set():
            break
        more = {"Content-Type": "application/json", "X-Batch-Id": secrets.token_hex(12)}
        try:
            link.request("POST", PATH, body, sender.client.headers("POST", PATH, body) | more)
            answer = link.getresponse()
            answer.read()
            answers[answer.status] += 1
        except (http.client.HTTPException, OSError):
            answers[0] += 1
            link.close()
        due = max(due + 1000 / (QUOTA_ROWS_PER_S * TIMES_OVER), time.monotonic() - 1)
        ended.wait(max(0.0, due - time.monotonic()))
    link.close()


def calm(sender: Sender, port: int, until: float, took: list[float]) -> None:
    """Push 1,000 rows four times a second, as within every quota."""
    shape, due = SHAPES["json_1000"], time.monotonic() + random.uniform(0, PUSH_EVERY_S)
    while due < until:
        body = shape.make(sender, shape.rows)
        time.sleep(max(0.0, due - time.monotonic()))
        push_all(sender, port, [body], shape, took)
        due += PUSH_EVERY_S


def spell(senders: list[Sender], port: int, seconds: float, noise: Sender | None, answers: Counter[int]) -> list[float]:
    """Return the push times of the others through one spell, ms."""
    took: list[list[float]] = [[] for _ in senders]
    # Made before, so that the noisy client costs the measuring ones as little as it can.
    bodies = [noise.json_body(1000) for _ in range(int(seconds * TIMES_OVER))] if noise is not None else []
    until, ended = time.monotonic() + seconds, threading.Event()
    threads = [
        threading.Thread(target=calm, args=(each, port, until, part)) for each, part in zip(senders, took, strict=True)
    ]
    if noise is not None:
        noisy = threading.Thread(target=flood, args=(noise, port, bodies, answers, ended))
        noisy.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    if noise is not None:
        noisy.join()
    return [1000 * each for part in took for each in part]


def measured(settings: Settings, port: int, given: argparse.Namespace) -> dict[str, float]:
    """Return the p99 of the others with and without the noise, and what the noisy one was answered."""
    senders, noise = [Sender(settings) for _ in range(OTHERS)], Sender(settings)
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("select ensure_reading_day(d) from unnest(array[current_date - 1, current_date]) d"))
        session.add(
            IntakeQuota(enterprise_id=noise.enterprise_id, rows_per_s=QUOTA_ROWS_PER_S,
                        burst_rows=2 * QUOTA_ROWS_PER_S, requests_per_s=200, reason="benchmark")
        )  # fmt: skip
    quiet: list[float] = []
    noisy: list[float] = []
    answers: Counter[int] = Counter()
    for number in range(given.rounds + 1):  # the first warms up
        without = spell(senders, port, given.seconds, None, answers)
        beside = spell(senders, port, given.seconds, noise, answers)
        if number:
            quiet += without
            noisy += beside
    p99 = [statistics.quantiles(part, n=100)[98] for part in (quiet, noisy)]
    figures = {f"noisy_answered_{status}": float(count) for status, count in sorted(answers.items())}
    figures |= {"pushes": float(len(quiet)), "ms_p50_without": statistics.median(quiet),
                "ms_p50_beside": statistics.median(noisy), "ms_p99_without": p99[0], "ms_p99_beside": p99[1]}  # fmt: skip
    return figures | {"load_1_min": os.getloadavg()[0], "ratio_p99": p99[1] / p99[0]}


def main() -> int:
    """Run the benchmark and print its figures, the ratio last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a spell")
    parser.add_argument("--rounds", type=int, default=4)
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
        sys.stdout.write(f"{name}={value:.3f}\n" if "ratio" in name else f"{name}={value:.1f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

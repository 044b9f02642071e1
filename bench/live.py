"""Live under load: from a push over its limit to the event in a browser, while 20,000 rows a second arrive and 200 watch.

A cluster of its own under the data directory, durable as in production; intake and live process as in production.
"""

from __future__ import annotations

import argparse
import os
import random
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

import msgspec
from sqlalchemy import text

from bench.alarm import HIGH_KPA, POINT, live_process, p95, prepare, wait_for_alarm
from bench.ingest import CLIENTS, ROOT, SHAPES, Sender, intake, own_database
from bench.soak import steady
from ingestion_adapters.client import Client
from portal.app import create_app
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import engine_for, transaction

WARM_UP = 3


def crowd(port: int, cookie: str, viewers: int, ended: threading.Event, heard: list[int]) -> None:
    """Hold streams open and read what they bring, as so many browsers do."""
    chosen = selectors.DefaultSelector()
    for _ in range(viewers):
        link = socket.create_connection(("127.0.0.1", port), timeout=30)
        link.sendall(f"GET /live HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode())
        link.setblocking(False)
        chosen.register(link, selectors.EVENT_READ)
    while not ended.is_set():
        for key, _ in chosen.select(0.5):
            got = key.fileobj.recv(65536)  # type: ignore[union-attr]
            heard[0] += got.count(b"event: alarm")
            if not got:
                chosen.unregister(key.fileobj)
                heard[1] += 1


def push_value(client: Client, link: HTTPConnection, value_kpa: float, number: int) -> None:
    """Push one reading of the watched point."""
    body = msgspec.json.encode({"records": [{"point": POINT, "t": utc_now().isoformat(), "v": value_kpa}]})
    path = "/api/v1/ingest/RT"
    more = {"Content-Type": "application/json", "X-Batch-Id": f"live-{time.time_ns()}-{number}"}
    link.request("POST", path, body, client.headers("POST", path, body) | more)
    answer = link.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"push answered {answer.status}: {said[:300]!r}")


def alarms(client: Client, ports: tuple[int, int], cookie: str, rounds: int) -> list[float]:
    """Return the ms from each push to its event in a stream; every second push brings the point back."""
    intake_port, live_port = ports
    link, watching = (
        HTTPConnection("127.0.0.1", intake_port, timeout=60),
        HTTPConnection("127.0.0.1", live_port, timeout=60),
    )
    push_value(client, link, HIGH_KPA - 1, 0)
    watching.request("GET", "/live", headers={"Cookie": cookie})
    stream = watching.getresponse()
    stream.readline()
    taken = []
    for number in range(WARM_UP + rounds):
        began = time.perf_counter()
        push_value(client, link, HIGH_KPA + 0.3 if number % 2 == 0 else HIGH_KPA - 1, number)
        wait_for_alarm(stream)
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(random.uniform(0.1, 0.4))
    stream.close()
    return taken[WARM_UP:]


def measured(settings: Settings, ports: tuple[int, int], given: argparse.Namespace) -> dict[str, float]:
    """Return push-to-event times without and with the load."""
    app = create_app(settings)
    with transaction(settings, CITY, worker=True) as session:
        _, app_id, key, cookie = prepare(session, app)
        session.execute(text("select ensure_reading_day(d) from unnest(array[current_date - 1, current_date]) d"))
    client = Client("http://localhost", app_id, key, Path(tempfile.mkdtemp()) / "queue.db")
    alone = alarms(client, ports, cookie, given.rounds)
    senders, sent, ended, heard = [Sender(settings) for _ in range(CLIENTS)], [0] * CLIENTS, threading.Event(), [0, 0]
    failed: list[BaseException] = []

    def load(number: int) -> None:
        began = time.monotonic()
        try:
            while not ended.is_set():
                until = time.monotonic() + 1.0
                sent[number] += steady(senders[number], ports[0], SHAPES["json_1000"], given.rate / CLIENTS, until, [])
        except BaseException as fault:  # noqa: BLE001  # told at the end
            failed.append(fault)
        seconds.append(time.monotonic() - began)

    seconds: list[float] = []
    threads = [threading.Thread(target=load, args=(number,)) for number in range(CLIENTS)]
    threads.append(threading.Thread(target=crowd, args=(ports[1], cookie, given.viewers, ended, heard)))
    for thread in threads:
        thread.start()
    time.sleep(3.0)
    beside = alarms(client, ports, cookie, given.rounds)
    ended.set()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return {
        "rounds": float(len(beside)), "viewers": float(given.viewers), "viewers_lost": float(heard[1]),
        "events_heard_by_viewers": float(heard[0]), "rows_per_s": sum(sent) / max(seconds),
        "push_to_event_p50_ms_alone": statistics.median(alone), "push_to_event_p95_ms_alone": p95(alone),
        "push_to_event_p50_ms": statistics.median(beside), "push_to_event_p95_ms": p95(beside),
        "load_1_min": os.getloadavg()[0],
    }  # fmt: skip


def main() -> int:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--rate", type=float, default=20_000, help="rows a second beside")
    parser.add_argument("--viewers", type=int, default=200)
    given = parser.parse_args()
    settings = own_database()
    try:
        port = random.randint(20_000, 32_000)  # any free port
        with intake(port, 1), live_process() as live_port:
            figures = measured(settings, (port, live_port), given)
    finally:
        for url in (settings.worker_database_url, settings.app_database_url):
            engine_for(url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    for name, value in figures.items():
        sys.stdout.write(f"{name}={value:.1f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

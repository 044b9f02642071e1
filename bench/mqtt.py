"""MQTT: signed messages of 1,000 rows through broker and worker against raw COPY of the same rows into the same table.

Two shipped clients empty their queues, each batch kept until its receipt; two connections copy.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from bench.ingest import CLIENTS, ROOT, Sender, copy_all, own_database, rows_per_s
from ingestion_adapters.mqtt import broker
from ingestion_adapters.mqtt.access import sync_access
from ingestion_adapters.mqtt_client import MqttClient
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import engine_for, transaction

ROWS_A_MESSAGE = 1000
PATIENCE_S = 120.0
START_WITHIN_S = 60


@contextmanager
def door(settings: Settings, port: int) -> Iterator[None]:
    """Run a broker and the process behind it."""
    sock = Path(tempfile.mkdtemp(prefix="rj-bench-", dir="/tmp"))
    configuration = broker.write_configuration(settings.data_dir, sock, port)
    environment = {**os.environ, "PORTAL_SOCK_DIR": str(sock), "PORTAL_LOG_LEVEL": "INFO"}
    log = (sock / "worker.log").open("wb")
    commands = ([broker.binary(), "-c", str(configuration)], [sys.executable, "-m", "portal.cli", "mqtt"])
    children = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) for command in commands]
    try:
        end = time.monotonic() + START_WITHIN_S
        while b"broker_connected" not in (sock / "worker.log").read_bytes():
            if time.monotonic() > end:
                raise RuntimeError((sock / "worker.log").read_text("utf-8", "replace"))
            time.sleep(0.1)
        yield
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait(30)


def client_of(settings: Settings, sender: Sender, port: int) -> MqttClient:
    """Return a sender's MQTT client."""
    with transaction(settings, CITY, worker=True) as session:
        uscc = session.get_one(Enterprise, sender.enterprise_id).uscc
    http = sender.client
    queue = http.queue_path.with_suffix(".mqtt")
    return MqttClient(f"127.0.0.1:{port}", uscc, http.app_id, http.key.decode(), queue)


def empty(client: MqttClient) -> None:
    """Send what a client keeps; stop at the first batch that is not taken whole."""
    for answer in client.flush(PATIENCE_S):
        if answer.status != 200 or answer.body["rejected"] or answer.body["duplicate"]:
            raise RuntimeError(f"push answered {answer.status}: {answer.body}")


def measured(settings: Settings, port: int, rows: int, rounds: int) -> dict[str, float]:
    """Return the medians; MQTT and raw COPY take turns within each round."""
    senders = [Sender(settings) for _ in range(CLIENTS)]
    sync_access(settings, again=True)
    time.sleep(1.0)  # the broker reads who may connect
    clients = [client_of(settings, sender, port) for sender in senders]
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("select ensure_reading_day(d) from unnest(array[current_date - 1, current_date]) d"))
    each = rows // CLIENTS // ROWS_A_MESSAGE
    found: dict[str, list[float]] = {"mqtt_1000": [], "raw_copy": []}
    for number in range(rounds + 1):  # the first warms up
        for sender, client in zip(senders, clients, strict=True):
            for _ in range(each):
                client.push_body("RT", sender.json_body(ROWS_A_MESSAGE))
        sent = each * CLIENTS * ROWS_A_MESSAGE
        speed = rows_per_s(sent, lambda n: empty(clients[n]))
        blocks = [[sender.copy_block(ROWS_A_MESSAGE * each)] for sender in senders]
        raw = rows_per_s(sent, lambda n, blocks=blocks: copy_all(settings.worker_database_url, blocks[n]))  # type: ignore[misc]
        if number:
            found["mqtt_1000"].append(speed)
            found["raw_copy"].append(raw)
    for client in clients:
        client.close()
    figures = {f"rows_per_s_{name}": statistics.median(values) for name, values in found.items()}
    return figures | {"ratio_mqtt_1000": figures["rows_per_s_mqtt_1000"] / figures["rows_per_s_raw_copy"]}


def main() -> int:
    """Run the benchmark and print its figures, the ratio last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=100_000, help="rows a round")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    settings = own_database()
    try:
        port = random.randint(20_000, 32_000)  # any free port
        with door(settings, port):
            figures = measured(settings, port, given.rows, given.rounds)
    finally:
        engine_for(settings.worker_database_url).dispose()
        subprocess.run([ROOT / "script" / "cluster", "stop"], check=True, timeout=120)
    for name, value in figures.items():
        sys.stdout.write(f"{name}={value:.3f}\n" if "ratio" in name else f"{name}={value:.0f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

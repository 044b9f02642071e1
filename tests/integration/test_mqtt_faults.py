"""Broker and worker die during pushes over MQTT: what a receipt was given for is stored, and stored once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion_adapters.client import Queue
from ingestion_adapters.mqtt_client import MqttClient
from portal.config import Settings
from tests.integration.test_mqtt import Sender, until
from tests.mosquitto import Mqtt

pytestmark = pytest.mark.timeout(400)
BATCHES, ROWS, REPEATED = 60, 20, 5
PATIENCE_S = 150


@pytest.fixture
def mqtt(database: dict[str, str], settings: Settings, tmp_path: Path) -> Iterator[Mqtt]:
    """Give a broker and worker of this test's own."""
    made = Mqtt(database, tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def wait_until_left(path: Path, batches: int) -> None:
    queue = Queue(path)
    try:
        until(lambda: queue.size() <= batches, PATIENCE_S)
    finally:
        queue.close()


@pytest.mark.clause("5.1-5f_2")
def test_killing_broker_and_worker_loses_and_repeats_nothing(
    mqtt: Mqtt, settings: Settings, tmp_path: Path
) -> None:
    sender = Sender(settings)
    until(lambda: sender.app_id in (mqtt.data / "mqtt" / "passwords").read_text("utf-8"))
    time.sleep(0.5)
    rows = sender.rows(BATCHES * (ROWS - REPEATED) + REPEATED)
    client = MqttClient(mqtt.address, sender.uscc, sender.app_id, sender.key, tmp_path / "q.db")
    sent = [client.push("RT", rows[n * (ROWS - REPEATED) :][:ROWS])[0] for n in range(BATCHES)]
    answers = []
    thread = threading.Thread(target=lambda: answers.extend(client.flush(PATIENCE_S)))
    thread.start()
    for name, left in (("worker", 50), ("broker", 35), ("worker", 20), ("broker", 8)):
        wait_until_left(tmp_path / "q.db", left)
        mqtt.kill(name)
        time.sleep(0.3)
        if name == "broker":
            mqtt.start_broker()
        else:
            mqtt.start_worker()
    thread.join(PATIENCE_S)
    left = client.queue.size()
    client.close()
    assert not thread.is_alive() and left == 0
    assert sorted(answer.batch_id for answer in answers if answer.durable) == sorted(sent)
    assert {answer.status for answer in answers} == {200}
    readings = "select count(*) from reading r join point p on p.id = r.point_id where p.enterprise_id = :e"
    assert sender.count(readings) == len(rows)
    assert sender.count("select count(*) from receipt where enterprise_id = :e and status = 'taken'") == BATCHES

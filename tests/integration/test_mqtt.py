"""The MQTT door with a real broker: signed messages in, receipts back, forged and foreign ones kept out."""

from __future__ import annotations

import json
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from ingestion_adapters.client import city_day
from ingestion_adapters.defence.models import IntakeQuota
from ingestion_adapters.doors import Outcome
from ingestion_adapters.mqtt import broker, worker
from ingestion_adapters.mqtt.access import login_of, sync_access
from ingestion_adapters.mqtt.broker import password_of
from ingestion_adapters.mqtt.envelope import text_to_sign
from ingestion_adapters.mqtt_client import MqttClient
from ingestion_adapters.signing import sign, sm3_hex
from portal.accounts.keys import Sm2Key, make_key, register_sm2_key, revoke_key
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Upstream
from tests.factories import make_enterprise, make_point
from tests.mosquitto import Mqtt
from tests.unit.test_sm2 import pair

pytestmark = pytest.mark.timeout(170)
WAIT_S = 30


@dataclass
class Sender:
    """An enterprise with a point and a key."""

    settings: Settings
    enterprise_id: int = 0
    uscc: str = ""
    app_id: str = ""
    key: str = ""
    key_id: int = 0
    point: str = field(default_factory=lambda: f"MQ{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        """Make the rows."""
        with transaction(self.settings, CITY, worker=True) as session:
            own = make_enterprise(session)
            make_point(session, own, src_code=self.point)
            made = make_key(session, own.id, settings=self.settings, now=utc_now(), actor=cli_actor())
            self.enterprise_id, self.uscc = own.id, own.uscc
            self.app_id, self.key, self.key_id = made.app_id, made.key, made.id

    @property
    def password(self) -> str:
        """Return the password for the broker."""
        return password_of(self.app_id, "HMAC-SM3", self.key.encode(), "")

    def rows(self, count: int = 3) -> list[dict[str, Any]]:
        """Return fresh readings."""
        begin = datetime.now(UTC) - timedelta(hours=1)
        return [{"point": self.point, "t": (begin + timedelta(seconds=n)).isoformat(), "v": 2.0} for n in range(count)]

    def count(self, sql: str = "select count(*) from receipt where enterprise_id = :e") -> int:
        """Return a number asked of the database."""
        with transaction(self.settings, CITY, worker=True) as session:
            return int(session.scalar(text(sql), {"e": self.enterprise_id}) or 0)


class Raw:
    """A bare connection that may do what it likes."""

    def __init__(self, mqtt: Mqtt, user: str, password: str, protocol: int = paho.MQTTv5) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.reasons: list[Any] = []
        self.acks: dict[int, Any] = {}
        self.news = threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=user, protocol=protocol)
        self.client.username_pw_set(user, password)
        self.client.on_connect = lambda _c, _d, _f, reason, _p: (self.reasons.append(reason), self.news.set())
        self.client.on_message = lambda _c, _d, m: self.heard.append((m.topic, json.loads(m.payload)))
        self.client.on_publish = lambda _c, _d, mid, reason, _p: self.acks.update({mid: reason})
        self.client.connect("127.0.0.1", mqtt.port, 30)
        self.client.loop_start()
        assert self.news.wait(WAIT_S)

    def send(self, topic: str, body: bytes, properties: list[tuple[str, str]] | None = None) -> Any:
        given = Properties(PacketTypes.PUBLISH) if properties else None
        if given is not None:
            given.UserProperty = properties
        info = self.client.publish(topic, body, qos=1, properties=given)
        return until(lambda: self.acks.get(info.mid))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def until(found: Callable[[], Any], wait_s: float = WAIT_S) -> Any:
    """Return what a question gives as soon as it gives something."""
    end = time.monotonic() + wait_s
    while not (value := found()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)
    return value


def signed(sender: Sender, dataset: str, body: bytes, batch: str, **other: str) -> list[tuple[str, str]]:
    """Return the properties of a signed message."""
    at, nonce = str(other.get("at") or round(time.time() * 1000)), secrets.token_hex(16)
    words = text_to_sign(f"gas/{other.get('uscc', sender.uscc)}/{dataset}", batch, at, nonce, sm3_hex(body))
    key = other.get("key", sender.key)
    return [
        ("X-App-Id", sender.app_id),
        ("X-Batch-Id", batch),
        ("X-Timestamp", at),
        ("X-Nonce", nonce),
        ("X-Sign-Alg", "HMAC-SM3"),
        ("X-Sign", sign(key.encode(), words)),
    ]


@pytest.fixture(scope="module")
def mqtt(database: dict[str, str], settings: Settings) -> Iterator[Mqtt]:
    """Give a broker with its worker."""
    made = Mqtt(database, Path(settings.data_dir))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def sender(settings: Settings, mqtt: Mqtt) -> Sender:
    """Give an enterprise that the broker knows."""
    made = Sender(settings)
    passwords = mqtt.data / "mqtt" / "passwords"
    until(lambda: made.app_id in passwords.read_text("utf-8"))
    time.sleep(0.5)  # the broker reads the file after the signal
    return made


@pytest.mark.clause("7.2.4.1-a")
def test_the_shipped_client_pushes_and_gets_the_same_answers(mqtt: Mqtt, sender: Sender, tmp_path: Path) -> None:
    client = MqttClient(mqtt.address, sender.uscc, sender.app_id, sender.key, tmp_path / "q.db")
    rows = sender.rows()
    first = client.push("RT", rows)[0]
    client.push("RT", [rows[0] | {"v": "x"}, {"point": "NONE", "t": 0, "v": 1}])
    client.push_body("RT", b'{"wrong": 1}')
    answers = {answer.batch_id: answer for answer in client.flush(WAIT_S)}
    (claim,) = client.ledger.claims(city_day(utc_now()))
    assert (claim["batches"], claim["rows"]) == (2, 5)
    client.close()
    assert (answers[first].status, answers[first].body["accepted"]) == (200, 3)
    assert sorted(answer.status for answer in answers.values()) == [200, 400, 422]
    refused = next(answer for answer in answers.values() if answer.status == 422)
    assert [found["code"] for found in refused.body["rejections"]] == ["E_SCHEMA", "E_UNKNOWN_OBJECT"]
    assert client.side_folder.is_dir()
    assert sender.count("select count(*) from receipt where enterprise_id = :e and door = 'mqtt'") == 3


def test_an_envelope_object_serves_clients_without_properties(mqtt: Mqtt, sender: Sender) -> None:
    raw = Raw(mqtt, sender.app_id, sender.password, paho.MQTTv311)
    raw.client.subscribe(f"gas/{sender.uscc}/receipt", qos=1)
    body = json.dumps({"records": sender.rows()})
    given = dict(signed(sender, "RT", body.encode(), "env-1"))
    names = {"X-App-Id": "app_id", "X-Batch-Id": "batch_id", "X-Timestamp": "timestamp", "X-Nonce": "nonce"}
    envelope = {names[name]: value for name, value in given.items() if name in names}
    envelope |= {"sign_alg": "HMAC-SM3", "sign": given["X-Sign"], "body": body}
    raw.send(f"gas/{sender.uscc}/RT", json.dumps(envelope).encode())
    answer = until(lambda: raw.heard)[0][1]
    assert (answer["status"], answer["accepted"], answer["batch_id"]) == (200, 3, "env-1")
    raw.send(f"gas/{sender.uscc}/RT", json.dumps(envelope).encode())
    assert until(lambda: len(raw.heard) > 1 and raw.heard[1][1])["replayed"] is True
    raw.send(f"gas/{sender.uscc}/RT", b"\xff\x00 neither")
    assert until(lambda: len(raw.heard) > 2 and raw.heard[2][1])["code"] == "E_SCHEMA"
    raw.close()
    assert sender.count() == 1


def test_access_to_the_broker_alone_forges_nothing(mqtt: Mqtt, sender: Sender) -> None:
    raw = Raw(mqtt, sender.app_id, sender.password)
    raw.client.subscribe(f"gas/{sender.uscc}/receipt", qos=1)
    body = json.dumps({"records": sender.rows()}).encode()
    topic = f"gas/{sender.uscc}/RT"
    good = signed(sender, "RT", body, "f-1")
    other_batch = [(name, "f-2" if name == "X-Batch-Id" else value) for name, value in good]
    old = signed(sender, "RT", body, "f-3", at=str(round((time.time() - 90_000) * 1000)))
    tries = [
        (signed(sender, "RT", body, "f-0", key="0" * 40), body, "E_SIGN"),
        (good, body + b" ", "E_SIGN"),
        (other_batch, body, "E_SIGN"),
        (old, body, "E_WINDOW"),
        (signed(sender, "DAY", body, "f-4"), body, "E_SIGN"),
    ]
    for place, (properties, sent, code) in enumerate(tries):
        raw.send(topic, sent, properties)
        assert until(lambda place=place: len(raw.heard) > place and raw.heard[place][1])["code"] == code
    raw.close()
    assert sender.count() == 0


def test_an_enterprise_reaches_its_own_topics_only(mqtt: Mqtt, sender: Sender, settings: Settings) -> None:
    other = Sender(settings)
    until(lambda: other.app_id in (mqtt.data / "mqtt" / "passwords").read_text("utf-8"))
    time.sleep(0.5)
    spy = Raw(mqtt, other.app_id, other.password)
    spy.client.subscribe([("gas/#", 1), ("$SYS/#", 1), (f"gas/{sender.uscc}/receipt", 1)])
    body = json.dumps({"records": sender.rows()}).encode()
    own = Raw(mqtt, sender.app_id, sender.password)
    own.client.subscribe(f"gas/{sender.uscc}/receipt", qos=1)
    for topic in (f"gas/{sender.uscc}/RT", f"gas/{other.uscc}/receipt", "gas/x/RT"):
        assert spy.send(topic, body, signed(sender, "RT", body, "s-1")).is_failure
    forged = signed(other, "RT", body, "s-2", uscc=sender.uscc)
    assert not own.send(f"gas/{sender.uscc}/RT", body, forged).is_failure
    assert until(lambda: own.heard)[0][1]["code"] == "E_SIGN"
    for raw in (spy, own):
        raw.close()
    assert not spy.heard and sender.count() == other.count() == 0


def test_wrong_passwords_and_revoked_keys_do_not_connect(mqtt: Mqtt, sender: Sender, settings: Settings) -> None:
    for user, password in ((sender.app_id, "wrong"), ("nobody", ""), ("ranjian-intake", "guess")):
        raw = Raw(mqtt, user, password)
        raw.close()
        assert raw.reasons[0].is_failure
    with transaction(settings, CITY, worker=True) as session:
        revoke_key(session, sender.enterprise_id, sender.key_id, now=utc_now(), actor=cli_actor())
    until(lambda: sender.app_id not in (mqtt.data / "mqtt" / "passwords").read_text("utf-8"))
    time.sleep(0.5)
    raw = Raw(mqtt, sender.app_id, sender.password)
    raw.close()
    assert raw.reasons[0].is_failure


def test_a_message_over_the_limit_reaches_nobody(mqtt: Mqtt, sender: Sender) -> None:
    raw = Raw(mqtt, sender.app_id, sender.password)
    raw.client.subscribe(f"gas/{sender.uscc}/receipt", qos=1)
    big = b" " * (10 * 1024 * 1024 + 1)
    raw.send(f"gas/{sender.uscc}/RT", big, signed(sender, "RT", big, "big-1"))
    assert until(lambda: raw.heard)[0][1]["code"] == "E_QUOTA"
    raw.client.publish(f"gas/{sender.uscc}/RT", b" " * (12 * 1024 * 1024), qos=1)
    time.sleep(1)
    raw.close()
    again = Raw(mqtt, sender.app_id, sender.password)
    assert not again.reasons[0].is_failure
    again.close()
    assert mqtt.children["worker"].poll() is None and sender.count() == 0


def test_floods_and_bad_signatures_meet_the_same_guard(mqtt: Mqtt, sender: Sender, settings: Settings) -> None:
    quota = {"rows_per_s": 1, "requests_per_s": 100, "burst_rows": 5, "reason": "test"}
    with transaction(settings, CITY, worker=True) as session:
        session.add(IntakeQuota(enterprise_id=sender.enterprise_id, **quota))
    raw = Raw(mqtt, sender.app_id, sender.password)
    raw.client.subscribe(f"gas/{sender.uscc}/receipt", qos=1)
    body = json.dumps({"records": sender.rows(30)}).encode()
    for number in range(2):
        raw.send(f"gas/{sender.uscc}/RT", body, signed(sender, "RT", body, f"q-{number}"))
        answers = until(lambda number=number: len(raw.heard) > number and raw.heard)
    assert answers[0][1]["accepted"] == 30
    assert (answers[1][1]["status"], answers[1][1]["code"]) == (429, "E_QUOTA")
    assert answers[1][1]["retry_after_s"] >= 20
    for number in range(25):
        given = Properties(PacketTypes.PUBLISH)
        given.UserProperty = signed(sender, "RT", body, f"b-{number}", key="0" * 40)
        raw.client.publish(f"gas/{sender.uscc}/RT", body, qos=1, properties=given)
    until(lambda: sender.app_id not in (mqtt.data / "mqtt" / "passwords").read_text("utf-8"))
    raw.close()
    assert sender.count("select count(*) from key_incident where enterprise_id = :e and action = 'cut'") == 1


def test_with_a_certificate_the_broker_speaks_tls_only(
    database: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    mqtt = Mqtt(database, tmp_path)
    try:
        broker.write_configuration(tmp_path, mqtt.sock, mqtt.port, certificate=str(certificate), key=str(key))
        mqtt.start_broker()
        mqtt.start_worker()
        sender = Sender(settings)
        until(lambda: sender.app_id in (tmp_path / "mqtt" / "passwords").read_text("utf-8"))
        time.sleep(0.5)
        given = (mqtt.address, sender.uscc, sender.app_id, sender.key)
        client = MqttClient(*given, tmp_path / "q.db", ca=str(certificate))
        client.push("RT", sender.rows())
        assert [answer.status for answer in client.flush(WAIT_S)] == [200]
        client.close()
        plain = MqttClient(*given, tmp_path / "p.db")
        plain.push("RT", sender.rows())
        assert [answer.status for answer in plain.flush(2)] == [0]
        plain.close()
    finally:
        mqtt.stop()


def test_an_sm2_key_signs_messages_too(mqtt: Mqtt, settings: Settings, tmp_path: Path) -> None:
    private, public = pair(tmp_path)
    sender = Sender(settings)
    with transaction(settings, CITY, worker=True) as session:
        words = {"settings": settings, "now": utc_now(), "actor": cli_actor()}
        sender.app_id = register_sm2_key(session, sender.enterprise_id, Sm2Key(public.decode()), **words)
        login = login_of(session, settings, sender.app_id)
    assert login is not None and sync_access(settings, again=True)
    time.sleep(0.5)
    given = (mqtt.address, sender.uscc, sender.app_id)
    client = MqttClient(*given, private.decode(), tmp_path / "s.db", password=login.password)
    client.push("RT", sender.rows())
    assert [answer.status for answer in client.flush(WAIT_S)] == [200]
    client.close()


def test_a_fault_of_ours_is_answered_and_blocks_nobody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    made = worker.Worker(settings, Path("/nowhere"))
    faults: list[Exception] = [
        IntegrityError("x", {}, Exception()),
        RuntimeError("x"),
        Upstream("database_unavailable"),
        OperationalError("x", {}, Exception()),
    ]
    answers = []
    for fault in faults:
        tries = iter([fault])

        def work(*_: object, tries: Iterator[Exception] = tries) -> Outcome:
            for each in tries:
                raise each
            return Outcome(200, {})

        monkeypatch.setattr(worker, "answer_to", work)
        answers.append(made._outcome(paho.MQTTMessage(topic=b"gas/x/RT")))
    assert [answer.status for answer in answers if answer] == [500, 500, 200, 200]

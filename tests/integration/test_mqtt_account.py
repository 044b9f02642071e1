"""The broker gives up root's rights where the portal runs as root, and stays with its own user where it does not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion_adapters.mqtt import broker, home
from ingestion_adapters.mqtt_client import MqttClient
from portal.config import Settings
from tests.integration.test_mqtt import Sender, until
from tests.mosquitto import Mqtt

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root's rights")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a data directory that every account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="rj-broker-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    for place in (home.ELSEWHERE, home.SOCKETS):
        shutil.rmtree(place / home._name(str(folder)), ignore_errors=True)


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


@as_root
def test_the_broker_runs_without_roots_rights_and_still_takes_messages(
    database: dict[str, str], settings: Settings, open_folder: Path
) -> None:
    mqtt = Mqtt(database, open_folder)
    try:
        mqtt.start()
        account = home.account()
        assert account is not None and owner_of(mqtt.children["broker"].pid) == account.pw_uid != 0
        assert broker.home_of(open_folder) == open_folder / "mqtt"
        assert (open_folder / "mqtt").stat().st_uid == account.pw_uid
        assert (open_folder / "mqtt" / "worker.secret").stat().st_uid == 0
        sender = Sender(settings)
        until(lambda: sender.app_id in (open_folder / "mqtt" / "passwords").read_text("utf-8"))
        client = MqttClient(mqtt.address, sender.uscc, sender.app_id, sender.key, open_folder / "q.db")
        client.push("RT", sender.rows())
        assert [answer.status for answer in client.flush(30)] == [200]
        client.close()
        mqtt.kill("broker")
        mqtt.start_broker()
        until(lambda: (open_folder / "mqtt" / "mosquitto.db").exists())
    finally:
        mqtt.stop()


@as_root
def test_a_data_directory_that_only_root_enters_keeps_the_broker_elsewhere(open_folder: Path) -> None:
    open_folder.chmod(0o700)
    (open_folder / "mqtt").mkdir()
    (open_folder / "mqtt" / "mosquitto.db").write_bytes(b"queued")
    path = broker.write_configuration(open_folder, open_folder, 1)
    account = home.account()
    assert account is not None and path.parent.parent == home.ELSEWHERE
    for each in (path, path.with_name("passwords"), path.with_name("access"), path.with_name("mosquitto.db")):
        assert each.stat().st_uid == account.pw_uid, each
    assert f"user {account.pw_name}\n" in path.read_text() and "user root" not in path.read_text()


def test_an_ordinary_user_keeps_everything_in_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    home.account.cache_clear()
    home._place.cache_clear()
    try:
        path = broker.write_configuration(tmp_path, tmp_path / "sock", 1)
        assert path == tmp_path / "mqtt" / "mosquitto.conf"
        assert "\nuser " not in path.read_text() and f"listener 0 {tmp_path}/sock/mqtt.sock" in path.read_text()
    finally:
        home.account.cache_clear()
        home._place.cache_clear()

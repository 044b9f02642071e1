"""The port of the MQTT broker: as set, the usual one, or none where a demo finds it taken."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from portal import processes


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    processes.mqtt_port.cache_clear()
    yield
    processes.mqtt_port.cache_clear()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Give a port that another program holds, as the usual one."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = int(other.getsockname()[1])
        monkeypatch.setattr(processes, "USUAL_MQTT_PORT", port)
        monkeypatch.delenv("PORTAL_MQTT_PORT", raising=False)
        yield port


def test_a_demo_goes_on_without_a_door_whose_port_is_taken(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_DEMO", "1")
    assert processes.mqtt_port() == 0


def test_production_and_a_port_given_are_never_moved(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_DEMO", "0")
    assert processes.mqtt_port() == taken
    processes.mqtt_port.cache_clear()
    monkeypatch.setenv("PORTAL_MQTT_PORT", "0")
    assert processes.mqtt_port() == 0

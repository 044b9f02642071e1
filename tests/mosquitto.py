"""A real broker and the process behind it, for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingestion_adapters.mqtt import broker
from tests.journeys.stack import ROOT, free_port

START_WITHIN_S = 60


@dataclass
class Mqtt:
    """A broker with its worker on a database that exists already; each may be killed and started again."""

    secrets: Mapping[str, str]
    data: Path
    port: int = field(default_factory=free_port)
    sock: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="rj-mqtt-", dir="/tmp")))
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Return host and port of the broker."""
        return f"127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """Return the environment of the worker."""
        return {
            **os.environ,
            **self.secrets,
            "PORTAL_DATA_DIR": str(self.data),
            "PORTAL_SOCK_DIR": str(self.sock),
            "PORTAL_MQTT_PORT": str(self.port),
            "PORTAL_DEMO": "0",
        }

    def start(self) -> None:
        """Start both and wait until the worker has its session."""
        broker.write_configuration(self.data, self.sock, self.port)
        self.start_broker()
        self.start_worker()

    def start_broker(self) -> None:
        """Start the broker."""
        self._start("broker", [broker.binary(), "-c", str(self.data / "mqtt" / "mosquitto.conf")])

    def start_worker(self) -> None:
        """Start the worker and wait until it has its session."""
        before = self.log("worker").count("broker_connected")
        self._start("worker", [sys.executable, "-m", "portal.cli", "mqtt"])
        end = time.monotonic() + START_WITHIN_S
        while self.log("worker").count("broker_connected") <= before:
            assert time.monotonic() < end, self.log("worker") + self.log("broker")
            time.sleep(0.1)

    def log(self, name: str) -> str:
        """Return what a child said."""
        path = self.sock / f"{name}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def kill(self, name: str) -> None:
        """Kill one child as the kernel would."""
        self.children[name].kill()
        self.children[name].wait(20)

    def stop(self) -> None:
        """End both and remove the sockets."""
        for name in ("worker", "broker"):
            child = self.children.get(name)
            if child is not None and child.poll() is None:
                child.terminate()
                try:
                    child.wait(30)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait(10)
        for folder in (broker.socket_of(self.data, self.sock).parent, self.sock):
            shutil.rmtree(folder, ignore_errors=True)
        if not broker.home_of(self.data).is_relative_to(self.data):
            shutil.rmtree(broker.home_of(self.data), ignore_errors=True)

    def _start(self, name: str, command: list[str]) -> None:
        with (self.sock / f"{name}.log").open("ab") as out:
            self.children[name] = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=out, stderr=out)

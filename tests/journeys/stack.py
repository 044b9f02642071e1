"""The real portal under its supervisor on a free port, as script/server starts it, for tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"
SUPERVISORD = ROOT / ".venv" / "bin" / "supervisord"
SUPERVISORCTL = ROOT / ".venv" / "bin" / "supervisorctl"
# Five processes import the application at once; on a loaded machine that takes minutes.
START_WITHIN_S = 240
STOP_WITHIN_S = 60


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stack:
    """One running installation on a database that exists already."""

    secrets: Mapping[str, str]
    data: Path
    port: int = field(default_factory=free_port)
    mqtt_port: int = field(default_factory=free_port)
    sock: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="rj-sock-", dir="/tmp")))
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address of the portal."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """Return the environment of every process of this installation."""
        return {
            **os.environ,
            **self.secrets,
            "PORTAL_DATA_DIR": str(self.data),
            "PORTAL_SOCK_DIR": str(self.sock),
            "PORTAL_PORT": str(self.port),
            "PORTAL_MQTT_PORT": str(self.mqtt_port),
            "PORTAL_DEMO": "0",
            # The cluster is not this supervisor's child.
            "DATABASE_URL": self.secrets["PORTAL_OWNER_DATABASE_URL"],
        }

    def start(self) -> None:
        """Write the configuration, start everything and wait until the login page answers."""
        (self.data / "log").mkdir(parents=True, exist_ok=True)
        subprocess.run([PYTHON, ROOT / "script" / "translations"], cwd=ROOT, check=True, timeout=60)
        subprocess.run([PYTHON, "-m", "portal.processes", self.data], cwd=ROOT, env=self.env, check=True, timeout=60)
        command = [SUPERVISORD, "-n", "-c", self.data / "supervisord.conf"]
        with (self.data / "log" / "supervisor-console.log").open("wb") as console:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=console, stderr=console)
        try:
            self.wait_until_answers("/login")
        except BaseException:
            self.stop()
            raise

    def wait_until_answers(self, path: str) -> None:
        """Wait until a page is there; raise AssertionError with the processes' last words otherwise."""
        end = time.monotonic() + START_WITHIN_S
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                    if answer.status == 200:
                        return
            except (OSError, urllib.error.URLError):
                time.sleep(0.3)
        raise AssertionError(f"{path} does not answer\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the ends of all log files."""
        logs = sorted((self.data / "log").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text('utf-8', 'replace')[-1500:]}" for log in logs)

    def pid_of(self, name: str) -> int:
        """Return the process number of one of the supervisor's children, 0 while it is down."""
        command = [SUPERVISORCTL, "-c", self.data / "supervisord.conf", "pid", name]
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout.strip()
        return int(said) if said.isdigit() else 0

    def command(self, *words: str | Path, must: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a verb of the command line within this installation."""
        whole = [PYTHON, "-m", "portal.cli", *words]
        done = subprocess.run(
            whole, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=170, check=False
        )
        if must and done.returncode:
            raise AssertionError(f"{words} ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done

    def stop(self) -> None:
        """End everything as Ctrl-C does; raise AssertionError when a process stays behind."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_WITHIN_S)
        finally:
            self.process = None
            left = self._left_behind()
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(self.sock, ignore_errors=True)
        assert not left, f"processes outlive the supervisor: {left}"

    def _left_behind(self) -> dict[int, str]:
        """Return number and command of the processes that carry this installation's data folder."""
        mark = f"PORTAL_DATA_DIR={self.data}\0".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                if mark in (entry / "environ").read_bytes() + b"\0":
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

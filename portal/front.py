"""Starts nginx; first ends the workers of a killed master, which would keep the port for ever."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
GONE_WITHIN_S = 5.0


def left_behind(pid_file: Path) -> list[int]:
    """Return the nginx processes of the master named in a pid file: a killed master's workers keep its group."""
    try:
        group = int(pid_file.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit() and _is_nginx_of(entry, group)]


def _is_nginx_of(entry: Path, group: int) -> bool:
    try:
        name, _, rest = (entry / "stat").read_text("utf-8", "replace").rpartition(")")
    except OSError:
        return False
    state, _parent, of_group, *_ = rest.split()
    return name.endswith("(nginx") and int(of_group) == group and state != "Z"


def end(pids: list[int]) -> None:
    """Kill processes and wait until they are gone."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    limit = time.monotonic() + GONE_WITHIN_S
    while time.monotonic() < limit and any((PROC / str(pid) / "exe").is_symlink() and _alive(pid) for pid in pids):
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    with suppress(OSError):
        return (PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] != "Z"
    return False


def main(data: Path) -> None:
    """Become nginx."""
    end(left_behind(data / "nginx.pid"))
    os.execvp("nginx", ["nginx", "-e", f"{data}/log/nginx-error.log", "-c", f"{data}/nginx.conf"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))

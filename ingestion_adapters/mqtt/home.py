"""Where the broker lives and as whom: the portal's own user, or an unprivileged account when the portal runs as root."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

ACCOUNTS = ("mosquitto", "nobody")
SOCKET = "mqtt.sock"
# Where the account may always enter, while a data directory may lie behind a folder that only root enters.
ELSEWHERE, SOCKETS = Path("/var/lib/mosquitto"), Path("/run")
STORE = "mosquitto.db"


@cache
def account() -> pwd.struct_passwd | None:
    """Return the account the broker runs as, None when it is the portal's own, which is not root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError(f"none of the accounts {', '.join(ACCOUNTS)} exists: the broker must not run as root")


def folder_of(data: Path) -> Path:
    """Return the portal's folder of the broker's files, made on first use, closed to others."""
    folder = data / "mqtt"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def home_of(data: Path) -> Path:
    """Return the folder in which the broker reads and writes: that of the portal where its account can enter it."""
    folder = folder_of(data)
    home = Path(_place(str(data.absolute()), str(folder)))
    if not home.exists():
        home.mkdir(mode=0o700, parents=True)
        if (folder / STORE).exists():
            shutil.copy2(folder / STORE, home / STORE)
    if account() is not None and home.stat().st_uid == 0:
        for path in (home, *home.glob("mosquitto*"), home / "passwords", home / "access"):
            give(path)
    return home


@cache
def _place(data: str, folder: str) -> str:
    owner = account()
    return folder if owner is None or _enters(owner, Path(data)) else str(ELSEWHERE / _name(data))


def _enters(owner: pwd.struct_passwd, folder: Path) -> bool:
    """Return whether an account may enter a folder and all above it."""
    done = subprocess.run(
        ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "test", "-x", str(folder)],
        check=False,
        capture_output=True,
        timeout=10,
    )
    return done.returncode == 0


def _name(data: str) -> str:
    return f"ranjian-{hashlib.sha256(data.encode()).hexdigest()[:12]}"


def give(path: Path) -> None:
    """Let the broker's account own a file, where it has one of its own."""
    owner = account()
    if owner is not None:
        with suppress(FileNotFoundError):
            os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def socket_of(data: Path, sock: Path) -> Path:
    """Return the broker's socket: among the portal's, or where its own account may make one."""
    if account() is None:
        return sock / SOCKET
    folder = SOCKETS / _name(str(data.absolute()))
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder)
    return folder / SOCKET

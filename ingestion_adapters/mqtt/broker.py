"""The broker's files: configuration, password file, access list; and who may connect."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.mqtt.home import account, folder_of, give, home_of, socket_of
from ingestion_adapters.signing import HMAC_SM3, sign

WORKER = "ranjian-intake"
MESSAGE_BYTES = 11 * 1024 * 1024
_ITERATIONS = 1000
_SALT_BYTES = 12

CONFIGURATION = """# Made at each start; do not edit.
{user}
pid_file {home}/mosquitto.pid
log_dest stdout
log_type error
log_type warning
log_type notice
connection_messages false
allow_anonymous false
password_file {home}/passwords
acl_file {home}/access
persistence true
persistence_location {home}/
autosave_interval 5
persistent_client_expiration 30d
max_packet_size {packet}
max_inflight_messages 20
max_queued_messages 20000
max_queued_bytes 536870912
max_keepalive 600
memory_limit 1073741824
set_tcp_nodelay true
listener 0 {sock}
listener {port}
max_connections 2000
use_username_as_clientid true
{tls}
"""


@dataclass(frozen=True)
class Login:
    """One program that may connect: its app id, its enterprise's code and its password."""

    app_id: str
    uscc: str
    password: str


def binary() -> str:
    """Return where mosquitto lies; Debian keeps it out of ordinary people's path."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or "mosquitto"


def worker_password(data: Path) -> str:
    """Return the worker's password, made on first use."""
    path = folder_of(data) / "worker.secret"
    if not path.exists():
        write_private(path, secrets.token_hex(24))
    return path.read_text("utf-8").strip()


def write_configuration(data: Path, sock: Path, port: int, *, certificate: str = "", key: str = "") -> Path:
    """Write the broker's configuration; return its path. Passwords and access list are made when they are missing."""
    home, owner = home_of(data), account()
    if certificate and key and owner is not None:
        # The broker gives up root's rights before it reads them.
        certificate, key = (_copied(name, home) for name in (certificate, key))
    words = CONFIGURATION.format(
        user=f"user {owner.pw_name}" if owner else "",
        home=home,
        packet=MESSAGE_BYTES + 64 * 1024,
        sock=socket_of(data, sock),
        port=port,
        tls=f"certfile {certificate}\nkeyfile {key}\ntls_version tlsv1.2" if certificate and key else "",
    )
    _write_for_broker(data, "mosquitto.conf", words)
    if not (home / "passwords").exists():
        write_logins(data, [])
    return home / "mosquitto.conf"


def _copied(name: str, home: Path) -> str:
    target = home / f"mosquitto-{Path(name).name}"
    write_private(target, Path(name).read_text("ascii"))
    give(target)
    return str(target)


def _write_for_broker(data: Path, name: str, words: str) -> bool:
    """Write a file where the portal keeps it and where the broker reads it; return whether anything changed."""
    home, changed = home_of(data), False
    for folder in {folder_of(data), home}:
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != words:
            write_private(path, words)
            changed = True
    give(home / name)
    return changed


def write_logins(data: Path, logins: Sequence[Login]) -> bool:
    """Write passwords and access list; return whether anything changed."""
    lines = [_password_line(WORKER, worker_password(data))]
    access = [f"user {WORKER}", "topic read gas/+/+", "topic write gas/+/receipt", ""]
    for each in sorted(logins, key=lambda login: login.app_id):
        lines.append(_password_line(each.app_id, each.password))
        access += [f"user {each.app_id}", *(f"topic write gas/{each.uscc}/{dataset}" for dataset in DATASETS)]
        access += [f"topic read gas/{each.uscc}/receipt", ""]
    files = {"passwords": "\n".join(lines) + "\n", "access": "\n".join(access)}
    changed = False
    for name, words in files.items():
        changed |= _write_for_broker(data, name, words)
    return changed


def reload(data: Path) -> bool:
    """Let a running broker read passwords and access list again; return whether there was one."""
    path = home_of(data) / "mosquitto.pid"
    try:
        pid = int(path.read_text("ascii").strip())
        if Path(f"/proc/{pid}/comm").read_text("ascii").strip() != "mosquitto":
            return False
        os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True


def password_of(app_id: str, algorithm: str, key: bytes, seal_key: str) -> str:
    """Return a program's broker password: made from its own HMAC key; for SM2 keys from the portal's."""
    secret = key if algorithm == HMAC_SM3 else seal_key.encode()
    return sign(secret, f"mqtt|{app_id}".encode())


def write_private(path: Path, words: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(words)
    draft.replace(path)


def _password_line(name: str, password: str) -> str:
    """Return a line of the password file: PBKDF2-SHA512, its salt fixed by name and password so that files compare."""
    salt = hashlib.new("sm3", f"{name}|{password}".encode()).digest()[:_SALT_BYTES]
    found = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"{name}:$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(found).decode()}"

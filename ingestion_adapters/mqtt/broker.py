"""The broker's files under the data directory: configuration, password file, access list; and who may connect."""

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
from ingestion_adapters.signing import HMAC_SM3, sign

WORKER = "ranjian-intake"
MESSAGE_BYTES = 11 * 1024 * 1024
SOCKET = "mqtt.sock"
_ITERATIONS = 1000
_SALT_BYTES = 12

CONFIGURATION = """# Made at each start; do not edit.
{user}
pid_file {folder}/mosquitto.pid
log_dest stdout
log_type error
log_type warning
log_type notice
connection_messages false
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/access
persistence true
persistence_location {folder}/
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


def folder_of(data: Path) -> Path:
    """Return the broker's folder, made on first use, closed to others."""
    folder = data / "mqtt"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


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
    folder = folder_of(data)
    tls = f"certfile {certificate}\nkeyfile {key}\ntls_version tlsv1.2" if certificate and key else ""
    words = CONFIGURATION.format(
        user="user root" if os.geteuid() == 0 else "",
        folder=folder,
        packet=MESSAGE_BYTES + 64 * 1024,
        sock=sock / SOCKET,
        port=port,
        tls=tls,
    )
    path = folder / "mosquitto.conf"
    write_private(path, words)
    if not (folder / "passwords").exists():
        write_logins(data, [])
    return path


def write_logins(data: Path, logins: Sequence[Login]) -> bool:
    """Write passwords and access list; return whether anything changed."""
    folder = folder_of(data)
    lines = [_password_line(WORKER, worker_password(data))]
    access = [f"user {WORKER}", "topic read gas/+/+", "topic write gas/+/receipt", ""]
    for each in sorted(logins, key=lambda login: login.app_id):
        lines.append(_password_line(each.app_id, each.password))
        access += [f"user {each.app_id}", *(f"topic write gas/{each.uscc}/{dataset}" for dataset in DATASETS)]
        access += [f"topic read gas/{each.uscc}/receipt", ""]
    files = {"passwords": "\n".join(lines) + "\n", "access": "\n".join(access)}
    changed = False
    for name, words in files.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != words:
            write_private(path, words)
            changed = True
    return changed


def reload(data: Path) -> bool:
    """Let a running broker read passwords and access list again; return whether there was one."""
    path = folder_of(data) / "mosquitto.pid"
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

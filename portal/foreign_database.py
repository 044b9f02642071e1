"""An existing PostGIS instead of the private cluster: writes the secrets file for DATABASE_URL."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

DRIVER = "postgresql+psycopg2://"
EXTENSIONS = ("postgis", "pgcrypto", "pg_trgm")
OLDEST_SERVER = 150000


def urls_for(url: str, app_password: str, worker_password: str) -> dict[str, str]:
    """Return the three URLs of an installation: as given for the owner, and of the two roles beside it."""
    parts = urlsplit(url.replace("postgresql://", DRIVER, 1).replace("postgres://", DRIVER, 1))
    place = parts.netloc.rpartition("@")[2]

    def as_role(role: str, password: str) -> str:
        return urlunsplit(parts._replace(netloc=f"{role}:{password}@{place}"))

    return {
        "PORTAL_OWNER_DATABASE_URL": urlunsplit(parts),
        "PORTAL_APP_DATABASE_URL": as_role("ranjian_app", app_password),
        "PORTAL_WORKER_DATABASE_URL": as_role("ranjian_worker", worker_password),
    }


def fresh_secrets(url: str) -> dict[str, str]:
    """Return the settings of a new installation: random keys and passwords, and the URLs."""
    app, worker = secrets.token_urlsafe(30), secrets.token_urlsafe(30)
    keys = {name: secrets.token_urlsafe(32) for name in ("PORTAL_SECRET_KEY", "PORTAL_SCOPE_KEY", "PORTAL_SEAL_KEY")}
    return {"APP_PASSWORD": app, "WORKER_PASSWORD": worker} | keys | urls_for(url, app, worker)


def read(target: Path) -> dict[str, str]:
    """Return the settings of a secrets file."""
    lines = (line.split("=", 1) for line in target.read_text("utf-8").splitlines() if "=" in line)
    return {name: value.strip("'") for name, value in lines}


def write(target: Path, known: dict[str, str]) -> None:
    """Write a secrets file, readable by its owner only."""
    target.touch(mode=0o600)
    target.write_text("".join(f"{name}='{value}'\n" for name, value in known.items()), encoding="utf-8")


def complaints(url: str) -> list[str]:
    """Return what the database or the account of a URL lacks; empty when everything is there."""
    try:
        with create_engine(url).connect() as connection:
            version = int(connection.scalar(text("show server_version_num")) or 0)
            superuser = connection.scalar(text("select rolsuper from pg_roles where rolname = current_user"))
            known = set(connection.scalars(text("select name from pg_available_extensions")))
    except OperationalError as away:
        return [f"it cannot be reached: {str(away.orig).strip()}"]
    lacking = [f"the extension {name} is not available" for name in EXTENSIONS if name not in known]
    if version < OLDEST_SERVER:
        lacking.append(f"PostgreSQL 15 or newer is needed, this is {version // 10000}")
    if not superuser:
        lacking.append("the account must be a superuser: nobody else marks an operator function LEAKPROOF")
    return lacking


def main(target: Path, url: str) -> int:
    """Write the settings once; later only follow a changed URL. Return 1, with reasons, when the database cannot serve."""
    if target.exists():
        known = read(target)
        known |= urls_for(url, known["APP_PASSWORD"], known["WORKER_PASSWORD"])
    else:
        known = fresh_secrets(url)
    lacking = complaints(known["PORTAL_OWNER_DATABASE_URL"])
    for each in lacking:
        sys.stderr.write(f"DATABASE_URL: {each}\n")
    if not lacking:
        write(target, known)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), os.environ["DATABASE_URL"]))

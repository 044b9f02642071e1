"""An existing PostGIS instead of the private cluster: writes the secrets file for DATABASE_URL."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


def secrets_for(url: str) -> str:
    """Return the text of a secrets file: fresh keys, and URLs of the two roles beside the owner's."""
    parts = urlsplit(url.replace("postgresql://", "postgresql+psycopg2://", 1))
    app, worker = secrets.token_urlsafe(30), secrets.token_urlsafe(30)
    place = parts.netloc.rpartition("@")[2]

    def as_role(role: str, password: str) -> str:
        return urlunsplit(parts._replace(netloc=f"{role}:{password}@{place}"))

    lines = {
        "APP_PASSWORD": app,
        "WORKER_PASSWORD": worker,
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(32),
        "PORTAL_SCOPE_KEY": secrets.token_urlsafe(32),
        "PORTAL_SEAL_KEY": secrets.token_urlsafe(32),
        "PORTAL_OWNER_DATABASE_URL": urlunsplit(parts),
        "PORTAL_APP_DATABASE_URL": as_role("ranjian_app", app),
        "PORTAL_WORKER_DATABASE_URL": as_role("ranjian_worker", worker),
    }
    return "".join(f"{name}='{value}'\n" for name, value in lines.items())


def main(target: Path) -> None:
    """Write the file once, readable by its owner only."""
    if target.exists():
        return
    target.touch(mode=0o600)
    target.write_text(secrets_for(os.environ["DATABASE_URL"]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Photos that prove findings, made small for the printed report: a child process reads them, without what cameras add.

A photo comes from outside: it is opened under limits of memory and time, beside the worker, and what comes back is a
fresh JPEG without position, date or name of the camera.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reports.models import SiteEvidence

ROOT = Path(__file__).resolve().parents[1]
TIME_LIMIT_S = 20
PHOTOS_MOST = 40
MEDIA = ("image/jpeg", "image/png")


def photos_of(session: Session, findings: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return evidence number -> address of the photo as data, of the first forty findings with one that can be read."""
    numbers = list(dict.fromkeys(each["evidence_id"] for each in findings if each["evidence_id"] is not None))
    found: dict[int, str] = {}
    for number in numbers[:PHOTOS_MOST]:
        wanted = select(SiteEvidence.content).where(SiteEvidence.id == number, SiteEvidence.media_type.in_(MEDIA))
        content = session.scalar(wanted)
        small = smaller(content) if content is not None else None
        if small is not None:
            found[number] = f"data:image/jpeg;base64,{base64.b64encode(small).decode()}"
    return found


def smaller(content: bytes) -> bytes | None:
    """Return a photo as a JPEG of at most 900 pixels a side; None for one that cannot be read within the limits."""
    command = [sys.executable, "-m", "reports.photo_worker"]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, cwd=ROOT, timeout=TIME_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 and done.stdout.startswith(b"\xff\xd8\xff") else None

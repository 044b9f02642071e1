"""Documents of an application: what may be handed in, where it lies, and its digest."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path

from werkzeug.datastructures import FileStorage

from ingestion_adapters.onboarding.services import Paper
from portal.core.errors import Invalid

PAPER_BYTES = 10 * 1024 * 1024
MOST_PAPERS = 10
# First bytes of what may be handed in; a name alone says nothing.
_KINDS = {
    ".pdf": (b"%PDF-",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".docx": (b"PK\x03\x04",),
    ".xlsx": (b"PK\x03\x04",),
}
SUFFIXES = tuple(_KINDS)


def stored_papers(given: Sequence[tuple[str, FileStorage]], data_dir: Path) -> list[Paper]:
    """Store documents (kind, file) below the data directory; raise Invalid for one that may not be handed in."""
    papers = [(kind, _name(file), file.stream.read(PAPER_BYTES + 1)) for kind, file in given if file.filename]
    if len(papers) > MOST_PAPERS or not all(_sound(name, body) for _, name, body in papers):
        raise Invalid("onboarding_file")
    folder = data_dir / "onboarding"
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    made = []
    for kind, name, body in papers:
        place = f"onboarding/{secrets.token_hex(16)}"
        (data_dir / place).write_bytes(body)
        made.append(Paper(kind, name, place, hashlib.new("sm3", body).hexdigest(), len(body)))
    return made


def _name(file: FileStorage) -> str:
    plain = "".join(sign for sign in Path(file.filename or "").name if sign.isprintable())
    return plain.encode("utf-8", "replace").decode()[-120:]


def _sound(name: str, body: bytes) -> bool:
    starts = _KINDS.get(Path(name).suffix.casefold(), ())
    return 0 < len(body) <= PAPER_BYTES and body.startswith(starts)

"""Reading foreign files in a child process that may die without harm."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from ingestion_adapters.files.raw import MAX_FILE_MB, Note, Refused, Reply
from ingestion_adapters.files.worker import CPU_S, MEMORY_BYTES

_ROOT = Path(__file__).resolve().parents[2]
_WALL_S = 90
_READERS = {
    ".csv": "csv_file",
    ".txt": "csv_file",
    ".tsv": "csv_file",
    ".xlsx": "xlsx_file",
    ".xlsm": "xlsx_file",
    ".geojson": "geojson_file",
    ".json": "geojson_file",
    ".gpkg": "gpkg_file",
    ".zip": "shape_zip",
}


def read_file(path: Path) -> Reply:
    """Return what one file holds; whatever is wrong with the file comes back as a note, never as an exception."""
    try:
        return _read(path)
    except Refused as refusal:
        return Reply([], [refusal.note])


def _read(path: Path) -> Reply:
    suffix = path.suffix.casefold()
    if suffix in (".shp", ".dbf", ".shx"):
        raise Refused("shape_alone")
    reader = _READERS.get(suffix)
    if reader is None:
        raise Refused("file_kind", name=path.name[-80:])
    try:
        size = path.stat().st_size if path.is_file() else -1
    except (OSError, ValueError):
        size = -1
    if size < 0 or not os.access(path, os.R_OK):
        raise Refused("file_missing")
    if size == 0:
        raise Refused("file_empty")
    if size > MAX_FILE_MB << 20:
        raise Refused("file_large", size=size >> 20, limit=MAX_FILE_MB)
    with tempfile.TemporaryDirectory(prefix="delivery-") as folder:
        return _run(reader, path.resolve(), Path(folder) / "reply")


def _run(reader: str, source: Path, target: Path) -> Reply:
    command = [sys.executable, "-m", "ingestion_adapters.files.worker", reader, str(source), str(target)]
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(target.parent),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }
    limit = f"{MEMORY_BYTES >> 20} MB, {CPU_S} s"
    try:
        ended = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, timeout=_WALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise Refused("file_costly", limit=limit) from None
    words = ended.stderr.decode("utf-8", "replace")
    if ended.returncode == 4 and "memory" not in words.casefold():
        raise Refused("file_damaged", reason=words[-200:].strip())
    if ended.returncode != 0 or not target.exists():
        raise Refused("file_costly", limit=limit)
    try:
        return msgspec.msgpack.decode(target.read_bytes(), type=Reply)
    except msgspec.MsgspecError:
        return Reply([], [Note("file_damaged", facts={"reason": "reply"})])

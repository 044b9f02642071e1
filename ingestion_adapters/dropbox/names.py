"""Names in a drop folder: which are left alone, which dataset a name says, what a manifest says; pure."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.files.dataset_rows import JSON_SUFFIXES, TABLE_SUFFIXES
from ingestion_adapters.http.bodies import Refused

MANIFEST = ".manifest.json"
RECEIPT = ".receipt.json"
SUFFIXES = (*TABLE_SUFFIXES, *JSON_SUFFIXES)
MOST_FILES = 10
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", ".partial", ".swp", RECEIPT)
_DATASET = re.compile(r"([A-Za-z]{2,3})(?![A-Za-z])")
_UNPRINTABLE = re.compile(r"[^\w.()（）+-]")
_NAME_BYTES = 180


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """What `*.manifest.json` says: the files of one delivery, their dataset, and what their names cannot tell."""

    dataset: str
    files: list[str]
    crs: str | None = None
    sm3: dict[str, str] = {}


def is_left_alone(name: str) -> bool:
    """Return whether a name says that its file is not finished, or no delivery at all."""
    return name.startswith((".", "~")) or name.casefold().endswith(_UNFINISHED)


def is_manifest(name: str) -> bool:
    """Return whether a file is a manifest."""
    return name.casefold().endswith(MANIFEST)


def dataset_of(name: str) -> str:
    """Return the dataset a file's name begins with; raise Refused when it names none."""
    found = _DATASET.match(name)
    if found is None or found[1].upper() not in DATASETS:
        raise Refused(400, "E_DATASET", "file_dataset")
    return found[1].upper()


def check_kind(name: str) -> None:
    """Raise Refused for a kind of file that is not taken."""
    if not name.casefold().endswith(SUFFIXES):
        raise Refused(415, "E_SCHEMA", "file_type")


def manifest_from(raw: bytes) -> Manifest:
    """Return a manifest; raise Refused when it is not as agreed."""
    try:
        found = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise Refused(400, "E_SCHEMA", "file_manifest") from wrong
    plain = all(name == Path(name).name and name.isprintable() and not is_left_alone(name) for name in found.files)
    if found.dataset not in DATASETS or not plain or not 1 <= len(set(found.files)) == len(found.files) <= MOST_FILES:
        raise Refused(400, "E_SCHEMA", "file_manifest")
    return found


def kept_name(name: str, digest: str) -> str:
    """Return the name a file keeps in `done` or `refused`: the begin of its SM3 and what is harmless of its own."""
    plain = _UNPRINTABLE.sub("_", name.encode("utf-8", "replace").decode())
    return f"{digest[:16]}_{plain.encode()[-_NAME_BYTES:].decode('utf-8', 'ignore')}"

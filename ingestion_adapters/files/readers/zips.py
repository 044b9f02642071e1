"""The directory of an archive, judged before anything is unpacked."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ingestion_adapters.files.raw import MAX_FILE_MB, Refused

_MB = 1 << 20
MAX_SHAPE_MEMBERS = 20
_MAX_RATIO = 100
_SMALL_BYTES = _MB
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, NotImplementedError, ValueError)


def open_checked(path: Path, max_members: int) -> zipfile.ZipFile:
    """Return the opened archive; raise Refused when its directory breaks a limit or points outside."""
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise Refused("file_damaged", reason=type(error).__name__) from error
    members = archive.infolist()
    if len(members) > max_members:
        raise Refused("zip_members", count=len(members), limit=max_members)
    seen: set[str] = set()
    for member in members:
        _check_member(member)
        name = member.filename.casefold()
        if name in seen:
            raise Refused("zip_double", name=member.filename[:80])
        seen.add(name)
    _check_size(members)
    return archive


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename.replace("\\", "/")
    shown = name[:80]
    if name.startswith("/") or ".." in PurePosixPath(name).parts or ":" in name or "\x00" in name:
        raise Refused("zip_path", name=shown.replace("\x00", "␀"))
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Refused("zip_link", name=shown)
    if member.flag_bits & 0x1:
        raise Refused("zip_encrypted")


def _check_size(members: list[zipfile.ZipInfo]) -> None:
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if total > MAX_FILE_MB * _MB:
        raise Refused("zip_size", size=total // _MB, limit=MAX_FILE_MB)
    worst = max((m.file_size / max(m.compress_size, 1) for m in members if m.file_size > _SMALL_BYTES), default=0.0)
    ratio = max(worst, total / max(packed, 1) if total > _SMALL_BYTES else 0.0)
    if ratio > _MAX_RATIO:
        raise Refused("zip_ratio", ratio=round(ratio), limit=_MAX_RATIO)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes, never more than its directory promised; raise Refused when it lied or is damaged."""
    try:
        with archive.open(member) as stream:
            data = stream.read(member.file_size + 1)
    except (*_BROKEN, RuntimeError, zlib.error) as error:
        raise Refused("file_damaged", reason=type(error).__name__) from error
    if len(data) != member.file_size:
        raise Refused("file_damaged", reason=member.filename[:80])
    return data

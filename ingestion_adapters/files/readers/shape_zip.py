"""Zipped shapefiles: members named one by one, the DBF's encoding found when no .cpg tells it."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from ingestion_adapters.files.raw import Grid, Note, Refused, Reply
from ingestion_adapters.files.readers.vector import grid_of
from ingestion_adapters.files.readers.zips import MAX_SHAPE_MEMBERS, open_checked, read_member

_FAMILIES = dict.fromkeys(("UTF-8", "UTF8", "65001"), "UTF-8")
_FAMILIES |= dict.fromkeys(("GBK", "936", "GB2312", "GB18030", "54936"), "GB18030")
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def read(path: Path) -> Reply:
    """Return one grid a shapefile in the archive; raise Refused when parts are missing or the archive is unsafe."""
    reply = Reply([], [])
    with open_checked(path, MAX_SHAPE_MEMBERS) as archive, tempfile.TemporaryDirectory() as folder:
        for stem, parts in sorted(_shapefiles(archive).items()):
            _read_one(archive, PurePosixPath(stem).name, parts, Path(folder), reply)
    return reply


def _shapefiles(archive: zipfile.ZipFile) -> dict[str, dict[str, zipfile.ZipInfo]]:
    found: dict[str, dict[str, zipfile.ZipInfo]] = {}
    for member in archive.infolist():
        name = PurePosixPath(_proper_name(member))
        if name.suffix.casefold() in _PARTS and "__MACOSX" not in name.parts:
            found.setdefault(str(name.with_suffix("")), {})[name.suffix.casefold()] = member
    shapes = {stem: parts for stem, parts in found.items() if ".shp" in parts}
    if not shapes:
        raise Refused("zip_no_shape")
    for stem, parts in shapes.items():
        for part in (".shx", ".dbf"):
            if part not in parts:
                raise Refused("shape_part", name=PurePosixPath(stem).name, part=part)
    return shapes


def _proper_name(member: zipfile.ZipInfo) -> str:
    """Return the name with its Chinese restored: archives made on Windows store GBK without saying so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return member.filename


def _read_one(
    archive: zipfile.ZipFile, name: str, parts: dict[str, zipfile.ZipInfo], folder: Path, reply: Reply
) -> None:
    place = folder / str(len(reply.grids))
    place.mkdir()
    content = {part: read_member(archive, member) for part, member in parts.items()}
    for part in (".shp", ".shx", ".dbf"):
        (place / f"layer{part}").write_bytes(content[part])
    encoding, note = _dbf_encoding(content[".dbf"], content.get(".cpg", b""))
    reply.notes.append(note)
    grid: Grid = grid_of(place / "layer.shp", None, encoding)
    grid.layer = name
    grid.crs = content.get(".prj", b"").decode("utf-8", "replace").strip()
    reply.grids.append(grid)


def _dbf_encoding(dbf: bytes, cpg: bytes) -> tuple[str, Note]:
    """Return the encoding of a DBF's text, and a note that tells how it is known."""
    said = cpg.decode("ascii", "replace").strip().upper()
    words = [word for word in dbf[32:].split() if not word.isascii()]
    utf8 = sum(_decodes(word, "utf-8") for word in words)
    gbk = sum(_decodes(word, "gb18030") for word in words)
    # A field cut in the middle of a sign leaves a few words that decode in neither.
    name = "UTF-8" if utf8 * 10 >= len(words) * 9 else "GB18030" if gbk * 10 >= len(words) * 8 else ""
    if not name:
        raise Refused("encoding_bad")
    family = _FAMILIES.get(said.removeprefix("CP"), said)
    if said and family != name and words:
        return name, Note("encoding_cpg", facts={"said": said[:20], "name": name})
    return name, Note("encoding_guess", facts={"name": name})


def _decodes(word: bytes, encoding: str) -> bool:
    try:
        word.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True

"""Encodings of Chinese text files: UTF-8, UTF-16, GB 18030, one for the file or line by line."""

from __future__ import annotations

from dataclasses import dataclass, field

_CJK_FROM = 0x2E80
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass
class Decoded:
    """Lines of text, the encoding of most of them, those in the other encoding and those in none (from 0)."""

    lines: list[str]
    encoding: str
    others: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)


def _utf16_without_mark(data: bytes) -> str | None:
    head = data[:4096]
    if len(head) < 4 or head.count(0) * 4 < len(head):
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    return "utf-16-le" if odd > even else "utf-16-be"


def _as_utf8(line: bytes) -> str | None:
    """Return the line as UTF-8 when it is that beyond doubt: valid, and with at least one CJK sign or sign like it."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if any(ord(sign) >= _CJK_FROM for sign in text) else None


def decode(data: bytes) -> Decoded:
    """Return the lines of a text file; GB 18030 and UTF-8 may stand side by side in one file."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            text = data.removeprefix(mark).decode(name.removesuffix("-sig"), errors="replace")
            lines = text.splitlines(keepends=True)
            return Decoded(lines, name, broken=[i for i, line in enumerate(lines) if "\ufffd" in line])
    wide = _utf16_without_mark(data)
    if wide:
        return Decoded(data.decode(wide, errors="replace").splitlines(keepends=True), wide)
    try:
        return Decoded(data.decode("utf-8").splitlines(keepends=True), "utf-8" if not data.isascii() else "ascii")
    except UnicodeDecodeError:
        return _line_by_line(data)


def _line_by_line(data: bytes) -> Decoded:
    lines: list[str] = []
    gbk, utf8, broken = [], [], []
    for number, line in enumerate(data.splitlines(keepends=True)):
        text = None if line.isascii() else _as_utf8(line)
        if text is not None:
            utf8.append(number)
        elif line.isascii():
            text = line.decode("ascii")
        else:
            try:
                text = line.decode("gb18030")
                gbk.append(number)
            except UnicodeDecodeError:
                text = line.decode("gb18030", errors="replace")
                broken.append(number)
        lines.append(text)
    if len(utf8) > len(gbk):
        return Decoded(lines, "utf-8", gbk, broken)
    return Decoded(lines, "gb18030", utf8, broken)

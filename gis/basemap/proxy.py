"""Pictures of a public base map, fetched by this server for its browsers and kept on disk; off until an address is set.

The browser asks only this server, and the key stays here. Public base maps in CGCS2000 need no shift: a degree of
EPSG:4490 is drawn where a degree of web tiles is, to less than a metre.
"""

from __future__ import annotations

import http.client
import ssl
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import DatabaseError, connect
from threading import Lock
from urllib.parse import urlsplit

LAYERS = ("vec", "cva", "img", "cia", "ter", "cta")
DEEPEST = 18
WAIT_S = 5.0
BODY_MOST = 2 * 1024 * 1024
KEPT_S = 30 * 86_400
CACHE_MOST_BYTES = 2 * 1024**3
# After a failure the source is left alone for a while, so that a map without it does not wait for each picture.
PAUSE_S = 20.0
SIGNS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
SUBDOMAINS = 8
_OLDEST_TENTH = """
delete from picture where key in (
  select key from picture order by at limit max(1, (select count(*) from picture) / 10))
"""


class NoPicture(Exception):
    """The source gave no picture; the message says why, without the address, which holds the key."""


def type_of(body: bytes) -> str | None:
    """Return the media type of a picture by its first bytes, None for anything else."""
    return next((kind for sign, kind in SIGNS.items() if body.startswith(sign)), None)


def address_of(pattern: str, layer: str, z: int, x: int, y: int) -> str:
    """Return the address of one picture; `{s}` spreads the questions over the source's eight hosts."""
    named = {"{layer}": layer, "{z}": str(z), "{x}": str(x), "{y}": str(y), "{s}": str((x + y) % SUBDOMAINS)}
    for mark, value in named.items():
        pattern = pattern.replace(mark, value)
    return pattern


def asked(address: str, wait_s: float = WAIT_S) -> bytes:
    """Return the picture at an address; raise NoPicture for no answer, another status, too many bytes, or no picture."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoPicture("the address is none")
    try:
        line = _line(parts.scheme, parts.hostname, parts.port, wait_s)
        try:
            line.request("GET", f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/")
            answer = line.getresponse()
            body = answer.read(BODY_MOST + 1)
        finally:
            line.close()
    except (OSError, http.client.HTTPException, ValueError) as failed:
        raise NoPicture(type(failed).__name__) from failed
    if answer.status != http.client.OK:
        raise NoPicture(f"status {answer.status}")
    if len(body) > BODY_MOST:
        raise NoPicture("too many bytes")
    if type_of(body) is None:
        raise NoPicture("no picture")
    return body


def _line(scheme: str, host: str, port: int | None, wait_s: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=wait_s, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=wait_s)


@dataclass
class Pictures:
    """The pictures of one source, kept in one file; safe for several processes."""

    pattern: str
    file: Path
    cache_most: int = CACHE_MOST_BYTES
    wait_s: float = WAIT_S
    _silent_until: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def picture(self, layer: str, z: int, x: int, y: int) -> bytes:
        """Return one picture, from disk while it is young; an old one is better than none. May raise NoPicture."""
        key = f"{layer}/{z}/{x}/{y}"
        kept = self._kept(key)
        if kept is not None and time.time() - kept[0] < KEPT_S:
            return kept[1]
        try:
            if time.monotonic() < self._silent_until:
                raise NoPicture("silent a moment ago")
            body = asked(address_of(self.pattern, layer, z, x, y), self.wait_s)
        except NoPicture as failed:
            if time.monotonic() >= self._silent_until and not str(failed).startswith("status 4"):
                self._silent_until = time.monotonic() + PAUSE_S
            if kept is not None:
                return kept[1]
            raise
        self._keep(key, body)
        return body

    def _kept(self, key: str) -> tuple[float, bytes] | None:
        try:
            with closing(connect(self.file, timeout=1)) as store:
                row = store.execute("select at, body from picture where key = ?", (key,)).fetchone()
        except DatabaseError:
            return None
        return None if row is None else (float(row[0]), bytes(row[1]))

    def _keep(self, key: str, body: bytes) -> None:
        """Keep a picture; a full or unwritable disk costs the cache, not the map."""
        try:
            with self._lock, closing(connect(self.file, timeout=1)) as store, store:
                store.execute("create table if not exists picture (key text primary key, at real, body blob) without rowid")
                store.execute("insert or replace into picture values (?, ?, ?)", (key, time.time(), body))
                pages, size = (store.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "page_size"))
                free = store.execute("pragma freelist_count").fetchone()[0]
                if (pages - free) * size > self.cache_most:
                    store.execute(_OLDEST_TENTH)
        except (DatabaseError, OSError):
            return

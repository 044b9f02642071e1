"""Finished tiles kept in this process, the least used dropped first."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

LIMIT_BYTES = 96 * 1024 * 1024
# What a dictionary entry costs besides the tile itself.
ENTRY_BYTES = 300


class TileCache:
    """Compressed tiles by their ETag, which names layer, version, scope and place."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        """Keep at most `limit_bytes`."""
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._limit = limit_bytes
        self._lock = Lock()

    def get(self, tag: str) -> bytes | None:
        """Return the tile of an ETag, or None."""
        with self._lock:
            found = self._kept.get(tag)
            if found is not None:
                self._kept.move_to_end(tag)
            return found

    def put(self, tag: str, tile: bytes) -> None:
        """Keep a tile, dropping the least used ones when full."""
        with self._lock:
            if tag in self._kept:
                return
            self._kept[tag] = tile
            self._bytes += len(tile) + ENTRY_BYTES
            while self._bytes > self._limit and self._kept:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped) + ENTRY_BYTES

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

"""Memory given back: the C library's allocator told to keep little of what large bodies took for a moment."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT_BYTES, _OWN_MAPPING_FROM_BYTES, _ARENAS = 8 << 20, 1 << 20, 2


def give_back_memory() -> None:
    """Give large blocks their own mappings, and threads no more than two heaps; nothing where glibc is not."""
    try:
        tune = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    for name, value in (
        (_TRIM_THRESHOLD, _KEPT_BYTES),
        (_MMAP_THRESHOLD, _OWN_MAPPING_FROM_BYTES),
        (_ARENA_MAX, _ARENAS),
    ):
        tune(name, value)

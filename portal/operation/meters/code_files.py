"""The codes of an enterprise's meters as a file that all processes map: code → number in a fraction of a microsecond.

The file is sorted by a hash and holds every code whole, so that no two codes are ever taken for each other. It says
what the registry said when it was made: who uses it compares the sum of each block of meters with the database.
"""

from __future__ import annotations

import json
import mmap
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.operation.meters.models import BLOCK

MAGIC, HEADER = "ranjian-meter-codes-1", 4096
SHARD_BITS = 6
MAPPED_AT_ONCE, FEW = 16 << 20, 64
_SPREAD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))


@dataclass(frozen=True)
class CodeRows:
    """Some meters: numbers, codes padded with zeros to one width, and what each adds to the sum of its block."""

    ids: NDArray[np.int32]
    codes: NDArray[np.bytes_]
    digests: NDArray[np.int64]


class CodeFile:
    """One mapped file; closed with the last reference to it."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.stamp = stamp_of(os.fstat(file.fileno()))
            self.map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        facts = json.loads(self.map[:HEADER].rstrip(b"\0"))
        if facts.pop("magic") != MAGIC:
            raise ValueError("not a file of meter codes")
        self.rows, self.width, self.bits, self.max_id = facts["rows"], facts["width"], facts["bits"], facts["max_id"]
        self.seed = np.uint64(facts["seed"])
        at = facts["at"]
        self.start = np.frombuffer(self.map, np.uint32, (1 << self.bits) + 1, at["start"])
        self.ids = np.frombuffer(self.map, np.int32, self.rows, at["ids"])
        self.words = np.frombuffer(self.map, np.uint64, self.rows * self.width // 8, at["codes"]).reshape(-1, self.width // 8)
        self.block = np.frombuffer(self.map, np.int32, facts["blocks"], at["block"])
        self.digest = np.frombuffer(self.map, np.int64, facts["blocks"], at["digest"])

    def find(self, codes: Sequence[str]) -> NDArray[np.int64]:
        """Return the number of each code, -1 for one that is not in the file."""
        found = np.full(len(codes), -1, np.int64)
        words, whole = words_of(codes, self.width)
        bucket = (hash_of(words, self.seed) >> np.uint64(64 - self.bits)).astype(np.int64)
        order = np.argsort(bucket, kind="stable")
        order = order[whole[order]]
        # In the order of the file and part by part: a process never holds more of it than one part.
        parts = max(1, min(self.map.size() // MAPPED_AT_ONCE, order.size // FEW))
        bounds = np.searchsorted(bucket[order], np.arange(1, parts) * (1 << self.bits) // parts)
        for asked in np.split(order, bounds):
            if asked.size:
                self._find_part(words, bucket, asked, found)
                self.map.madvise(mmap.MADV_DONTNEED)
        return found

    def _find_part(
        self, words: NDArray[np.uint64], bucket: NDArray[np.int64], asked: NDArray[np.int64], found: NDArray[np.int64]
    ) -> None:
        place, end = self.start[bucket[asked]].astype(np.int64), self.start[bucket[asked] + 1].astype(np.int64)
        while True:
            left = place < end
            asked, place, end = asked[left], place[left], end[left]
            if not asked.size:
                return
            same = (self.words[place] == words[asked]).all(axis=1)
            found[asked[same]] = self.ids[place[same]]
            asked, place, end = asked[~same], place[~same] + 1, end[~same]

    def stale(self, block: NDArray[np.int64], digest: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which blocks have another sum in the database than in the file."""
        place = np.minimum(np.searchsorted(self.block, block), self.block.size - 1)
        wrong: NDArray[np.bool_] = (self.block[place] != block) | (self.digest[place] != digest)
        return wrong


def stamp_of(status: os.stat_result) -> tuple[int, int, int]:
    """Return what tells one file from the one that took its name."""
    return status.st_dev, status.st_ino, status.st_mtime_ns


def words_of(codes: Sequence[str], width: int) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return codes as words of eight bytes, and which of them the words hold whole."""
    try:
        texts = np.array(codes, np.bytes_)
    except UnicodeEncodeError:
        texts = np.array([code.encode("utf-8", "surrogatepass") for code in codes], np.bytes_)
    whole = np.ones(len(codes), bool)
    if texts.dtype.itemsize > width:
        whole = np.char.str_len(texts) <= width
    whole[[n for n, code in enumerate(codes) if code[-1:] == "\0"]] = False  # an array forgets zeros at the end
    return texts.astype(f"S{width}").view(np.uint64).reshape(len(codes), width // 8), whole


def hash_of(words: NDArray[np.uint64], seed: np.uint64) -> NDArray[np.uint64]:
    """Return a hash of each row of words; the seed of a file is nobody's guess."""
    mixed = np.full(words.shape[0], seed, np.uint64)
    for column in range(words.shape[1]):
        mixed = (mixed ^ words[:, column]) * _SPREAD[0]
        mixed ^= mixed >> np.uint64(31)
        mixed *= _SPREAD[1]
        mixed ^= mixed >> np.uint64(29)
    return mixed


def write_code_file(path: Path, width: int, parts: Iterator[CodeRows]) -> int:
    """Make a file anew beside the old one and put it in its place; return how many codes it holds.

    Sorted shard by shard on disk: the memory taken does not grow with the registry.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.stem}-"))
    try:
        seed = np.uint64(secrets.randbits(64))
        form = np.dtype([("hash", np.uint64), ("id", np.int32), ("code", f"S{width}")])
        rows, blocks, max_id = _spill(folder, form, seed, parts)
        if not rows:
            return 0
        made = folder / "made"
        _write_sorted(made, folder, form, (rows, blocks, max_id, seed))
        made.replace(path)
        return rows
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _spill(
    folder: Path, form: np.dtype[Any], seed: np.uint64, parts: Iterator[CodeRows]
) -> tuple[int, dict[str, NDArray[Any]], int]:
    rows, max_id = 0, 0
    blocks: list[tuple[NDArray[np.int32], NDArray[np.int64]]] = []
    files = [(folder / f"shard{number}").open("wb") for number in range(1 << SHARD_BITS)]
    try:
        for part in parts:
            spilled = np.empty(part.ids.size, form)
            words = part.codes.view(np.uint64).reshape(part.ids.size, -1)
            spilled["hash"], spilled["id"], spilled["code"] = hash_of(words, seed), part.ids, part.codes
            shard = (spilled["hash"] >> np.uint64(64 - SHARD_BITS)).astype(np.int64)
            order = np.argsort(shard, kind="stable")
            bounds = np.searchsorted(shard[order], np.arange(1, 1 << SHARD_BITS))
            for file, places in zip(files, np.split(order, bounds), strict=True):
                spilled[places].tofile(file)
            blocks.append(_summed(part.ids // BLOCK, part.digests))
            rows, max_id = rows + part.ids.size, max(max_id, int(part.ids.max()))
    finally:
        for file in files:
            file.close()
    if not rows:
        return 0, {}, 0
    block, digest = _summed(np.concatenate([each[0] for each in blocks]), np.concatenate([each[1] for each in blocks]))
    return rows, {"block": block, "digest": digest}, max_id


def _summed(block: NDArray[np.int32], digest: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    order = np.argsort(block, kind="stable")
    numbers, starts = np.unique(block[order], return_index=True)
    return numbers, np.bitwise_xor.reduceat(digest[order], starts)


def _write_sorted(made: Path, folder: Path, form: np.dtype[Any], facts: tuple[int, dict[str, NDArray[Any]], int, np.uint64]) -> None:
    rows, blocks, max_id, seed = facts
    width, bits = form["code"].itemsize, max(SHARD_BITS, (rows // 2).bit_length())
    sizes = {"start": 4 * ((1 << bits) + 1), "ids": 4 * rows, "codes": width * rows}
    sizes |= {name: values.nbytes for name, values in blocks.items()}
    at, end = {}, HEADER
    for name, size in sizes.items():
        at[name], end = end, (end + size + 7) // 8 * 8
    header = {
        "magic": MAGIC, "rows": rows, "width": width, "bits": bits, "max_id": max_id, "seed": int(seed),
        "blocks": blocks["block"].size, "at": at,
    }  # fmt: skip
    with made.open("wb") as file:
        file.write(json.dumps(header).encode().ljust(HEADER, b"\0"))
        file.truncate(end)
        for name, values in blocks.items():
            file.seek(at[name])
            file.write(values.tobytes())
        before = 0
        for number in range(1 << SHARD_BITS):
            before += _write_shard(file, np.fromfile(folder / f"shard{number}", form), (number, before, bits), at)
        file.seek(at["start"] + 4 * (1 << bits))
        file.write(np.uint32(rows).tobytes())
        file.flush()
        os.fsync(file.fileno())


def _write_shard(file: Any, rows: NDArray[Any], place: tuple[int, int, int], at: dict[str, int]) -> int:
    number, before, bits = place
    buckets = 1 << (bits - SHARD_BITS)
    rows = rows[np.argsort(rows["hash"], kind="stable")]
    bucket = (rows["hash"] >> np.uint64(64 - bits)).astype(np.int64) - number * buckets
    starts = before + np.append(0, np.cumsum(np.bincount(bucket, minlength=buckets))[:-1])
    for name, values, size in (
        ("start", starts.astype(np.uint32), 4 * number * buckets),
        ("ids", rows["id"], 4 * before),
        ("codes", rows["code"], rows["code"].dtype.itemsize * before),
    ):
        file.seek(at[name] + size)
        file.write(np.ascontiguousarray(values).tobytes())
    return int(rows.size)

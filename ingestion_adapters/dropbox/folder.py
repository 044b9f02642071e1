"""One enterprise's drop folder: what lies in it complete, a private copy of it, and where it goes afterwards.

Everything is opened relative to the folder's own descriptor and without following links, because
whoever may write there may put anything there at any moment.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ingestion_adapters.dropbox.names import RECEIPT, is_left_alone, kept_name
from ingestion_adapters.files.raw import MAX_FILE_MB

SETTLED_S = 5.0
DONE, REFUSED = "done", "refused"
_CHUNK = 1 << 20
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Lying:
    """A complete file in the folder; `plain` is False for links, devices and files with a second name."""

    name: str
    size: int
    changed_ns: int
    plain: bool


@dataclass(frozen=True)
class Copy:
    """A private copy and the SM3 of the whole file; no path when the file is too large or cannot be read."""

    lying: Lying
    sm3: str
    path: Path | None


class Folder:
    """A drop folder held open; `with opened(path) as folder`."""

    def __init__(self, descriptor: int) -> None:
        """Hold the descriptor."""
        self.descriptor = descriptor

    def complete(self, now_s: float) -> list[Lying]:
        """Return what lies complete, oldest first: nothing has touched it for some seconds."""
        found = []
        for entry in os.scandir(self.descriptor):
            if is_left_alone(entry.name):
                continue
            try:
                known = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(known.st_mode):
                continue
            # The change time cannot be set by the sender, as the modification time can.
            if now_s - known.st_ctime_ns / 1e9 >= SETTLED_S:
                plain = stat.S_ISREG(known.st_mode) and known.st_nlink == 1
                found.append(Lying(entry.name, known.st_size, known.st_ctime_ns, plain))
        return sorted(found, key=lambda each: (each.changed_ns, each.name))

    def copied(self, lying: Lying, target: Path) -> Copy | None:
        """Return a private copy; None when the file changes meanwhile, so that it is not complete."""
        if not lying.plain:
            return Copy(lying, _sm3_of_name(lying.name), None)
        try:
            source = os.open(lying.name, _OPEN_FILE, dir_fd=self.descriptor)
        except FileNotFoundError:
            return None
        except OSError:
            return Copy(lying, _sm3_of_name(lying.name), None)
        try:
            known = os.fstat(source)
            if not stat.S_ISREG(known.st_mode) or known.st_nlink != 1:
                return None
            digest = _copy(source, target if known.st_size <= MAX_FILE_MB << 20 else None)
            same = os.fstat(source)
        finally:
            os.close(source)
        if (same.st_size, same.st_ctime_ns) != (lying.size, lying.changed_ns):
            return None
        return Copy(lying, digest, target if same.st_size <= MAX_FILE_MB << 20 else None)

    def put_away(self, copies: list[Copy], receipt: bytes, *, taken: bool) -> None:
        """Write the receipt beside where the files go, then move them there; nothing is ever deleted."""
        place = DONE if taken else REFUSED
        inner = self._inner(place)
        try:
            for each in copies:
                name = kept_name(each.lying.name, each.sm3)
                _write_at(inner, name + RECEIPT, receipt)
                free = _free_name(inner, name)
                try:
                    os.rename(each.lying.name, free, src_dir_fd=self.descriptor, dst_dir_fd=inner)
                except FileNotFoundError:
                    continue
            os.fsync(inner)
            os.fsync(self.descriptor)
        finally:
            os.close(inner)

    def _inner(self, name: str) -> int:
        with suppress(FileExistsError):
            os.mkdir(name, 0o770, dir_fd=self.descriptor)
        return os.open(name, _OPEN_FOLDER, dir_fd=self.descriptor)


@contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """Hold a drop folder open; raise OSError when it is not a folder of its own."""
    descriptor = os.open(path, _OPEN_FOLDER)
    try:
        yield Folder(descriptor)
    finally:
        os.close(descriptor)


def _copy(source: int, target: Path | None) -> str:
    digest = hashlib.new("sm3")
    out = None if target is None else os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        while part := os.read(source, _CHUNK):
            digest.update(part)
            if out is not None:
                _write_all(out, part)
    finally:
        if out is not None:
            os.close(out)
    return digest.hexdigest()


def _write_all(out: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        view = view[os.write(out, view) :]


def _write_at(folder: int, name: str, body: bytes) -> None:
    """Write a file within a folder, whole or not at all, never through a link that lies there."""
    draft = f".{name}.{os.getpid()}"[-200:]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    out = os.open(draft, flags, 0o640, dir_fd=folder)
    try:
        _write_all(out, body)
        os.fsync(out)
    finally:
        os.close(out)
    os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)


def _free_name(folder: int, name: str) -> str:
    """Return the name, or one with a number when another file took it: nothing is overwritten."""
    free, number = name, 1
    while True:
        try:
            os.stat(free, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return free
        number += 1
        free = f"{number}_{name}"


def _sm3_of_name(name: str) -> str:
    return hashlib.new("sm3", os.fsencode(name)).hexdigest()

"""The drop folders: looks for complete files, takes each in once, and leaves a receipt beside it.

The batch number is made from the content and the name. Whatever dies between the commit and the
move, the file is found again, known by its number, and moved with its first receipt.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.deliveries import Rows
from ingestion_adapters.doors import AWAY, Door, Outcome, door_actor, in_transaction, refused_whole, take
from ingestion_adapters.dropbox.folder import Copy, Folder, Lying, opened
from ingestion_adapters.dropbox.names import check_kind, dataset_of, is_manifest, manifest_from
from ingestion_adapters.files.dataset_rows import FileRows, Told, comes_by_rows, own_words, rows_of_file
from ingestion_adapters.files.network_door import take_network
from ingestion_adapters.files.raw import MAX_FILE_MB
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.onboarding.notices import ToldProgram, receipt_notice
from ingestion_adapters.receipts import Batch
from ingestion_adapters.signing import sm3_hex
from ingestion_adapters.store_readings import RawReadings
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction

log = logging.getLogger(__name__)
FILES_A_TURN = 5
FREE_BYTES = 1 << 30
AGAIN_AFTER_S = 60.0
MANIFEST_WAITS_S = 3600.0
_failed: dict[tuple[str, str, int], float] = {}


@dataclass(frozen=True)
class Owner:
    """Whose folder it is."""

    id: int
    uscc: str


@dataclass(frozen=True)
class Delivery:
    """The files of one batch as they lie in a private folder."""

    dataset: str
    copies: list[Copy]
    crs: str | None = None

    @property
    def names(self) -> list[str]:
        """Return the names of its files."""
        return [each.lying.name for each in self.copies]


def take_dropped(session: Session, now: datetime) -> str:
    """Take in what lies complete in every drop folder, some files of each enterprise a turn."""
    settings = Settings.from_env()
    root = settings.data_dir / "dropbox"
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    if shutil.disk_usage(root).free < FREE_BYTES:
        log.error("dropbox_disk_low", extra={"folder": str(root)})
        return "disk low"
    done = 0
    for owner in _owners(settings):
        done += take_folder(settings, owner, root / owner.uscc)
    return f"{done} files"


def _owners(settings: Settings) -> list[Owner]:
    with transaction(settings, CITY, worker=True) as session:
        rows = session.execute(select(Enterprise.id, Enterprise.uscc).order_by(Enterprise.id))
        return [Owner(number, uscc) for number, uscc in rows]


def take_folder(settings: Settings, owner: Owner, path: Path) -> int:
    """Take in the complete files of one folder; return how many were put away."""
    done = 0
    try:
        path.mkdir(mode=0o770, exist_ok=True)
        with opened(path) as folder:
            lying = folder.complete(time.time())
            named = _named_by_manifests(settings, folder, lying)
            waiting = [each for each in lying if each.name not in named and not _waits(owner, each)]
            for each in waiting:  # what waits for its other files counts for nothing: it holds up no finished one
                if done >= FILES_A_TURN:
                    break
                done += _take_one(settings, owner, folder, each, lying)
    except AWAY as away:
        log.warning("database_unavailable", extra={"kind": type(away).__name__})
    except OSError as wrong:
        log.error("dropbox_unusable", extra={"uscc": owner.uscc, "reason": str(wrong)})
    return done


def _named_by_manifests(settings: Settings, folder: Folder, lying: list[Lying]) -> set[str]:
    """Return the files that a manifest in the folder speaks for: they are taken with it."""
    named: set[str] = set()
    for each in lying:
        if is_manifest(each.name) and each.plain:
            with _private(settings) as work:
                copy = folder.copied(each, work / "manifest")
                try:
                    named.update(manifest_from(_bytes_of(copy)).files if copy else [])
                except Refused:
                    continue
    return named


def _waits(owner: Owner, lying: Lying) -> bool:
    """Return whether a file broke the intake a moment ago and is tried again later."""
    failed = _failed.get((owner.uscc, lying.name, lying.changed_ns))
    return failed is not None and time.monotonic() - failed < AGAIN_AFTER_S


def _note_failure(owner: Owner, lying: Lying) -> None:
    now = time.monotonic()
    for old in [place for place, failed in _failed.items() if now - failed > AGAIN_AFTER_S]:
        del _failed[old]
    _failed[(owner.uscc, lying.name, lying.changed_ns)] = now


def _take_one(settings: Settings, owner: Owner, folder: Folder, lying: Lying, all_lying: list[Lying]) -> int:
    """Take one file, or the files of one manifest, in and put it away; return how many were."""
    with _private(settings) as work:
        copy = folder.copied(lying, work / _safe(lying.name))
        if copy is None:
            return 0
        copies = [copy]
        try:
            outcome = _outcome(settings, owner, copies, (folder, work, all_lying))
        except AWAY:
            raise
        except Exception as fault:  # one file must not close the door for all others
            log.error("dropped_file_failed", exc_info=fault, extra={"uscc": owner.uscc})
            _note_failure(owner, lying)
            return 0
        if outcome is None:
            return 0
        body = {"status": outcome.status, "files": [_safe(each.lying.name) for each in copies]} | outcome.body
        body |= receipt_notice(settings, ToldProgram(f"drop {owner.id}", owner.id))
        folder.put_away(copies, orjson.dumps(body, option=orjson.OPT_INDENT_2), taken=outcome.status == 200)
    return len(copies)


def _outcome(
    settings: Settings, owner: Owner, copies: list[Copy], where: tuple[Folder, Path, list[Lying]]
) -> Outcome | None:
    """Return what became of a delivery; None when a file that its manifest names is still on its way."""
    door = Door(settings, door_actor("job", owner.id, "drop"), utc_now())
    first = copies[0]
    try:
        if is_manifest(first.lying.name):
            delivery = _with_manifest(copies, where)
            if delivery is None:
                return None
        else:
            _check_copy(first)
            check_kind(first.lying.name)
            delivery = Delivery(dataset_of(first.lying.name), copies)
    except Refused as no:
        return refused_whole(door, _batch(owner, Delivery("NET" if is_manifest(first.lying.name) else "", copies)), no)
    return _take_delivery(door, _batch(owner, delivery), delivery)


def _with_manifest(copies: list[Copy], where: tuple[Folder, Path, list[Lying]]) -> Delivery | None:
    """Add the files a manifest names to the copies; raise Refused when one is not as the manifest says."""
    folder, work, all_lying = where
    _check_copy(copies[0])
    manifest = manifest_from(_bytes_of(copies[0]))
    known = {each.name: each for each in all_lying}
    for name in manifest.files:
        if name not in known:
            if time.time() - copies[0].lying.changed_ns / 1e9 > MANIFEST_WAITS_S:
                raise Refused(400, "E_SCHEMA", "file_manifest")
            return None
        copy = folder.copied(known[name], work / _safe(name))
        if copy is None:
            return None
        copies.append(copy)
    for copy in copies[1:]:
        _check_copy(copy)
        check_kind(copy.lying.name)
        said = manifest.sm3.get(copy.lying.name)
        if said is not None and said.casefold() != copy.sm3:
            raise Refused(422, "E_SCHEMA", "file_sum")
    return Delivery(manifest.dataset, copies, manifest.crs)


def _take_delivery(door: Door, batch: Batch, delivery: Delivery) -> Outcome:
    paths = [each.path for each in delivery.copies if each.path and not is_manifest(each.lying.name)]
    if not all(comes_by_rows(path, delivery.dataset) for path in paths):
        return take_network(door, batch, paths, delivery.crs)
    files: list[FileRows] = []
    own = in_transaction(door, lambda session: own_words(session, batch.enterprise_id, delivery.dataset))
    told = Told(delivery.dataset, delivery.crs, own)

    def read() -> Rows | RawReadings:
        files.extend(rows_of_file(path, told) for path in paths)
        return files[0].payload if len(files) == 1 else _joined(files)

    outcome = take(door, batch, read)
    lines = [line for each in files for line in each.lines]
    for found in outcome.body.get("rejections", []):
        if lines:
            found["line"] = lines[found["row"]]
    return outcome


def _joined(files: list[FileRows]) -> Rows:
    """Return the rows of several files as one batch; raise Refused when they are not all tables or all JSON."""
    parts = [each.payload for each in files if isinstance(each.payload, Rows)]
    if len(parts) != len(files) or len({part.lax for part in parts}) > 1:
        raise Refused(400, "E_SCHEMA", "file_manifest")
    return Rows([row for part in parts for row in part.rows], lax=parts[0].lax)


def _batch(owner: Owner, delivery: Delivery) -> Batch:
    """Return the batch of a delivery; its number is made from contents and names."""
    whole = delivery.copies[0].sm3 if len(delivery.copies) == 1 else sm3_hex("".join(_sums(delivery)).encode())
    number = sm3_hex("|".join([delivery.dataset, whole, *map(_safe, delivery.names)]).encode())[:48]
    size = sum(each.lying.size for each in delivery.copies)
    names = [_safe(name) for name in delivery.names]
    return Batch(owner.id, delivery.dataset or "?", f"drop-{number}", "drop", whole, size, "drop", files=names)


def _sums(delivery: Delivery) -> list[str]:
    return sorted(each.sm3 for each in delivery.copies)


def _check_copy(copy: Copy) -> None:
    if not copy.lying.plain:
        raise Refused(400, "E_SCHEMA", "file_unsafe")
    if copy.path is None:
        raise Refused(413, "E_QUOTA", "file_large", limit_mb=MAX_FILE_MB)


def _bytes_of(copy: Copy) -> bytes:
    return copy.path.read_bytes() if copy.path is not None and copy.lying.size <= 1 << 20 else b""


def _safe(name: str) -> str:
    """Return a name that may lie in our own folder and stand in our own tables: no bytes that are no text."""
    plain = "".join(sign if sign.isprintable() and sign != "/" else "_" for sign in name)
    return plain.encode("utf-8", "replace").decode()[-120:]


@contextmanager
def _private(settings: Settings) -> Iterator[Path]:
    """Give a folder of our own that is gone afterwards."""
    place = settings.data_dir / "tmp"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="drop-", dir=place) as folder:
        os.chmod(folder, 0o700)
        yield Path(folder)

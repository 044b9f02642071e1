"""An upload of a dataset that comes row by row: taken in like any batch, or tried and rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ingestion_adapters.checks import KEY_FIELDS
from ingestion_adapters.checks import Finding as RowFinding
from ingestion_adapters.deliveries import Rows
from ingestion_adapters.doors import Door, in_transaction, refused_whole, speaking
from ingestion_adapters.files.dataset_rows import FileRows, own_words, rows_of_file
from ingestion_adapters.files.dataset_rows import Told as FileFacts
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.intake import Answer, accept_message
from ingestion_adapters.receipts import Batch
from ingestion_adapters.sentences import REASONS, SENTENCES
from ingestion_adapters.signing import sm3_hex
from portal.core.errors import Conflict

PREVIEW_FEATURES = 5000
_DIGITS = 6


@dataclass(frozen=True)
class Upload:
    """What was uploaded: whose, which dataset, the files, the declared system, and whether it is a trial."""

    enterprise_id: int
    dataset: str
    paths: Sequence[Path]
    crs: str | None
    dry_run: bool


@dataclass
class Told:
    """What the page shows afterwards."""

    rows: int = 0
    accepted: int = 0
    refused: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    features: list[dict[str, Any]] = field(default_factory=list)
    receipt_id: int | None = None
    known: int = 0
    needs_crs: bool = False

    def report(self, upload: Upload) -> dict[str, Any]:
        """Return the report in the shape of any delivery."""
        return {
            "files": [path.name for path in upload.paths],
            "rows": self.rows,
            "accepted": self.accepted,
            "quarantined": self.refused,
            "crs": "" if self.needs_crs else upload.crs or "EPSG:4490",
            "crs_evidence": {},
            "crs_suggestions": [],
            "findings": self.findings,
            "warnings": [],
            "notices": [],
            "preview": {"type": "FeatureCollection", "total": len(self.features), "features": self.features},
        }


class _Trial(Exception):
    """Ends a trial's transaction so that nothing of it stays."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer."""
        super().__init__("trial")
        self.answer = answer


def take_upload(door: Door, upload: Upload) -> Told:
    """Take every file of an upload in as a batch of its own; a trial stores nothing, not even a receipt."""
    told = Told()
    own = in_transaction(door, lambda session: own_words(session, upload.enterprise_id, upload.dataset))
    for path in upload.paths:
        batch = batch_of(upload, path, door.actor.name)
        try:
            read = rows_of_file(path, FileFacts(upload.dataset, upload.crs, own))
            _tell(told, path.name, read, _answer(door, batch, read, upload.dry_run))
        except Conflict as known:
            told.receipt_id = int(known.facts["receipt_id"])
            told.known += 1
        except Refused as no:
            told.needs_crs |= no.code == "E_CRS"
            told.findings.append(_whole(path.name, no))
            if not upload.dry_run and no.code != "E_CRS":
                told.receipt_id = refused_whole(door, batch, no).body["receipt_id"]
    return told


def batch_of(upload: Upload, path: Path, name: str) -> Batch:
    """Return the batch of one file; its number is made from dataset, content and name."""
    body = path.read_bytes()
    digest = sm3_hex(body)
    number = sm3_hex(f"{upload.dataset}|{digest}|{path.name}".encode())[:48]
    return Batch(
        upload.enterprise_id, upload.dataset, f"upload-{number}", "upload", digest, len(body), name, files=[path.name]
    )


def _answer(door: Door, batch: Batch, read: FileRows, dry_run: bool) -> Answer:
    def work(session: Session) -> Answer:
        answer = accept_message(session, batch, read.payload, now=door.now, actor=door.actor)
        if dry_run:
            raise _Trial(answer)
        return answer

    try:
        return in_transaction(door, work)
    except _Trial as trial:
        return trial.answer


def _tell(told: Told, name: str, read: FileRows, answer: Answer) -> None:
    told.rows += answer.rows
    told.accepted += answer.accepted + answer.duplicate
    told.refused += answer.rejected
    told.receipt_id = answer.receipt_id
    told.known += answer.replayed
    told.findings += [_line(name, read, found) for found in answer.rejections]
    if isinstance(read.payload, Rows):
        refused = {found.row for found in answer.rejections}
        told.features += _features(name, read, read.payload, refused)[: PREVIEW_FEATURES - len(told.features)]


def _line(name: str, read: FileRows, found: RowFinding) -> dict[str, Any]:
    return {
        "file": name,
        "row": _number(read, found.row),
        "object": found.object_code or "",
        "field": found.field or "",
        "rule": found.rule or "",
        "code": found.code,
        "message": found.zh,
        "message_zh": found.zh,
        "message_en": found.en,
    }


def _whole(name: str, no: Refused) -> dict[str, Any]:
    words = {}
    for language in ("zh", "en"):
        with speaking(language):
            words[language] = (REASONS.get(no.reason) or SENTENCES[no.code])(**no.facts)
    return {
        "file": name,
        "row": 0,
        "object": "",
        "field": "",
        "rule": "",
        "code": no.code,
        "message": words["zh"],
        "message_zh": words["zh"],
        "message_en": words["en"],
    }


def _number(read: FileRows, index: int) -> int:
    """Return a row's number as a person counts: the line of a table, the place in a list from 1."""
    return read.lines[index] if read.lines else index + 1


def _features(name: str, read: FileRows, rows: Rows, refused: set[int]) -> list[dict[str, Any]]:
    found = []
    for index, row in enumerate(rows.rows):
        place = _place(row)
        if place is None:
            continue
        code = next((str(row[key]) for key in KEY_FIELDS if row.get(key)), "")
        properties = {
            "code": code,
            "kind": "row",
            "file": name,
            "row": _number(read, index),
            "state": "quarantined" if index in refused else "accepted",
        }
        point = {"type": "Point", "coordinates": place}
        found.append({"type": "Feature", "properties": properties, "geometry": point})
        if len(found) >= PREVIEW_FEATURES:
            break
    return found


def _place(row: Any) -> list[float] | None:
    """Return longitude and latitude of a raw row when it has them and they are on earth."""
    if not isinstance(row, dict):
        return None
    try:
        lon, lat = float(row["lon"]), float(row["lat"])
    except (KeyError, TypeError, ValueError):
        return None
    return [round(lon, _DIGITS), round(lat, _DIGITS)] if abs(lon) <= 180 and abs(lat) <= 90 else None

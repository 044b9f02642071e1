"""The doors the demo's programs use: one enterprise pushes over HTTP, one over MQTT, one leaves files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ingestion_adapters.client import Client, Queue
from ingestion_adapters.contract import Record
from ingestion_adapters.demo.words import said
from ingestion_adapters.mqtt_client import MqttClient

DOOR_OF = {"YCRQ": "http", "JBRQ": "mqtt", "KFQRQ": "drop"}
FILE_EVERY_S = 15.0
DONE_KEPT_S = 3600.0
RECEIPT = ".receipt.json"
Row = dict[str, Any]


class Way(Protocol):
    """A way in: rows are kept, and sent when it is time."""

    def push(self, dataset: str, records: Sequence[Row]) -> object:
        """Keep rows for sending."""

    def flush(self) -> object:
        """Send what waits, as far as the portal can be reached."""


def payload(enterprise: str, dataset: str, records: Sequence[Record], *, own_words: bool = False) -> list[Row]:
    """Return records as this enterprise's program writes them: in its own words where its mapping was saved."""
    rows = [msgspec.to_builtins(record) for record in records]
    return said(enterprise, dataset, rows) if own_words else rows


def speaks_own_words(key_file: Path) -> bool:
    """Return whether the mapping of the key's enterprise was saved when the demo was loaded."""
    return key_file.with_suffix(".words").exists()


class Files:
    """Leaves a file for each dataset every some seconds, under another name until it is whole."""

    def __init__(self, folder: Path, every_s: float = FILE_EVERY_S, ledger: Queue | None = None) -> None:
        """Write into the enterprise's drop folder, made on first use; `ledger` remembers what has its receipt."""
        self.folder, self.every_s, self.ledger = folder, every_s, ledger
        self.noted: set[str] = set()
        self.waiting: dict[str, list[Row]] = {}
        self._due = 0.0
        self._number = 0

    def push(self, dataset: str, records: Sequence[Row]) -> None:
        """Keep rows for the next file."""
        self.waiting.setdefault(dataset, []).extend(records)

    def flush(self) -> None:
        """Write the files that are due; raise OSError while the folder cannot be written."""
        if time.monotonic() < self._due:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for dataset in list(self.waiting):
            self._write(dataset, self.waiting[dataset])
            del self.waiting[dataset]
        self._due = time.monotonic() + self.every_s
        self.note_receipts()
        self._tidy()

    def note_receipts(self) -> None:
        """Remember the files whose receipts have come: the portal lays them beside the files."""
        found = [path for place in ("done", "refused") for path in (self.folder / place).glob(f"*{RECEIPT}")]
        for path in found if self.ledger is not None else ():
            file = path.with_name(path.name.removesuffix(RECEIPT))
            if path.name in self.noted or not file.is_file():
                continue
            said = json.loads(path.read_bytes())
            sum_of_file = hashlib.new("sm3", file.read_bytes()).hexdigest()
            dataset = file.name.split("_")[1]
            self.ledger.note_answer(str(said.get("batch_id")), dataset, sum_of_file, said)
            self.noted.add(path.name)
        self.noted &= {path.name for path in found}

    def _tidy(self) -> None:
        """Remove what the portal has taken and this program no longer needs; the portal itself deletes nothing."""
        done, limit = self.folder / "done", time.time() - DONE_KEPT_S
        for path in done.iterdir() if done.is_dir() else ():
            if path.stat().st_ctime < limit:
                path.unlink(missing_ok=True)

    def _write(self, dataset: str, rows: Sequence[Row]) -> None:
        self._number += 1
        name = f"{dataset}_{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}_{self._number:04d}.csv"
        names = list(dict.fromkeys(name for row in rows for name in row))
        out = io.StringIO()
        writer = csv.DictWriter(out, names, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
        draft = self.folder / f"{name}.part"
        with draft.open("wb") as file:
            file.write(out.getvalue().encode("gb18030"))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.folder / name)


def way_of(enterprise: str, client: Client, *, broker: str, uscc: str, data: Path | None) -> Way:
    """Return the way of one demo enterprise; HTTP when its own door is closed."""
    door = DOOR_OF.get(enterprise, "http")
    if door == "mqtt" and broker:
        queue = client.queue_path.with_suffix(".mqtt")
        way = MqttClient(broker, uscc, client.app_id, client.key.decode(), queue)
        way.ledger = client.queue
        return way
    if door == "drop" and data is not None:
        return Files(data / "dropbox" / uscc, ledger=client.queue)
    return client

"""Hearing a batch in an enterprise's words, keeping it as sent, and saving new versions of a mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import zstandard
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, raw_text
from ingestion_adapters.deliveries import Rows
from ingestion_adapters.mapping.columns import columns_from, spoken_columns
from ingestion_adapters.mapping.form import read_mapping
from ingestion_adapters.mapping.models import EnterpriseMapping, RawMessage
from ingestion_adapters.mapping.queries import Spoken, forget, spoken_by
from ingestion_adapters.mapping.rules import MEASURED, Translation, point_of, told, translated
from ingestion_adapters.masking import hidden
from ingestion_adapters.store_readings import RawReadings
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Invalid

ZSTD_LEVEL = 3
SHOWN_PROBLEMS = 8
Payload = Rows | RawReadings


@dataclass(frozen=True)
class Heard:
    """A batch in the sender's words and in ours."""

    spoken: Spoken
    sent: Payload
    understood: Payload

    def told(self, found: Finding) -> Finding:
        """Return a finding with their field, their row and, for readings, their point."""
        translation = self.spoken.translation
        if isinstance(self.sent, RawReadings):
            place = found.row
            theirs = self.sent.points[int(self.sent.which[place])] if 0 <= place < self.sent.which.size else None
            return _of_point(found, theirs, translation)
        row = self.sent.rows[found.row] if 0 <= found.row < len(self.sent.rows) else None
        if translation.dataset == "RT" and isinstance(row, dict):
            reader = next((each for each in translation.common if each.ours == "point"), None)
            theirs = row.get(reader.theirs if reader else "point")
            made = told(found, row, translation) if found.field else found
            return _of_point(made, theirs if isinstance(theirs, str) else None, translation)
        return told(found, row, translation)


def _of_point(found: Finding, theirs: str | None, translation: Translation) -> Finding:
    if theirs is None:
        return found
    return told(found, None, translation, point=(point_of(theirs, translation), theirs))


def hear(session: Session, enterprise_id: int, dataset: str, sent: Payload) -> Heard | None:
    """Return a batch in our words, None when its sender uses ours."""
    spoken = spoken_by(session, enterprise_id, dataset)
    if spoken is None:
        return None
    understood = understood_as(sent, spoken.translation)
    if _unknown_unit(understood, spoken.translation):
        spoken = spoken_by(session, enterprise_id, dataset, fresh=True) or spoken
        understood = understood_as(sent, spoken.translation)
    return Heard(spoken, sent, understood)


def _unknown_unit(payload: Payload, spoken: Translation) -> bool:
    """Return whether a point may be newer than what is remembered of the register's units."""
    if spoken.known is None or spoken.dataset not in MEASURED:
        return False
    if isinstance(payload, RawReadings):
        return not spoken.known.issuperset(payload.points)
    codes = (row.get("point") for row in payload.rows if isinstance(row, dict))
    return not spoken.known.issuperset(code for code in codes if isinstance(code, str))


def understood_as(sent: Payload, spoken: Translation) -> Payload:
    """Return a payload in our words; readings as columns where nothing asks for a judgement row by row."""
    if isinstance(sent, RawReadings):
        return spoken_columns(sent, spoken)
    if spoken.dataset == "RT" and not sent.lax:
        columns = columns_from(sent.rows, spoken)
        if columns is not None:
            return spoken_columns(columns, spoken)
    done = translated(sent.rows, spoken)
    return Rows(done.rows, sent.lax, done.numbers, done.refused)


def keep_sent(session: Session, heard: Heard, receipt_id: int, enterprise_id: int, now: datetime) -> None:
    """Keep the rows of a mapped batch in the sender's words; personal data masked as in our own tables."""
    translation = heard.spoken.translation
    sent = heard.sent
    columns = isinstance(sent, RawReadings)
    plain = _column_text(sent) if isinstance(sent, RawReadings) else _row_lines(sent.rows, translation)
    if not heard.spoken.mapping_id:
        return  # a draft that is only tried out
    session.execute(
        insert(RawMessage).values(
            receipt_id=receipt_id,
            enterprise_id=enterprise_id,
            mapping_id=heard.spoken.mapping_id,
            dataset=translation.dataset,
            form="columns" if columns else "rows",
            rows=sent.rows if isinstance(sent, RawReadings) else len(sent.rows),
            masked=bool(translation.personal),
            lax=not isinstance(sent, RawReadings) and sent.lax,
            plain_bytes=len(plain),
            body=zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(plain),
            received_at=now,
        )
    )


def _column_text(raw: RawReadings) -> bytes:
    t = raw.t.tolist() if isinstance(raw.t, np.ndarray) else list(raw.t)
    columns = {"points": list(raw.points), "p": raw.which, "t": t, "v": raw.v, "q": raw.q, "f": raw.f}
    return orjson.dumps(columns, option=orjson.OPT_SERIALIZE_NUMPY)


def _row_lines(rows: Sequence[Any], translation: Translation) -> bytes:
    if not translation.personal:
        return b"\n".join(map(_row_line, rows))
    marks = dict(translation.personal)
    return b"\n".join(_row_line(hidden(row, marks)) for row in rows)


def _row_line(row: Any) -> bytes:
    try:
        return orjson.dumps(row)
    except (TypeError, ValueError, RecursionError):
        return orjson.dumps(raw_text(row))


def sent_row(message: RawMessage, number: int) -> Any:
    """Return one row of a kept message as sent, None when it has no such row."""
    plain = zstandard.ZstdDecompressor().decompress(message.body, max_output_size=message.plain_bytes)
    if message.form == "rows":
        lines = plain.split(b"\n")
        return orjson.loads(lines[number]) if 0 <= number < len(lines) else None
    columns = orjson.loads(plain)
    if not 0 <= number < len(columns["p"]):
        return None
    letters = "NBMER"
    return {
        "point": columns["points"][columns["p"][number]],
        "t": columns["t"][number],
        "v": columns["v"][number],
        "q": columns["q"][number],
        "f": letters[columns["f"][number]],
    }


def save_mapping(
    session: Session, enterprise_id: int, file: bytes, *, note: str, valid_from: datetime, actor: Actor
) -> EnterpriseMapping:
    """Save a new version of an enterprise's mapping; raise Invalid with what is wrong with the file."""
    body, problems = read_mapping(file)
    if body is None or problems:
        raise Invalid("mapping_wrong", problems="; ".join(problems[:SHOWN_PROBLEMS]))
    session.execute(text("select pg_advisory_xact_lock(7318, :e)"), {"e": enterprise_id})
    last = session.scalar(
        select(func.max(EnterpriseMapping.version)).where(EnterpriseMapping.enterprise_id == enterprise_id)
    )
    made = EnterpriseMapping(
        enterprise_id=enterprise_id,
        version=(last or 0) + 1,
        body=body,
        note=note.strip()[:500],
        made_by=actor.name,
        valid_from=valid_from,
    )
    session.add(made)
    session.flush()
    record(
        session,
        actor,
        "mapping.save",
        object_type="enterprise_mapping",
        object_id=made.id,
        enterprise_id=enterprise_id,
        after={"version": made.version, "name": body["name"], "datasets": sorted(body.get("datasets", {}))},
    )
    forget(enterprise_id)
    return made

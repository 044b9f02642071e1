"""Records filed under a number of the enterprise: what is new is added, what changed is changed, the rest left alone.

A field left out keeps what is known; an older state never replaces a newer one. The same record
may come several times in one batch: it is taken state by state, so that none is lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, Stored, field_marks, instant_of, personal_marks, raw_text, time_finding
from ingestion_adapters.contract import KEYS
from ingestion_adapters.contract.base import LineString
from ingestion_adapters.contract.sense import CITY_ZONE, PLANNED_STOP, breach_of
from ingestion_adapters.deliveries import Delivery
from ingestion_adapters.masking import hidden, masked, without_numbers
from ingestion_adapters.store_bulk import copy_into
from ingestion_adapters.store_places import Found, Places, line_as_text
from ingestion_adapters.timeliness import LIMITS, is_late

FILED_LOCK = 7303  # not that of the readings: a large filing must not hold up an enterprise's pushes
AHEAD = timedelta(seconds=300)
FEW_ROWS = 200  # up to here one statement is quicker than a table of their own
OLDEST = timedelta(days=6 * 366)
_PLACE = ("object_code", "object_type", "object_id", "geom", "adcode", "user_id")
_ONCE = ("late", "received_at")
_OURS = ("id", "enterprise_id", "receipt_id", "valid_from", "valid_to", "record_no", *_ONCE, *_PLACE)


@dataclass(frozen=True)
class Filing:
    """A record type and its table; `happened` is the field that says when it was."""

    kind: type
    model: Any
    happened: str | None = None
    needs_place: bool = False
    key: tuple[str, ...] = ("record_no",)

    @cached_property
    def table(self) -> str:
        """Return the table's name."""
        return str(self.model.__tablename__)

    @cached_property
    def own(self) -> tuple[str, ...]:
        """Return the columns that carry a field of the record under the same name."""
        return tuple(column.name for column in self.model.__table__.columns if column.name not in _OURS)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Return the columns a state consists of."""
        names = {column.name for column in self.model.__table__.columns}
        return ("record_no", *self.own, *(name for name in _PLACE if name in names))


@dataclass
class Work:
    """One batch on its way into a table."""

    session: Session
    given: Delivery
    filing: Filing
    limits: dict[str, float]
    findings: list[Finding] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    known: int = 0
    late: int = 0


def store_filed(session: Session, given: Delivery, records: Sequence[Any], filing: Filing) -> Stored:
    """Store records of one type; those with unknown references, impossible times or fields at odds are findings."""
    work = take_filed(session, given, records, filing)
    return Stored(len(work.written), work.known, work.findings, work.late)


def take_filed(session: Session, given: Delivery, records: Sequence[Any], filing: Filing) -> Work:
    """Store records of one type; return what became of them, with the numbers that were new or changed."""
    session.execute(text("select pg_advisory_xact_lock(:a, :b)"), {"a": FILED_LOCK, "b": given.enterprise_id})
    work = Work(session, given, filing, limits_of(session))
    for wave in _waves(records, KEYS[filing.kind]):
        _take(work, wave)
    return work


def limits_of(session: Session) -> dict[str, float]:
    """Return the time limits in force."""
    rows = session.execute(text("select key, value from parameter where key = any(:keys)"), {"keys": list(LIMITS)})
    return LIMITS | {row.key: row.value for row in rows}


def _waves(records: Sequence[Any], key: str) -> list[list[tuple[int, Any]]]:
    """Return the records in rounds that hold every number once, the states of a number by their time."""
    states: dict[str, list[tuple[int, Any]]] = {}
    for index, record in enumerate(records):
        states.setdefault(getattr(record, key), []).append((index, record))
    for several in states.values():
        several.sort(key=lambda item: _changed(item[1]) or datetime.min.replace(tzinfo=CITY_ZONE))
    most = max((len(several) for several in states.values()), default=0)
    return [[several[turn] for several in states.values() if len(several) > turn] for turn in range(most)]


def _changed(record: Any) -> datetime | None:
    value = record.changed_at
    return None if value is UNSET or value is None else instant_of(value)


def _take(work: Work, wave: list[tuple[int, Any]]) -> None:
    before = states_of(work.session, work.filing, work.given.enterprise_id, [_no(work, each) for _, each in wave])
    places = Places(work.session, work.given.enterprise_id, [each for _, each in wave])
    rows: list[tuple[Any, ...]] = []
    for index, record in wave:
        prior = before.get(_no(work, record))
        row = _row(work, index, record, prior, places)
        if row is None:
            continue
        late = prior is None and is_late(record, work.given.now, work.limits)
        work.late += late
        rows.append((late, work.given.now, *row))
    written = put(work.session, work.filing, work.given, rows)
    work.written += written
    work.known += len(rows) - len(written)


def _no(work: Work, record: Any) -> str:
    return str(getattr(record, KEYS[work.filing.kind]))


def _row(work: Work, index: int, record: Any, prior: Any, places: Places) -> tuple[Any, ...] | None:
    """Return the new state as a row; None when it is older than what is known, or refused."""
    if prior is not None and _is_older(record, prior):
        work.known += 1
        return None
    values = {name: _value(work.filing, record, name, prior) for name in work.filing.own}
    found = places.of(record, prior)
    refused = _time_finding(work, record) or _sense_finding(record, values)
    refused = refused or (found if isinstance(found, Finding) else _place_finding(work.filing, found))
    if refused is not None or isinstance(found, Finding):
        work.findings.append(about(record, index, refused, _no(work, record)))
        return None
    values |= {"record_no": _no(work, record)} | found.columns()
    return tuple(as_field(values[name]) for name in work.filing.columns)


def _is_older(record: Any, prior: Any) -> bool:
    at = _changed(record)
    return at is not None and prior.changed_at is not None and at < prior.changed_at


def _value(filing: Filing, record: Any, name: str, prior: Any) -> Any:
    if name == "month":
        return date.fromisoformat(f"{record.month}-01")
    value = getattr(record, name)
    if value is UNSET:
        return getattr(prior, name) if prior is not None else None
    return stored_value(value, field_marks(filing.kind)[name])


def stored_value(value: Any, marks: dict[str, Any]) -> Any:
    """Return a field's value as its column holds it: instants in UTC, personal data masked."""
    if value is None or value is UNSET:
        return None
    if marks.get("instant"):
        return instant_of(value)
    if marks.get("mask"):
        return masked(marks["mask"], value)
    return line_as_text(value) if isinstance(value, LineString) else value


def _time_finding(work: Work, record: Any) -> Finding | None:
    now = work.given.now
    for name, marks in field_marks(type(record)).items():
        value = getattr(record, name)
        if marks.get("instant") and value is not UNSET and value is not None:
            at = instant_of(value)
            if at is None:
                return time_finding(name)
            if marks["past"] and at > now + AHEAD:
                return time_finding(name, "E_FUTURE")
            if name == work.filing.happened and at < now - OLDEST:
                return time_finding(name, "E_TOO_OLD")
    return _happened_finding(work, record)


def _happened_finding(work: Work, record: Any) -> Finding | None:
    """Return the finding for what has not happened yet: an event that is no planned stop, a month not over."""
    now, happened = work.given.now, work.filing.happened
    if happened == "month":
        year, month = int(record.month[:4]), int(record.month[5:])
        over = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=CITY_ZONE)
        return time_finding("month", "E_FUTURE") if over > now + AHEAD else None
    if happened == "occurred_at" and record.sort != PLANNED_STOP:
        at = instant_of(record.occurred_at)
        return time_finding("occurred_at", "E_FUTURE") if at is not None and at > now + AHEAD else None
    return None


def _sense_finding(record: Any, values: dict[str, Any]) -> Finding | None:
    """Return what does not fit once the fields left out are filled in with what is known."""
    kept = (name for name in record.__struct_fields__ if name in values and getattr(record, name) is UNSET)
    filled = {name: values[name] for name in kept if name != "track"}
    found = breach_of(msgspec.structs.replace(record, **filled))
    return Finding(0, found.code, found.zh, found.en, found.field, rule=found.rule) if found else None


def _place_finding(filing: Filing, found: Found) -> Finding | None:
    if not filing.needs_place or found.geom is not None or found.object_id is not None:
        return None
    return Finding(0, "E_RANGE", "施工点须有坐标或对象编号", "It needs a place or an object", "lon", rule="EXC-1")


def about(record: Any, index: int, finding: Any, own: str) -> Finding:
    """Return a finding with the record it is about, what is personal in it masked."""
    row = hidden(msgspec.to_builtins(record), personal_marks(type(record)))
    return replace(finding, row=index, object_code=own, raw=without_numbers(raw_text(row)))


def states_of(session: Session, filing: Filing, enterprise_id: int, numbers: Sequence[str]) -> dict[str, Any]:
    """Return number -> present state of the enterprise's records; shapes as hex EWKB."""
    shapes = {column.name for column in filing.model.__table__.columns if column.type.__class__.__name__ == "Geometry"}
    wanted = ", ".join(
        f"encode(st_asewkb({name}), 'hex') as {name}" if name in shapes else name for name in filing.columns
    )
    rows = session.execute(
        text(f"select {wanted} from {filing.table} where enterprise_id = :e and record_no = any(:numbers)"),
        {"e": enterprise_id, "numbers": list(numbers)},
    )
    return {row.record_no: row for row in rows}


def as_field(value: Any) -> Any:
    """Return a value as COPY reads it; lists become array literals."""
    if isinstance(value, list):
        return "{" + ",".join(f'"{each}"' if isinstance(each, str) else str(each) for each in value) + "}"
    return value


def put(session: Session, filing: Filing, given: Delivery, rows: Sequence[Sequence[Any]]) -> list[str]:
    """Add new states and change those that differ; return the numbers that were written. Numbers are unique within `rows`.

    Whether a record came late is settled when it first comes, and stays.
    """
    if not rows:
        return []
    names, few = (*_ONCE, *filing.columns), len(rows) <= FEW_ROWS
    columns, staged = ", ".join(names), f"incoming_{filing.table}"
    changing = [column for column in filing.columns if column not in filing.key]
    moved = ", ".join(f"{column} = excluded.{column}" for column in changing)
    old, new = (", ".join(f"{side}.{column}" for column in changing) for side in ("old", "excluded"))
    put_into = (
        f"insert into {filing.table} as old (enterprise_id, receipt_id, {columns})"  # names are constants
        f" select :enterprise_id, :receipt_id, {columns} from {{source}}"
        f" on conflict (enterprise_id, {', '.join(filing.key)}) do update"
        f" set {moved}, receipt_id = excluded.receipt_id where ({old}) is distinct from ({new}) returning record_no"
    )
    facts: dict[str, Any] = {"enterprise_id": given.enterprise_id, "receipt_id": given.receipt_id}
    if few:
        source = f"jsonb_populate_recordset(null::{filing.table}, cast(:rows as jsonb)) as incoming"
        as_json = json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str)
        return _numbers(session, put_into.format(source=source), facts | {"rows": as_json})
    session.execute(
        text(f"create temp table {staged} on commit drop as select {columns} from {filing.table} with no data")
    )
    copy_into(session, staged, names, rows)
    written = _numbers(session, put_into.format(source=staged), facts)
    session.execute(text(f"drop table {staged}"))
    return written


def _numbers(session: Session, statement: str, facts: dict[str, Any]) -> list[str]:
    return [str(number) for number in session.scalars(text(statement), facts)]

"""NET/MTR and the readings of meters: the register by the thousand, counters by the ten thousand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding
from ingestion_adapters.contract import Meter
from ingestion_adapters.store_bulk import Target, stage, unstage
from portal.operation.meters.numbers import numbers_of
from portal.operation.meters.rules import FELL, lasts_too_long
from portal.operation.meters.services import CounterRows, Taken, store_counters

METERS = Target(
    "gas_meter",
    (
        "src_code", "user_no", "adcode", "status", "kind", "qmax_m3_per_h", "digits", "comm", "maker", "model", "serial",
        "installed_on", "expires_on", "valve_state",
    ),
)  # fmt: skip
Numbered = list[tuple[int, Any]]
_USERS_AT_ONCE = 20_000
_ASK_AGAIN_S = 5.0
_with_meters: dict[int, tuple[bool, float]] = {}


def store_meters(
    session: Session, enterprise_id: int, receipt_id: int, items: Numbered, findings: list[Finding]
) -> tuple[int, int]:
    """Bring meters in; one that expires before it was installed is refused. Return how many were written and known."""
    kept = [record for index, record in items if _sound(record, index, findings)]
    if not kept:
        return 0, 0
    districts = _districts(session, enterprise_id, sorted({record.user_no for record in kept if record.user_no}))
    rows = [
        (
            record.src_code, record.user_no, districts.get(record.user_no), record.status, record.kind,
            record.qmax_m3_per_h, record.digits, record.comm, record.maker, record.model, record.serial,
            record.installed_on, record.expires_on, record.valve_state,
        )
        for record in kept
    ]  # fmt: skip
    _with_meters.pop(enterprise_id, None)
    return _registered(session, enterprise_id, receipt_id, rows)


def _registered(
    session: Session, enterprise_id: int, receipt_id: int, rows: Sequence[Sequence[Any]]
) -> tuple[int, int]:
    """Change the known meters that differ and add the others; only these take numbers. Return written and known."""
    name, facts = stage(session, METERS, rows), {"e": enterprise_id, "receipt": receipt_id}
    columns = ", ".join(METERS.columns)
    changing = METERS.columns[1:]
    moved = ", ".join(f"{column} = i.{column}" for column in changing)
    old, new = (", ".join(f"{side}.{column}" for column in changing) for side in ("m", "i"))
    one = "m.enterprise_id = :e and m.src_code = i.src_code"
    changed = session.execute(
        text(
            f"update gas_meter m set {moved}, receipt_id = :receipt from {name} i"  # names are constants
            f" where {one} and ({old}) is distinct from ({new})"
        ),
        facts,
    )
    known = session.execute(text(f"delete from {name} i using gas_meter m where {one}"), facts)
    left = len(rows) - int(known.rowcount)  # type: ignore[attr-defined]
    if left:
        values = ", ".join(f"excluded.{column}" for column in changing)
        session.execute(
            text(
                f"insert into gas_meter (id, enterprise_id, receipt_id, {columns})"
                f" select t.id, :e, :receipt, {columns} from (select *, row_number() over () as place from {name}) i"
                " join take_meter_numbers(:e, :left) with ordinality as t (id, place) using (place)"
                f" on conflict (enterprise_id, src_code) do update set ({', '.join(changing)}) = ({values})"
            ),
            facts | {"left": left},
        )
    unstage(session, name)
    written = left + int(changed.rowcount)  # type: ignore[attr-defined]
    return written, len(rows) - written


def _sound(record: Meter, index: int, findings: list[Finding]) -> bool:
    begin, end = record.installed_on, record.expires_on
    if begin is not None and end is not None and end <= begin:
        zh, en = "到期日期不晚于安装日期", "It is to be replaced before it was installed"
        findings.append(Finding(index, "E_TIME", zh, en, "expires_on", record.src_code, "MTR-3"))
        return False
    if lasts_too_long(record.kind, begin, end):
        zh, en = "膜式燃气表使用期超过10年", "A diaphragm meter is to stay longer than ten years"
        findings.append(
            Finding(index, "E_RANGE", zh, en, "expires_on", record.src_code, "MTR-4", severity="warning")
        )
    return True


def _districts(session: Session, enterprise_id: int, users: Sequence[str]) -> dict[str | None, str | None]:
    found: dict[str | None, str | None] = {}
    for start in range(0, len(users), _USERS_AT_ONCE):
        rows = session.execute(
            text("select src_code, adcode from gas_user where enterprise_id = :e and src_code = any(:codes)"),
            {"e": enterprise_id, "codes": list(users[start : start + _USERS_AT_ONCE])},
        )
        found.update((row.src_code, row.adcode) for row in rows)
    return found


def has_meters(session: Session, enterprise_id: int) -> bool:
    """Return whether an enterprise has registered a meter; asked at most every few seconds while it has none."""
    known, at = _with_meters.get(enterprise_id, (False, 0.0))
    if not known and time.monotonic() - at > _ASK_AGAIN_S:
        known = bool(
            session.scalar(
                text("select exists (select from gas_meter where enterprise_id = :e)"), {"e": enterprise_id}
            )
        )
        _with_meters[enterprise_id] = (known, time.monotonic())
    return known


@dataclass(frozen=True)
class MeterRows:
    """Readings of known meters as columns; `numbers` says where each stood in the batch, `codes` names the meters."""

    meter_id: NDArray[np.int64]
    codes: Sequence[str]
    which: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int64]
    flag: NDArray[np.int16]
    numbers: NDArray[np.int64]


def meters_among(
    session: Session, enterprise_id: int, codes: Sequence[str], which: NDArray[np.int64], asked: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the meter each row is of, -1 for none; only rows that are asked for are looked up."""
    numbers = np.full(len(codes), -1, np.int64)
    wanted = np.unique(which[asked])
    numbers[wanted] = numbers_of(session, enterprise_id, [codes[place] for place in wanted.tolist()])
    return np.where(asked, numbers[which], -1)


def take_meter_readings(session: Session, rows: MeterRows, receipt_id: int) -> tuple[Taken, list[Finding]]:
    """Store readings of meters; return the counts, and what counters did wrong."""
    taken = store_counters(
        session,
        CounterRows(
            receipt_id, rows.meter_id, rows.ts_ms, rows.value, rows.quality.astype(np.int64), rows.flag.astype(np.int64)
        ),
    )
    findings = [
        replace(
            _counter_finding(rule, before, after, since),
            row=int(rows.numbers[n]),
            object_code=rows.codes[int(rows.which[n])],
        )
        for n, rule, before, after, since in taken.breaches
    ]
    return taken, findings


def _counter_finding(rule: str, before: float, after: float, since: datetime) -> Finding:
    at = since.astimezone(UTC).isoformat(timespec="seconds")
    if rule == FELL:
        zh = f"累计读数由 {before:g} 降为 {after:g}（上次 {at}）"
        en = f"The counter fell from {before:g} to {after:g} (last at {at})"
    else:
        zh = f"用量超过表具最大流量：由 {before:g} 增至 {after:g}（上次 {at}）"
        en = f"More gas than the meter can pass: from {before:g} to {after:g} (last at {at})"
    return Finding(0, "E_RANGE", zh, en, "v", rule=rule, severity="warning")

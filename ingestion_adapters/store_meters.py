"""NET/MTR and the readings of meters: the register by the thousand, counters by the hundred thousand."""

from __future__ import annotations

import io
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
from ingestion_adapters.store_bulk import Target, upsert
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
# A code is whatever its sender wrote: nothing in it may end a cell or a row of COPY.
_IN_COPY = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\x01"})
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
    return upsert(session, METERS, enterprise_id, receipt_id, rows)


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
    """Readings of meters as columns; `numbers` says where each stood in the batch."""

    codes: Sequence[str]
    ts_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int64]
    flag: NDArray[np.int16]
    numbers: NDArray[np.int64]


def take_meter_readings(
    session: Session, enterprise_id: int, rows: MeterRows, receipt_id: int
) -> tuple[Taken, list[Finding]]:
    """Store readings of meters; return the counts, the places of unknown meters, and what counters did wrong."""
    lines = zip(
        rows.codes, rows.ts_ms.tolist(), rows.value.tolist(), rows.quality.tolist(), rows.flag.tolist(), strict=True
    )
    body = "".join(
        [f"{n}\t{code.translate(_IN_COPY)}\t{ms}\t{v!r}\t{q}\t{f}\n" for n, (code, ms, v, q, f) in enumerate(lines)]
    )
    taken = store_counters(session, CounterRows(enterprise_id, receipt_id, io.StringIO(body), rows.ts_ms))
    findings = [
        replace(_counter_finding(rule, before, after, since), row=int(rows.numbers[n]), object_code=rows.codes[n])
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

"""NET/DEV: devices with the steps of their life, the points they feed, their gateway and their certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, instant_of
from ingestion_adapters.contract import Device
from ingestion_adapters.store_bulk import Target, as_text, copy_into, districts_of, ids_of, stage, unstage
from portal.core.clock import utc_now
from portal.operation.devices.rules import REMOVED, may_follow

Numbered = list[tuple[int, Any]]
Owners = Mapping[str, tuple[str, int]]

_SAME = (
    "platform", "platform_id", "model", "maker", "serial", "range_low", "range_high", "unit", "accuracy_percent", "comm",
    "period_s", "upload_s", "heartbeat_s", "power", "battery_percent", "installed_on", "install_place", "calibrated_on",
    "calibration_due_on", "firmware", "firmware_result", "state", "key_device", "controlled", "intelligent",
    "one_key_shut", "run_h", "standby_h", "repair_h", "op_count", "trip_count",
)  # fmt: skip
DEVICES = Target(
    "device",
    (
        "src_code", "name", "adcode", "status", "geom", "kind", "object_code", "object_type", "object_id",
        "gateway_code", "replaces_code", "state_at", *_SAME,
    ),
)  # fmt: skip
_FLAGS = ("key_device", "controlled", "intelligent", "one_key_shut")


@dataclass(frozen=True)
class Batch:
    """The batch devices come in: whose, its receipt, and what was found so far."""

    session: Session
    enterprise_id: int
    receipt_id: int
    findings: list[Finding]


def store_devices(batch: Batch, items: Numbered, owners: Owners) -> tuple[int, int]:
    """Bring devices in; an impossible step of their life is refused. Return how many were written and known."""
    if not items:
        return 0, 0
    before = _status_now(batch, [record.src_code for _, record in items])
    kept = _possible(batch, items, before)
    written = _upsert(batch, kept, owners)
    numbers = ids_of(batch.session, "device", batch.enterprise_id, {record.src_code for _, record in kept})
    _note_steps(batch, kept, before, numbers)
    _feed_points(batch, kept, numbers)
    _keep_certificates(batch, kept, numbers)
    _replace_former(batch, kept)
    _find_gateways(batch, kept)
    return written, len(kept) - written


def _status_now(batch: Batch, codes: list[str]) -> dict[str, int]:
    rows = batch.session.execute(
        text("select src_code, status from device where enterprise_id = :e and src_code = any(:codes)"),
        {"e": batch.enterprise_id, "codes": codes},
    )
    return {row.src_code: row.status for row in rows}


def _possible(batch: Batch, items: Numbered, before: dict[str, int]) -> Numbered:
    kept: Numbered = []
    for index, record in items:
        old = before.get(record.src_code)
        if old is not None and not may_follow(old, record.status):
            batch.findings.append(
                _about(
                    record, index, "E_RANGE", "status",
                    f"设备不能从状态 {old} 变为 {record.status}",
                    f"A device cannot go from status {old} to {record.status}", "DEV-1",
                )
            )  # fmt: skip
            continue
        kept.append((index, record))
    return kept


def _about(record: Device, index: int, code: str, field: str, zh: str, en: str, rule: str) -> Finding:
    return Finding(index, code, zh, en, field, record.src_code, rule)


def _places(batch: Batch, kept: Numbered) -> tuple[list[str | None], list[str | None]]:
    """Return shape and district of each device: its own, else of the first point it feeds, else of its object."""
    shapes: list[str | None] = [None] * len(kept)
    districts: list[str | None] = [None] * len(kept)
    own = [n for n, (_, record) in enumerate(kept) if record.lon is not None and record.lat is not None]
    if own:
        points = shapely.points([kept[n][1].lon for n in own], [kept[n][1].lat for n in own])
        found = districts_of(batch.session, shapely.get_x(points), shapely.get_y(points))
        for n, shape, district in zip(own, as_text(points), found, strict=True):
            shapes[n], districts[n] = shape, district
    return shapes, districts


def _upsert(batch: Batch, kept: Numbered, owners: Owners) -> int:
    """Insert new devices, change those that differ; what was left out keeps its value."""
    session = batch.session
    shapes, districts = _places(batch, kept)
    rows = [
        _row(record, owners, shape, district)
        for (_, record), shape, district in zip(kept, shapes, districts, strict=True)
    ]
    name = stage(session, DEVICES, rows)
    columns = ", ".join(DEVICES.columns)
    changing = [column for column in DEVICES.columns if column != "src_code"]
    moved = ", ".join(f"{column} = coalesce(excluded.{column}, old.{column})" for column in changing)
    old = ", ".join(f"old.{column}" for column in changing)
    new = ", ".join(f"coalesce(excluded.{column}, old.{column})" for column in changing)
    given = ", ".join(f"coalesce({column}, false)" if column in _FLAGS else column for column in DEVICES.columns)
    # A flag left out must not turn a known one off: known rows are completed before they are compared.
    for flag in _FLAGS:
        session.execute(
            text(
                f"update {name} i set {flag} = d.{flag} from device d"  # names are constants
                f" where i.{flag} is null and d.enterprise_id = :e and d.src_code = i.src_code"
            ),
            {"e": batch.enterprise_id},
        )
    done = session.execute(
        text(
            f"insert into device as old (enterprise_id, receipt_id, firmware_at, {columns})"
            f" select :e, :receipt, case when firmware is not null then now() end, {given} from {name}"
            f" on conflict (enterprise_id, src_code) do update set {moved}, receipt_id = excluded.receipt_id,"
            " firmware_at = case when excluded.firmware is distinct from old.firmware"
            " then coalesce(excluded.firmware_at, old.firmware_at) else old.firmware_at end"
            f" where ({old}) is distinct from ({new})"
        ),
        {"e": batch.enterprise_id, "receipt": batch.receipt_id},
    )
    unstage(session, name)
    return int(done.rowcount)  # type: ignore[attr-defined]


def _row(record: Device, owners: Owners, shape: str | None, district: str | None) -> tuple[Any, ...]:
    kind, number = owners.get(record.object_code or "", (None, None))
    state_at = instant_of(record.state_at) if record.state_at is not None else None
    head = (record.src_code, record.name, district, record.status, shape, record.kind)
    links = (record.object_code, kind, number, record.gateway, record.replaces, state_at)
    return (*head, *links, *(getattr(record, name) for name in _SAME))


def _note_steps(batch: Batch, kept: Numbered, before: dict[str, int], numbers: dict[str, int]) -> None:
    """Keep each step of a device's life with its time, person and reason."""
    now = utc_now()
    rows = []
    for _, record in kept:
        old = before.get(record.src_code)
        if old == record.status:
            continue
        told = instant_of(record.changed_at) if record.changed_at is not None else None
        begin = datetime.combine(record.installed_on, datetime.min.time(), UTC) if record.installed_on else None
        at = told or (min(begin, now) if begin and old is None else now)
        rows.append(
            {
                "device": numbers[record.src_code], "e": batch.enterprise_id, "old": old, "new": record.status, "at": at,
                "who": record.changed_by, "why": record.change_reason, "document": record.change_document,
                "receipt": batch.receipt_id,
            }
        )  # fmt: skip
    if rows:
        batch.session.execute(
            text(
                "insert into device_step (device_id, enterprise_id, adcode, from_status, to_status, at, said_by, reason,"
                " document, receipt_id) select :device, :e, d.adcode, :old, :new, :at, :who, :why, :document, :receipt"
                " from device d where d.id = :device"
            ),
            rows,
        )
        batch.session.execute(
            text(
                "update device set replaced_at = :now where enterprise_id = :e and status = :gone and replaced_at is null"
                " and id = any(:ids)"
            ),
            {"now": now, "e": batch.enterprise_id, "gone": REMOVED, "ids": [row["device"] for row in rows]},
        )


def _feed_points(batch: Batch, kept: Numbered, numbers: dict[str, int]) -> None:
    """Say which device feeds a point; a device without a place of its own takes that of its first point."""
    wanted = {code for _, record in kept for code in record.points or ()}
    known = ids_of(batch.session, "point", batch.enterprise_id, wanted)
    rows: dict[int, int] = {}
    for index, record in kept:
        for code in record.points or ():
            if code not in known:
                zh, en = f"设备所供测点“{code}”不存在", f"Point {code} fed by the device is unknown"
                lost = _about(record, index, "E_UNKNOWN_OBJECT", "points", zh, en, "R7")
                batch.findings.append(replace(lost, severity="warning"))
            else:
                rows[known[code]] = numbers[record.src_code]
    if not rows:
        return
    session, mine = batch.session, sorted(set(rows.values()))
    session.execute(text("create temp table incoming_feeds (point_id int, device_id bigint) on commit drop"))
    copy_into(session, "incoming_feeds", ("point_id", "device_id"), rows.items())
    session.execute(
        text(
            "update device d set geom = coalesce(d.geom, p.geom), adcode = coalesce(d.adcode, p.adcode) from ("
            " select distinct on (f.device_id) f.device_id, p.geom, p.adcode from incoming_feeds f"
            " join point p on p.id = f.point_id order by f.device_id, f.point_id) p"
            " where d.id = p.device_id and d.id = any(:mine) and (d.geom is null or d.adcode is null)"
        ),
        {"mine": mine},
    )
    session.execute(
        text(
            "insert into device_point as old (point_id, device_id, enterprise_id, adcode)"
            " select f.point_id, f.device_id, :e, d.adcode from incoming_feeds f join device d on d.id = f.device_id"
            " on conflict (point_id) do update set device_id = excluded.device_id, adcode = excluded.adcode"
            " where old.device_id <> excluded.device_id"
        ),
        {"e": batch.enterprise_id},
    )
    session.execute(text("drop table incoming_feeds"))


def _keep_certificates(batch: Batch, kept: Numbered, numbers: dict[str, int]) -> None:
    rows = [
        {
            "device": numbers[record.src_code], "e": batch.enterprise_id, "kind": each.kind, "number": each.number,
            "issuer": each.issuer, "issued": each.issued_on, "expires": each.expires_on, "result": each.result,
            "sm3": each.document_sm3, "receipt": batch.receipt_id,
        }
        for _, record in kept
        for each in record.certificates or ()
    ]  # fmt: skip
    if rows:
        batch.session.execute(
            text(
                "insert into device_certificate (device_id, enterprise_id, adcode, kind, number, issuer, issued_on,"
                " expires_on, result, document_sm3, receipt_id) select :device, :e, d.adcode, :kind, :number, :issuer,"
                " :issued, :expires, :result, :sm3, :receipt from device d where d.id = :device"
                " on conflict (device_id, kind, number) do nothing"
            ),
            rows,
        )


def _replace_former(batch: Batch, kept: Numbered) -> None:
    """Take out of service the devices that others replaced; their certificates are kept from this day on."""
    rows = [
        {"e": batch.enterprise_id, "code": record.replaces, "by": record.src_code, "receipt": batch.receipt_id}
        for _, record in kept
        if record.replaces
    ]
    if rows:
        batch.session.execute(
            text(
                "with former as (select id, status from device where enterprise_id = :e and src_code = :code"
                " and status <> 7 for update), gone as (update device d set status = 7,"
                " replaced_at = coalesce(d.replaced_at, now()) from former f where d.id = f.id"
                " returning d.id, d.adcode, f.status)"
                " insert into device_step (device_id, enterprise_id, adcode, from_status, to_status, at, reason, receipt_id)"
                " select id, :e, adcode, status, 7, now(), :by, :receipt from gone"
            ),
            [row | {"by": f"→ {row['by']}"} for row in rows],
        )


def _find_gateways(batch: Batch, kept: Numbered) -> None:
    """Tie devices to their gateways, also those that came before their gateway did."""
    session, given = batch.session, {"e": batch.enterprise_id}
    session.execute(
        text(
            "update device d set gateway_id = g.id from device g where d.enterprise_id = :e and d.gateway_code is not null"
            " and d.gateway_id is distinct from g.id and g.enterprise_id = :e and g.src_code = d.gateway_code"
            " and (d.src_code = any(:codes) or g.src_code = any(:codes))"
        ),
        given | {"codes": [record.src_code for _, record in kept]},
    )
    # A gateway that came without a place stands where the first device behind it does.
    session.execute(
        text(
            "update device g set geom = near.geom, adcode = coalesce(g.adcode, near.adcode) from ("
            " select distinct on (d.gateway_id) d.gateway_id, d.geom, d.adcode from device d"
            " where d.enterprise_id = :e and d.gateway_id is not null and d.geom is not null order by d.gateway_id, d.id) near"
            " where g.id = near.gateway_id and g.geom is null"
        ),
        given,
    )
    named = {record.gateway for _, record in kept if record.gateway}
    known = ids_of(session, "device", batch.enterprise_id, named)
    for index, record in kept:
        if record.gateway and record.gateway not in known:
            zh, en = f"网关“{record.gateway}”尚未登记", f"Gateway {record.gateway} is not registered yet"
            lost = _about(record, index, "E_UNKNOWN_OBJECT", "gateway", zh, en, "R7")
            batch.findings.append(replace(lost, severity="warning"))

"""The demo's devices and meters: one device a point behind gateways, with life, certificates and firmware; a month of counters."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, Stored, judge_row
from ingestion_adapters.receipts import Batch, Counts, next_receipt_id, write_receipt
from ingestion_adapters.store_network import store_network
from ingestion_adapters.store_readings import columns_of, take_readings
from portal.core.actor import Actor
from portal.core.clock import CITY_ZONE, local
from portal.core.crypto import sm3_hex
from portal.operation.devices.models import FirmwareCampaign

METERS, DAYS = 300, 30
BEHIND_A_GATEWAY = 40
KIND_OF_MEASURE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 21, 7: 7, 8: 8, 9: 9, 10: 10, 11: 11, 12: 2, 13: 1, 14: 4}
# maker, model, former and present firmware, whether it runs on a battery
MAKES = (
    ("川衡仪表", "CH-3051", "2.3.0", "2.4.1", False),
    ("恒测自控", "HC-8800", "1.8.2", "1.9.0", False),
    ("远望物联", "YW-N20", "3.0.4", "3.1.0", True),
)
GATEWAY_MAKE = ("远望物联", "YW-RTU6", "5.2.0", "5.3.1", False)
WORKERS = ("王*", "李*", "赵*", "陈*")


@dataclass(frozen=True)
class _Own:
    """An enterprise of the demo: its number, short key, and the day everything is dated from."""

    id: int
    key: str
    now: datetime

    @property
    def today(self) -> date:
        """Return the day of the city."""
        return local(self.now).date()


def load_devices(session: Session, enterprise_id: int, key: str, *, now: datetime, actor: Actor) -> None:
    """Register the devices of all points in the steps of their life, then meters of some users with a month of counters."""
    own, chance = _Own(enterprise_id, key, now), random.Random(f"devices of {key}")
    points = session.execute(
        text(
            "select src_code, name, object_code, object_type, measure, unit, period_s, range_low, range_high"
            " from point where enterprise_id = :e order by object_type = 'station' desc, object_code, src_code"
        ),
        {"e": enterprise_id},
    ).all()
    rows = [*_gateways(own, len(points), chance), *_devices(own, points, chance)]
    for status, said in ((0, "台账登记"), (1, "安装完成")):
        born = [_born(row, status, said, chance) for row in rows]
        _take(session, own, f"devices-{status}", born)
    _take(session, own, "devices-2", rows)
    _take(session, own, "devices-5", [_repaired(own, row) for row in rows if chance.random() < 0.008])
    _meters(session, own, chance, actor)


def open_campaign(session: Session, now: datetime) -> None:
    """Open the firmware campaign that the demo's enterprises are in the middle of."""
    maker, model, _, target, _ = MAKES[2]
    session.add(
        FirmwareCampaign(
            title="远传终端固件安全升级", maker=maker, model=model, target=target, due_on=local(now).date() + timedelta(days=20),
            reason="旧版本时钟校准存在缺陷，跨日时偶发时间偏移", opened_by="周明（市级监管）", opened_at=now - timedelta(days=12),
        )
    )  # fmt: skip
    session.flush()


def _gateway_code(own: _Own, number: int) -> str:
    return f"{own.key}-WG{number:03}"


def _gateways(own: _Own, points: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(-(-points // BEHIND_A_GATEWAY)):
        row = _made(own, GATEWAY_MAKE, chance) | {
            "src_code": _gateway_code(own, number + 1),
            "name": f"{number + 1}号数据网关",
            "kind": 20,
            "comm": 2 if number % 3 else 1,
            "key_device": True,
            "intelligent": True,
        }
        yield row


def _devices(own: _Own, points: Sequence[Any], chance: random.Random) -> Iterator[dict[str, Any]]:
    for place, point in enumerate(points):
        make = MAKES[2] if point.measure in (3, 9) and point.object_type != "station" else MAKES[place % 2]
        row = _made(own, make, chance) | {
            "src_code": f"{own.key}-SB{place + 1:05}",
            "name": point.name,
            "kind": KIND_OF_MEASURE.get(point.measure, 99),
            "object_code": point.object_code,
            "points": [point.src_code],
            "gateway": _gateway_code(own, place // BEHIND_A_GATEWAY + 1),
            "unit": point.unit,
            "range_low": point.range_low,
            "range_high": point.range_high,
            "accuracy_percent": 0.5 if point.measure == 1 else 1.5,
            "period_s": max(1, point.period_s // 5),
            "upload_s": point.period_s,
            "controlled": point.measure == 6,
            "one_key_shut": point.measure == 6,
            "key_device": point.object_type == "station",
        }
        yield {name: value for name, value in row.items() if value is not None}


def _made(own: _Own, make: tuple[str, str, str, str, bool], chance: random.Random) -> dict[str, Any]:
    """Return what all devices have: maker, firmware, calibration with its certificate, and the step into use."""
    maker, model, former, present, battery = make
    installed = own.today - timedelta(days=chance.randint(200, 2600))
    calibrated = own.today - timedelta(days=chance.choices((chance.randint(5, 362), chance.randint(366, 430)), (96, 4))[0])
    due = calibrated + timedelta(days=365)
    row: dict[str, Any] = {
        "type": "DEV",
        "status": 2,
        "maker": maker,
        "model": model,
        "serial": f"{installed:%y%m}{chance.randint(10_000, 99_999)}",
        "comm": 3 if battery else 1,
        "power": 2 if battery else 1,
        "installed_on": installed.isoformat(),
        "calibrated_on": calibrated.isoformat(),
        "calibration_due_on": due.isoformat(),
        "certificates": [
            {
                "kind": 1, "number": f"JD{calibrated:%Y%m}-{chance.randint(1000, 9999)}-{chance.randint(100, 999)}",
                "issuer": "云川市计量测试所", "issued_on": calibrated.isoformat(), "expires_on": due.isoformat(),
                "result": "合格",
            }
        ],
        "firmware": former if chance.random() < 0.35 else present,
        "state": 1,
        "state_at": own.now.isoformat(),
        "changed_at": datetime.combine(installed + timedelta(days=6), datetime.min.time(), CITY_ZONE).isoformat(),
        "changed_by": chance.choice(WORKERS),
        "change_reason": "验收合格，投入使用",
    }  # fmt: skip
    if battery:
        row |= {"battery_percent": float(chance.randint(35, 100)), "heartbeat_s": 86_400}
    return row


def _born(row: dict[str, Any], status: int, said: str, chance: random.Random) -> dict[str, Any]:
    at = datetime.fromisoformat(row["changed_at"]) - timedelta(days=6 - 3 * status)
    head = {name: row[name] for name in ("type", "src_code", "kind", "installed_on")}
    return head | {
        "status": status, "changed_at": at.isoformat(), "changed_by": chance.choice(WORKERS), "change_reason": said,
    }  # fmt: skip


def _repaired(own: _Own, row: dict[str, Any]) -> dict[str, Any]:
    """Return the step of a device into maintenance two days ago."""
    head = {name: row[name] for name in ("type", "src_code", "kind", "changed_by")}
    at = own.now - timedelta(days=2)
    return head | {"status": 5, "state": 4, "state_at": at.isoformat(), "changed_at": at.isoformat(), "change_reason": "计划检修"}


def _take(session: Session, own: _Own, batch_id: str, rows: Sequence[dict[str, Any]]) -> None:
    """Store rows of NET with their receipt; the demo's data are clean, so a refusal stops the load."""
    receipt_id = next_receipt_id(session)
    judged = [judge_row(row, index, "NET") for index, row in enumerate(rows)]
    stored = store_network(session, own.id, [each for each in judged if not isinstance(each, Finding)], receipt_id)
    _close(session, own, ("NET", batch_id, receipt_id), rows, stored, [each for each in judged if isinstance(each, Finding)])


def _close(
    session: Session, own: _Own, batch: tuple[str, str, int], rows: Sequence[Any], stored: Stored, wrong: Sequence[Finding]
) -> None:
    refused = [*wrong, *(each for each in stored.rejections if each.severity == "error")]
    if refused:
        raise ValueError(f"demo {batch[1]}: {refused[0]}")
    dataset, batch_id, receipt_id = batch
    body = msgspec.json.encode(rows)
    head = Batch(own.id, dataset, f"demo-{batch_id}", "demo", sm3_hex(body), len(body), "demo")
    counts = Counts(len(rows), stored.accepted, stored.duplicate, 0, stored.late)
    write_receipt(session, receipt_id, head, counts, own.now.astimezone(UTC))


def _meters(session: Session, own: _Own, chance: random.Random, actor: Actor) -> None:
    users = session.execute(
        text(
            "select src_code, user_class from gas_user where enterprise_id = :e and status = 1 order by md5(src_code) limit :most"
        ),
        {"e": own.id, "most": METERS},
    ).all()
    rows = [_meter(own, number, user, chance) for number, user in enumerate(users, 1)]
    _take(session, own, "meters", rows)
    counters = [float(chance.randint(40, 4000)) for _ in rows]
    daily = [chance.uniform(0.3, 1.2) if user.user_class in (10, 11) else chance.uniform(8, 60) for user in users]
    midnight = local(own.now).replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(DAYS, -1, -1):
        at, readings = midnight - timedelta(days=back), []
        for place, row in enumerate(rows):
            counters[place] = round(counters[place] + daily[place] * chance.uniform(0.4, 1.5), 2)
            readings.append({"point": row["src_code"], "t": at.isoformat(), "v": counters[place]})
        receipt_id = next_receipt_id(session)
        records = [judge_row(each, 0, "RT") for each in readings]
        stored = take_readings(session, own.id, columns_of(records, []), receipt_id, now=own.now, actor=actor)
        _close(session, own, ("RT", f"counters-{back}", receipt_id), readings, stored, [])


def _meter(own: _Own, number: int, user: Any, chance: random.Random) -> dict[str, Any]:
    home = user.user_class in (10, 11)
    years = chance.choices((chance.randint(1, 8), 10), (97, 3))[0]
    installed = own.today - timedelta(days=365 * years + chance.randint(0, 300))
    return {
        "type": "MTR",
        "src_code": f"{own.key}-B{number:07}",
        "kind": 4 if home else chance.choice((5, 6, 7)),
        "user_no": user.src_code,
        "qmax_m3_per_h": 4.0 if home else 40.0,
        "digits": 5 if home else 7,
        "comm": 3,
        "maker": "天府计量" if number % 3 else "锦江仪表",
        "model": "NB-G2.5" if home else "US-G25",
        "serial": f"{installed:%Y%m}{number:06}",
        "installed_on": installed.isoformat(),
        "expires_on": (installed + timedelta(days=3650)).isoformat(),
        "valve_state": 0 if chance.random() < 0.01 else 1,
    }

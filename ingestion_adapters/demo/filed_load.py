"""Loads the demo's filed records through the stores of every door, each batch with its receipt at its own time."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, judge_row
from ingestion_adapters.deliveries import Delivery
from ingestion_adapters.demo.filed import Batch as Sent
from ingestion_adapters.demo.filed import Ground, Spot, batches
from ingestion_adapters.demo.filed_standing import standing_batches
from ingestion_adapters.demo.identity import DemoEnterprise
from ingestion_adapters.demo.ledger import lost_batch
from ingestion_adapters.receipts import Batch, Counts, next_receipt_id, write_receipt
from ingestion_adapters.stores import STORES
from portal.core.actor import Actor
from portal.core.crypto import sm3_hex

SPOTS = 1500
SIZES = {"YCRQ": 2.0, "JBRQ": 1.3}
_PIPES = """
select src_code, coalesce(road_name, '园区道路') as road, st_x(p) as lon, st_y(p) as lat
from (select src_code, road_name, st_lineinterpolatepoint(geom, 0.5) as p from gas_pipe
      where enterprise_id = :e order by md5(src_code) limit :most) as chosen
"""
_REGULATORS = """
select src_code, coalesce(name, src_code) as road, st_x(geom) as lon, st_y(geom) as lat
from gas_regulator where enterprise_id = :e order by md5(src_code) limit :most
"""


def load_filed(
    session: Session, enterprise_id: int, each: DemoEnterprise, *, now: datetime, actor: Actor, scale: int
) -> None:
    """Store an enterprise's month of records, its readiness, monthly figures, certificates and people.

    The batch that gets lost on its way is left out.
    """
    numbered = sent_batches(session, enterprise_id, each, now=now, scale=scale)
    lost = lost_batch(each.key, numbered, now)
    for number, sent in numbered:
        if lost is None or sent is not lost.sent:
            _take(session, enterprise_id, sent, number, actor)


def sent_batches(
    session: Session, enterprise_id: int, each: DemoEnterprise, *, now: datetime, scale: int
) -> list[tuple[int, Sent]]:
    """Return what an enterprise sends, numbered; its network and users are loaded before."""
    ground = _ground(session, enterprise_id, each.key)
    return list(enumerate([*standing_batches(ground, each.profile, now, scale), *batches(ground, now)]))


def _ground(session: Session, enterprise_id: int, key: str) -> Ground:
    given = {"e": enterprise_id, "most": SPOTS}
    pipes, regulators = (
        [
            Spot(row.src_code, round(row.lon, 6), round(row.lat, 6), row.road)
            for row in session.execute(text(sql), given)
        ]
        for sql in (_PIPES, _REGULATORS)
    )
    users = session.scalars(
        text("select src_code from gas_user where enterprise_id = :e order by md5(src_code) limit :most"), given
    )
    return Ground(key, pipes, regulators, list(users), SIZES.get(key, 1.0))


def _take(session: Session, enterprise_id: int, sent: Sent, number: int, actor: Actor) -> None:
    """Store one batch; the demo's records are clean, so a finding stops the load."""
    body = json.dumps(sent.rows, ensure_ascii=False).encode()
    judged = [judge_row(row, index, sent.dataset) for index, row in enumerate(sent.rows)]
    wrong = [each for each in judged if isinstance(each, Finding)]
    receipt_id, at = next_receipt_id(session), sent.at.astimezone(UTC)
    stored = STORES[sent.dataset](session, Delivery(enterprise_id, receipt_id, at, actor), judged)
    if wrong or stored.rejections:
        raise ValueError(f"demo {sent.dataset}: {[*wrong, *stored.rejections][0]}")
    batch = Batch(
        enterprise_id, sent.dataset, f"demo-{sent.dataset}-{number}", "demo", sm3_hex(body), len(body), "demo"
    )
    write_receipt(
        session, receipt_id, batch, Counts(len(judged), stored.accepted, stored.duplicate, 0, stored.late), at
    )

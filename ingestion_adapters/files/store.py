"""A judged delivery into the database: good rows stored, findings kept, one receipt, topology rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.basemap.queries import city_area
from gis.network.rules import Limits
from gis.network.topology_store import Topology, build_topology
from ingestion_adapters.checks import Finding as RowFinding
from ingestion_adapters.contract import User
from ingestion_adapters.files.findings import Finding
from ingestion_adapters.files.joining import Place
from ingestion_adapters.files.judge import Judged
from ingestion_adapters.intake import announce_intake
from ingestion_adapters.receipts import (
    Batch,
    Counts,
    open_batch,
    write_findings,
    write_receipt,
)
from ingestion_adapters.store_network import store_network
from ingestion_adapters.store_users import store_users
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.crypto import PROVIDER
from portal.core.errors import Conflict, Invalid

SHOWN_DIGEST = 24


@dataclass(frozen=True)
class Stored:
    """What became of a delivery."""

    receipt_id: int
    accepted: int
    unchanged: int
    quarantined: int
    refused_on_storing: int
    topology: Topology


def known_nodes(session: Session, enterprise_id: int) -> dict[str, Place]:
    """Return the enterprise's stored nodes, code to (lon, lat), so that a delivery may refer to them."""
    rows = session.execute(
        text("select src_code, st_x(geom), st_y(geom) from gas_node where enterprise_id = :id"), {"id": enterprise_id}
    )
    return {code: (lon, lat) for code, lon, lat in rows}


def limits_of_city(session: Session) -> Limits:
    """Return the limits of the rules with the area of the city as its district boundaries say (R16)."""
    return Limits(area=city_area(session))


def digest_of(paths: Sequence[Path]) -> tuple[str, int]:
    """Return one SM3 over all files of a delivery in the order of their names, and their bytes."""
    whole, size = b"", 0
    for path in sorted(paths, key=lambda each: each.name):
        body = path.read_bytes()
        whole += PROVIDER.sm3(body)
        size += len(body)
    return PROVIDER.sm3(whole).hex(), size


def store_delivery(
    session: Session,
    enterprise_id: int,
    judged: Judged,
    paths: Sequence[Path],
    *,
    door: str,
    actor: Actor,
    now: datetime,
) -> Stored:
    """Store a judged delivery; raise Invalid when its coordinate system is unknown, Conflict when it came before."""
    if judged.needs_crs:
        raise Invalid("crs_must_be_given", evidence=judged.crs_evidence.get("en", ""))
    digest, size = digest_of(paths)
    batch_id = f"{door}-{digest[:SHOWN_DIGEST]}"
    batch = Batch(
        enterprise_id=enterprise_id,
        dataset="NET",
        batch_id=batch_id,
        door=door,
        body_sm3=digest,
        body_bytes=size,
        app_id=actor.name,
        files=judged.files,
        crs=judged.crs,
        crs_evidence=judged.crs_evidence.get("zh"),
    )
    opened = open_batch(session, batch, None, now)
    if opened.known is not None:
        raise Conflict("delivery_known", receipt_id=opened.known.id)
    receipt_id = opened.receipt_id
    users = [each for each in judged.records if isinstance(each, User)]
    objects = [each for each in judged.records if not isinstance(each, User)]
    network = store_network(session, enterprise_id, objects, receipt_id)
    people = store_users(session, enterprise_id, users, receipt_id) if users else None
    late = [*network.rejections, *(people.rejections if people else [])]
    accepted = network.accepted + (people.accepted if people else 0)
    unchanged = network.duplicate + (people.duplicate if people else 0)
    counts = Counts(
        rows=judged.counts.rows, accepted=accepted, duplicate=unchanged, rejected=judged.counts.quarantined + len(late)
    )
    write_receipt(session, receipt_id, batch, counts, now)
    write_findings(session, receipt_id, enterprise_id, [*map(as_row_finding, judged.findings), *late])
    topology = build_topology(session, enterprise_id)
    after = {"files": judged.files, "accepted": accepted, "rejected": counts.rejected, "crs": judged.crs}
    record(
        session,
        actor,
        "network.import",
        object_type="receipt",
        object_id=receipt_id,
        enterprise_id=enterprise_id,
        after=after,
    )
    announce_intake(session, enterprise_id, receipt_id)
    return Stored(receipt_id, accepted, unchanged, judged.counts.quarantined, len(late), topology)


def as_row_finding(found: Finding) -> RowFinding:
    """Return a file's finding as it is kept in quarantine."""
    return RowFinding(
        row=found.row,
        code=found.code,
        zh=found.message_zh,
        en=found.message_en,
        field=found.field or None,
        object_code=found.object or None,
        rule=found.rule or None,
        raw=found.raw or None,
        severity=found.severity,
        file=found.file,
    )

"""Reading mappings: the one in force, its versions, and the messages kept as sent."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ingestion_adapters.mapping.models import EnterpriseMapping, RawMessage
from ingestion_adapters.mapping.rules import MEASURED, PointFacts, Translation, translation_of

KEPT_S, FRESH_S = 5.0, 0.2
LISTED = 50


@dataclass
class _Heard:
    """What is remembered of an enterprise for a few seconds; no mapping when it speaks as we do."""

    since_s: float
    mapping_id: int | None = None
    body: dict[str, Any] = field(default_factory=dict)
    ready: dict[str, Translation | None] = field(default_factory=dict)


_heard: dict[int, _Heard] = {}


@dataclass(frozen=True)
class Spoken:
    """The translation in force for one dataset and the version it was made from."""

    mapping_id: int
    translation: Translation


def spoken_by(session: Session, enterprise_id: int, dataset: str, *, fresh: bool = False) -> Spoken | None:
    """Return how an enterprise words a dataset, None when it uses our words; remembered for five seconds."""
    heard = _heard.get(enterprise_id)
    if heard is None or time.monotonic() - heard.since_s > (FRESH_S if fresh else KEPT_S):
        heard = _heard[enterprise_id] = _load(session, enterprise_id, heard)
    if heard.mapping_id is None:
        return None
    if dataset not in heard.ready:
        points = points_of(session, enterprise_id) if dataset in MEASURED and needs_points(heard.body) else None
        heard.ready[dataset] = translation_of(heard.body, dataset, points)
    found = heard.ready[dataset]
    return None if found is None else Spoken(heard.mapping_id, found)


def forget(enterprise_id: int) -> None:
    """Forget what is remembered of an enterprise, after a new version was saved."""
    _heard.pop(enterprise_id, None)


def _load(session: Session, enterprise_id: int, before: _Heard | None) -> _Heard:
    found = session.execute(
        text(
            "select id from enterprise_mapping where enterprise_id = :e and valid_from <= now()"
            " order by valid_from desc, version desc limit 1"
        ),
        {"e": enterprise_id},
    ).scalar()
    if found is None:
        return _Heard(time.monotonic())
    if before is not None and before.mapping_id == found:
        kept = {
            name: each for name, each in before.ready.items() if name not in MEASURED or not needs_points(before.body)
        }
        return _Heard(time.monotonic(), found, before.body, kept)
    return _Heard(time.monotonic(), found, session.get_one(EnterpriseMapping, found).body)


def needs_points(body: dict[str, Any]) -> bool:
    """Return whether RT of a mapping has units, for which the register's own units are needed."""
    rules = body.get("datasets", {}).get("RT", {})
    units = (rule.get("unit") for rule in rules.get("points", {}).values() if isinstance(rule, dict))
    return bool(rules.get("units")) or any(units)


def points_of(session: Session, enterprise_id: int) -> dict[str, PointFacts]:
    """Return code -> measure and unit of an enterprise's points."""
    rows = session.execute(
        text("select src_code, measure, unit from point where enterprise_id = :e"), {"e": enterprise_id}
    )
    return {code: PointFacts(measure, unit) for code, measure, unit in rows}


def versions_of(session: Session, enterprise_id: int) -> list[EnterpriseMapping]:
    """Return the newest versions of an enterprise's mapping, newest first."""
    wanted = select(EnterpriseMapping).where(EnterpriseMapping.enterprise_id == enterprise_id)
    return list(session.scalars(wanted.order_by(EnterpriseMapping.version.desc()).limit(LISTED)))


def mapping_in_force(session: Session, enterprise_id: int, now: datetime) -> EnterpriseMapping | None:
    """Return the version that holds now, None when there is none."""
    wanted = select(EnterpriseMapping).where(
        EnterpriseMapping.enterprise_id == enterprise_id, EnterpriseMapping.valid_from <= now
    )
    order = (EnterpriseMapping.valid_from.desc(), EnterpriseMapping.version.desc())
    return session.scalar(wanted.order_by(*order).limit(1))


def raw_message(session: Session, receipt_id: int) -> RawMessage | None:
    """Return the message of a receipt as sent, None when it was not mapped or is retired."""
    return session.scalar(select(RawMessage).where(RawMessage.receipt_id == receipt_id))


def is_kept_as_sent(session: Session, receipt_id: int) -> bool:
    """Return whether a receipt's message is kept as sent."""
    return session.scalar(select(RawMessage.receipt_id).where(RawMessage.receipt_id == receipt_id)) is not None

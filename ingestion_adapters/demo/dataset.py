"""The one door to the demo city's records: by enterprise and dataset, for any scale."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from ingestion_adapters.contract import Record
from ingestion_adapters.demo.daily import supply_records
from ingestion_adapters.demo.frame import checked_scale
from ingestion_adapters.demo.identity import enterprise_named
from ingestion_adapters.demo.netrecords import network_records
from ingestion_adapters.demo.points import point_records
from ingestion_adapters.demo.users import user_records

SCALE_SETTING = "PORTAL_DEMO_SCALE"


def scale_from_env() -> int:
    """Return the scale the settings ask for; raise ValueError outside 1..100."""
    return checked_scale(int(os.environ.get(SCALE_SETTING, "1")))


def records(enterprise: str, dataset: str, scale: int = 1, now: datetime | None = None) -> Iterator[Record]:
    """Yield one enterprise's records of ENT, NET, USR or DAY; raise KeyError for any other.

    NET comes in the order nodes, stations, pipes, valves, regulators, points of each tile, so that
    nothing refers to what has not been sent. Readings come from `history`.
    """
    known = enterprise_named(enterprise)
    if dataset == "ENT":
        yield known.profile
    elif dataset == "NET":
        for tile in range(checked_scale(scale)):
            yield from network_records(known.key, tile)
            yield from point_records(known.key, tile)
    elif dataset == "USR":
        for tile in range(checked_scale(scale)):
            yield from user_records(known.key, tile)
    elif dataset == "DAY":
        yield from supply_records(known.key, now or datetime.now(UTC), scale=scale)
    else:
        raise KeyError(dataset)

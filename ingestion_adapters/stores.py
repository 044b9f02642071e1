"""Which function stores the records of which dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from ingestion_adapters.checks import Stored
from ingestion_adapters.deliveries import Delivery
from ingestion_adapters.store_alarms import store_alarms
from ingestion_adapters.store_enterprise import store_days, store_profile
from ingestion_adapters.store_network import store_network
from ingestion_adapters.store_records import store_records
from ingestion_adapters.store_users import store_users

__all__ = ["STORES", "Delivery", "Store"]

Store = Callable[[Session, Delivery, Sequence[Any]], Stored]


def _network(session: Session, given: Delivery, records: Sequence[Any]) -> Stored:
    return store_network(session, given.enterprise_id, records, given.receipt_id)


def _users(session: Session, given: Delivery, records: Sequence[Any]) -> Stored:
    return store_users(session, given.enterprise_id, records, given.receipt_id)


def _profile(session: Session, given: Delivery, records: Sequence[Any]) -> Stored:
    return store_profile(session, given, records)


def _days(session: Session, given: Delivery, records: Sequence[Any]) -> Stored:
    return store_days(session, given.enterprise_id, records, given.receipt_id, now=given.now)


def _alarms(session: Session, given: Delivery, records: Sequence[Any]) -> Stored:
    return store_alarms(session, given.enterprise_id, records, given.receipt_id, now=given.now, actor=given.actor)


FILED = ("MTH", "PAT", "CHK", "HAZ", "EXC", "EVT", "DRL")
STORES: dict[str, Store] = {
    "ENT": _profile,
    "NET": _network,
    "USR": _users,
    "DAY": _days,
    "ALM": _alarms,
} | dict.fromkeys(FILED, store_records)

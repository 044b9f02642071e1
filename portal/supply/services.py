"""Daily supply of an enterprise: one row a gas day, changed when the enterprise sends it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.supply.rules import SupplyDay

_COLUMNS = tuple(item.name for item in fields(SupplyDay))
_FIGURES = _COLUMNS[1:]
_PUT = text(
    f"insert into daily_supply as old (enterprise_id, receipt_id, {', '.join(_COLUMNS)})"  # constant names
    f" values (:enterprise_id, :receipt_id, {', '.join(':' + name for name in _COLUMNS)})"
    " on conflict (enterprise_id, gas_day) do update set receipt_id = excluded.receipt_id, updated_at = now(), "
    + ", ".join(f"{name} = excluded.{name}" for name in _FIGURES)
    + f" where ({', '.join('old.' + name for name in _FIGURES)})"
    f" is distinct from ({', '.join('excluded.' + name for name in _FIGURES)})"
)


def put_days(session: Session, enterprise_id: int, days: Sequence[SupplyDay], receipt_id: int) -> int:
    """Store the days; return how many were new or changed."""
    written = 0
    for day in sorted(days, key=lambda item: item.gas_day):
        facts = dict(zip(_COLUMNS, astuple(day), strict=True))
        done = session.execute(_PUT, facts | {"enterprise_id": enterprise_id, "receipt_id": receipt_id})
        written += int(done.rowcount)  # type: ignore[attr-defined]
    return written

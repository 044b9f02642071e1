"""Reading daily supply."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.supply.models import DailySupply
from portal.supply.rules import SupplyDay


def days_between(session: Session, enterprise_id: int, first: date, last: date) -> list[SupplyDay]:
    """Return the enterprise's gas days from `first` to `last`, both included, in order."""
    wanted = (
        select(DailySupply)
        .where(DailySupply.enterprise_id == enterprise_id, DailySupply.gas_day.between(first, last))
        .order_by(DailySupply.gas_day)
    )
    return [
        SupplyDay(
            row.gas_day, row.purchased_m3, row.sold_m3, row.stored_m3, row.linepack_m3, row.own_use_m3, row.max_hour_m3
        )
        for row in session.scalars(wanted)
    ]

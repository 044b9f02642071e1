"""Reads of second values: what a point or a receipt brought for instants that have a value already."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gis.network.queries import scope_filter
from portal.core.actor import Scope
from portal.operation.telemetry.models import Point, ReadingConflict

PAGE_ROWS = 50


@dataclass(frozen=True)
class SecondValue:
    """A second value with its point."""

    fact: ReadingConflict
    point: Point


def second_values_of_point(session: Session, scope: Scope, point_id: int) -> list[SecondValue]:
    """Return the newest second values of a point."""
    return _found(session, scope, ReadingConflict.point_id == point_id)


def second_values_of_receipt(session: Session, scope: Scope, receipt_id: int) -> list[SecondValue]:
    """Return the second values a receipt's batch brought, refused or put in place of others."""
    return _found(session, scope, ReadingConflict.second_receipt_id == receipt_id)


def _found(session: Session, scope: Scope, wanted: ColumnElement[bool]) -> list[SecondValue]:
    rows = session.execute(
        select(ReadingConflict, Point)
        .join(Point, Point.id == ReadingConflict.point_id)
        .where(wanted, scope_filter(Point, scope))
        .order_by(ReadingConflict.at.desc(), ReadingConflict.id.desc())
        .limit(PAGE_ROWS)
    )
    return [SecondValue(fact, point) for fact, point in rows]

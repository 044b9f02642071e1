"""The scope of who asks as a condition of a query; the row policies of the database say it again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false, or_, true

from portal.core.actor import Scope


def in_scope(scope: Scope, enterprise_id: Any, adcode: Any) -> ColumnElement[bool]:
    """Return the condition that a row of this enterprise and district column lies in the scope."""
    if scope.whole_city:
        return true()
    parts: list[ColumnElement[bool]] = []
    if scope.enterprise_ids:
        parts.append(enterprise_id.in_(scope.enterprise_ids))
    if scope.adcodes:
        parts.append(adcode.in_(scope.adcodes))
    return or_(*parts) if parts else false()

"""Columns of what enterprises file under numbers of their own; owns no table.

A column's comment is what pages say of it: `中文 / English`, then its unit, `masked` or
`code <dictionary>` after a semicolon. Former states lie in `<name>_history`, written by a trigger.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Boolean, DateTime, ForeignKey, Identity, Text, func, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from gis.crs import STORAGE_SRID


class Filed:
    """Columns of every record an enterprise files: its number, where it belongs, and when it came."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="序号 / Number inside the portal", sort_order=-20)
    record_no: Mapped[str] = mapped_column(Text, comment="编号 / Number", sort_order=-18)
    adcode: Mapped[str | None] = mapped_column(Text, comment="行政区 / District", sort_order=-17)
    changed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="状态时间 / Time of this state", sort_order=85)
    late: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="迟报 / Filed late", sort_order=86)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="首次接收 / First received", sort_order=87)
    receipt_id: Mapped[int] = mapped_column(BigInteger, comment="回执 / Receipt of the last change", sort_order=90)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="本状态起 / This state holds from", sort_order=91)
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="本状态止 / Until, set in the history table", sort_order=92)

    @declared_attr
    def enterprise_id(cls) -> Mapped[int]:
        """Return the owning enterprise's column."""
        return mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="企业 / Enterprise", sort_order=-19)


class Placed(Filed):
    """Columns of a record about a place: a place of its own, an object of the network, or both."""

    object_code: Mapped[str | None] = mapped_column(Text, comment="对象编号 / Object code", sort_order=80)
    object_type: Mapped[str | None] = mapped_column(Text, comment="对象类型 / Kind of object", sort_order=81)
    object_id: Mapped[int | None] = mapped_column(BigInteger, comment="对象序号 / Number of the object inside the portal", sort_order=82)
    place: Mapped[str | None] = mapped_column(Text, comment="地点 / Place", sort_order=83)

    @declared_attr
    def geom(cls) -> Mapped[Any]:
        """Return the place's column."""
        kind = Geometry("POINT", srid=STORAGE_SRID, spatial_index=True)
        return mapped_column(kind, nullable=True, comment="位置 / Position, CGCS2000", sort_order=84)

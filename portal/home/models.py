"""Places of the map that a person keeps; owns map_bookmark."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class MapBookmark(Base):
    """A state of the map under a name; seen by its owner only."""

    __tablename__ = "map_bookmark"
    __table_args__ = (
        UniqueConstraint("user_id", "name"),
        {"comment": "地图书签 / states of the map that a person keeps"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), comment="whose")
    name: Mapped[str] = mapped_column(Text, comment="what the owner calls it")
    state: Mapped[str] = mapped_column(Text, comment="fragment of the map's address: centre, zoom, theme, layers, selection")
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="kept since")

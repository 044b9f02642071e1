"""The base map: districts, roads, water, green and buildings; owns base_district, base_road, base_water, base_green, base_building."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Identity, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from gis.crs import STORAGE_SRID
from portal.core.db import Base


def geometry(kind: str) -> Geometry:
    """Return a geometry column type in the storage system, with its GiST index."""
    return Geometry(kind, srid=STORAGE_SRID, spatial_index=True)


class District(Base):
    """A district of the city."""

    __tablename__ = "base_district"
    __table_args__ = {"comment": "行政区划 / districts"}

    adcode: Mapped[str] = mapped_column(Text, primary_key=True, comment="GB/T 2260 code, six digits")
    name_zh: Mapped[str] = mapped_column(Text, comment="名称")
    name_en: Mapped[str] = mapped_column(Text, comment="English name")
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"), comment="area, CGCS2000")
    label: Mapped[Any] = mapped_column(Geometry("POINT", srid=STORAGE_SRID, spatial_index=False), comment="place of the name")


class Road(Base):
    """A road."""

    __tablename__ = "base_road"
    __table_args__ = {"comment": "道路 / roads"}

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    name: Mapped[str | None] = mapped_column(Text, comment="路名")
    road_class: Mapped[int] = mapped_column(SmallInteger, comment="1 expressway, 2 arterial, 3 secondary, 4 local")
    geom: Mapped[Any] = mapped_column(geometry("LINESTRING"), comment="centre line, CGCS2000")


class Water(Base):
    """Water."""

    __tablename__ = "base_water"
    __table_args__ = {"comment": "水系 / water"}

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    name: Mapped[str | None] = mapped_column(Text, comment="名称")
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"), comment="area, CGCS2000")


class Green(Base):
    """A park or other green space."""

    __tablename__ = "base_green"
    __table_args__ = {"comment": "绿地 / green space"}

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    name: Mapped[str | None] = mapped_column(Text, comment="名称")
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"), comment="area, CGCS2000")


class Building(Base):
    """A building."""

    __tablename__ = "base_building"
    __table_args__ = {"comment": "建筑 / buildings"}

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    name: Mapped[str | None] = mapped_column(Text, comment="名称")
    kind: Mapped[str | None] = mapped_column(Text, comment="residential, commercial, school, hospital, industrial …")
    height_m: Mapped[int] = mapped_column(Integer, server_default="0", comment="height, m")
    geom: Mapped[Any] = mapped_column(geometry("POLYGON"), comment="outline, CGCS2000")

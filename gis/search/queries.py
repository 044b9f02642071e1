"""Search: numbers of what fits words in Chinese, in pinyin or by code; the database keeps to the signed scope."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

STEMS_MOST = 40


@dataclass(frozen=True)
class Road:
    """A road by its name, and the middle of its longest part."""

    name: str
    lon: float
    lat: float


@dataclass(frozen=True)
class District:
    """A district by its name, and the place of its label."""

    adcode: str
    name: str
    lon: float
    lat: float


_ROADS = """
select distinct on (s.place, r.name) r.name, ST_X(m.p) as lon, ST_Y(m.p) as lat
from unnest(stems_of(:words, :stems)) with ordinality s(stem, place)
join base_road r on lower(r.name) ~>=~ s.stem and lower(r.name) ~<~ (s.stem || chr(1114111))
cross join lateral (select ST_LineInterpolatePoint(r.geom, 0.5) as p) m
order by s.place, r.name, ST_Length(r.geom) desc limit :most
"""
_DISTRICTS = """
select d.adcode, case when :english then d.name_en else d.name_zh end as name, ST_X(d.label) as lon, ST_Y(d.label) as lat
from base_district d where lower(d.name_zh) = any(stems_of(:words, :stems)) or lower(d.name_en) = lower(:words)
  or d.adcode = :words order by d.adcode limit :most
"""


def numbers_in_layer(session: Session, layer: str, words: str, most: int) -> list[int]:
    """Return numbers of objects of a layer that fit, best first."""
    rows = session.execute(
        text("select id from search_layer(:layer, :words, :most) order by fit"),
        {"layer": layer, "words": words, "most": most},
    )
    return [row.id for row in rows]


def roads_named(session: Session, words: str, most: int) -> list[Road]:
    """Return roads whose name holds the words or their pinyin."""
    rows = session.execute(text(_ROADS), {"words": words, "stems": STEMS_MOST, "most": most})
    return [Road(row.name, row.lon, row.lat) for row in rows]


def districts_named(session: Session, words: str, language: str, most: int) -> list[District]:
    """Return districts of this name, in Chinese, pinyin or English, or of this code."""
    values = {"words": words, "stems": STEMS_MOST, "most": most, "english": language.startswith("en")}
    rows = session.execute(text(_DISTRICTS), values)
    return [District(row.adcode, row.name, row.lon, row.lat) for row in rows]

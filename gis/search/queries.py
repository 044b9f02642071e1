"""Search: numbers of what fits words in Chinese, in pinyin or by code; the database keeps to the signed scope."""

from __future__ import annotations

from collections.abc import Sequence
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
from unnest(cast(:stems as text[])) with ordinality s(stem, place)
join base_road r on lower(r.name) ~>=~ s.stem and lower(r.name) ~<~ (s.stem || chr(1114111))
cross join lateral (select ST_LineInterpolatePoint(r.geom, 0.5) as p) m
order by s.place, r.name, ST_Length(r.geom) desc limit :most
"""
_DISTRICTS = """
select d.adcode, case when :english then d.name_en else d.name_zh end as name, ST_X(d.label) as lon, ST_Y(d.label) as lat
from base_district d where lower(d.name_zh) = any(cast(:stems as text[])) or lower(d.name_en) = lower(:words)
  or d.adcode = :words order by d.adcode limit :most
"""


def stems_of(session: Session, words: str) -> list[str]:
    """Return the heads of names and addresses that hold the words or their pinyin, best first."""
    return list(session.scalar(text("select stems_of(:words, :most)"), {"words": words, "most": STEMS_MOST}) or [])


def numbers_by_layer(
    session: Session, layers: Sequence[str], words: str, stems: list[str], most: int
) -> dict[str, list[int]]:
    """Return layer -> numbers of objects that fit, best first; the row scope is the transaction's own."""
    rows = session.execute(
        text(
            "select kind, hit.id from unnest(cast(:layers as text[])) with ordinality k(kind, place) "
            "cross join lateral search_among(kind, :words, :most, cast(:stems as text[])) hit order by k.place, hit.fit"
        ),
        {"layers": list(layers), "words": words, "most": most, "stems": stems},
    )
    found: dict[str, list[int]] = {}
    for kind, number in rows:
        found.setdefault(kind, []).append(number)
    return found


def roads_named(session: Session, stems: list[str], most: int) -> list[Road]:
    """Return roads whose name begins with a stem."""
    rows = session.execute(text(_ROADS), {"stems": stems, "most": most})
    return [Road(row.name, row.lon, row.lat) for row in rows]


def districts_named(session: Session, words: str, stems: list[str], language: str, most: int) -> list[District]:
    """Return districts of this name, in Chinese, pinyin or English, or of this code."""
    values = {"words": words, "stems": stems, "most": most, "english": language.startswith("en")}
    rows = session.execute(text(_DISTRICTS), values)
    return [District(row.adcode, row.name, row.lon, row.lat) for row in rows]

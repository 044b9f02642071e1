"""Stations side by side: cards with state and key values, their groups, and sums over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.core.codes import word_of
from portal.operation.stations.pictures import picture_of
from portal.operation.stations.queries import decided_slots, points_of_stations
from portal.operation.stations.values import Totals, by_role, instruments_of, totals_of

ROLES = ("in", "out", "flow", "level")
SHOWN_MOST = 3


@dataclass(frozen=True)
class Card:
    """A station with its state and what its instruments show."""

    id: int
    name: str
    kind: int
    kind_word: str
    picture: str
    adcode: str | None
    enterprise_id: int
    enterprise: str
    attended: bool
    totals: Totals
    instruments: Mapping[str, Mapping[str, Any]]
    keys: list[Mapping[str, Any]]

    @property
    def tone(self) -> str:
        """Return how it stands: alarm, stale, bad, empty or calm."""
        if self.totals.level:
            return "alarm"
        if not self.totals.points:
            return "empty"
        return "stale" if self.totals.stale else "bad" if self.totals.bad else "calm"


def cards_of(session: Session, rows: Sequence[Any], now: datetime, language: str) -> list[Card]:
    """Return the cards of stations that the caller has looked up within his scope."""
    ids = [row.id for row in rows]
    points, decided = points_of_stations(session, ids), decided_slots(session, ids)
    found = []
    for row in rows:
        picture = picture_of(row.kind)
        instruments = instruments_of(picture, points[row.id], decided.get(row.id, {}), now, language)
        roles = by_role(instruments)
        found.append(
            Card(
                id=row.id, name=row.name or row.src_code, kind=row.kind, picture=picture.key,
                kind_word=word_of("station_kind", row.kind, language), adcode=row.adcode,
                enterprise_id=row.enterprise_id, enterprise=row.enterprise, attended=row.attended,
                totals=totals_of(points[row.id], now), instruments=instruments,
                keys=[roles[each] for each in ROLES if each in roles][:SHOWN_MOST],
            )
        )  # fmt: skip
    return found


def grouped(cards: Sequence[Card], way: str, districts: Mapping[str, str], language: str) -> list[dict[str, Any]]:
    """Return the cards in groups by kind, enterprise or district: title, key of the group's page, cards, worst first."""
    found: dict[Any, dict[str, Any]] = {}
    for card in cards:
        key: Any = {"kind": card.kind, "enterprise": card.enterprise_id, "district": card.adcode or ""}[way]
        title = {
            "kind": card.kind_word, "enterprise": card.enterprise,
            "district": districts.get(card.adcode or "", card.adcode or gettext("No district")),
        }[way]  # fmt: skip
        group = found.setdefault(key, {"key": key, "title": title, "cards": []})
        group["cards"].append(card)
    for group in found.values():
        group["sums"] = sums_of(group["cards"])
    return list(found.values())


def sums_of(cards: Sequence[Card]) -> dict[str, int]:
    """Return how many stations there are, in alarm, with stale or bad values, calm, and without points."""
    return {
        "stations": len(cards),
        "alarm": sum(card.totals.level > 0 for card in cards),
        "alarms": sum(card.totals.alarms for card in cards),
        "stale": sum(card.totals.stale > 0 for card in cards),
        "bad": sum(card.totals.bad > 0 for card in cards),
        "calm": sum(card.totals.calm for card in cards),
        "empty": sum(card.totals.points == 0 for card in cards),
        "worst": min((card.totals.level for card in cards if card.totals.level), default=0),
    }

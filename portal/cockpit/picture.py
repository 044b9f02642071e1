"""The map in the middle of the cockpit: the network in its four colours with stations and open alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from gis.basemap.queries import city_box
from gis.network.queries import served_box
from portal.cockpit.board import Place
from portal.core.actor import Actor
from portal.home.risk_theme import offer_risk
from portal.home.themes import themes_of
from portal.operation.telemetry.queries import enterprise_names

if TYPE_CHECKING:
    from gis.maps import WallMap

LAYERS = ("district", "district_label", "water", "green", "road", "pipe", "station", "alarm")


def wall_map(session: Session, actor: Actor, place: Place) -> WallMap:
    """Return the folium map of the cockpit; without risk rights the pipes wear their pressure classes."""
    from gis.maps import WallMap  # noqa: PLC0415  # folium takes seconds: the web process alone loads it

    theme = offer_risk(session, actor) or themes_of(session, actor, enterprise_names(session))[0]
    box = served_box(session, place.scope) or city_box(session)
    west, south, east, north = box
    names = [name for name in LAYERS if name != "alarm" or actor.may("alarm.read")]
    return WallMap(
        center=((west + east) / 2, (south + north) / 2), zoom=11, bounds=box, theme=theme.facts(), sources=names
    )

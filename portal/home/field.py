"""Devices and outages where subsystems are mixed: in the drawer of an object, and on the home page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.core.actor import Actor
from portal.core.codes import word_of
from portal.operation.devices.labels import state_tone
from portal.operation.devices.queries import devices_of_object

SHOWN = 12


def devices_about(session: Session, actor: Actor, layer: str, object_id: int, language: str) -> list[dict[str, Any]]:
    """Return the section of the drawer that lists the devices of an object; none without devices or the right."""
    if not actor.may("alarm.read"):
        return []
    found = devices_of_object(session, actor.scope, layer, object_id)
    if not found:
        return []
    lines = [
        {
            "url": f"/operation/devices/{each.id}",
            "text": f"{word_of('device_kind', each.kind, language)} {each.name or each.src_code}",
            "tag": word_of("sensor_state", each.state, language) or word_of("life_status", each.status, language),
            "tone": state_tone(each.state),
            "at": each.state_at,
        }
        for each in found[:SHOWN]
    ]
    title = _("Devices") if len(found) <= SHOWN else f"{_('Devices')} ({len(found)})"
    return [{"title": title, "lines": lines}]

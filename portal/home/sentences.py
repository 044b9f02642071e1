"""The sentences of this feature's errors."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

SENTENCES: dict[str, Callable[..., str]] = {
    "map_layer": lambda **_facts: _("There is no layer of this name."),
    "map_object": lambda **_facts: _("This object does not exist, or lies outside your area."),
    "tile_layer": lambda **_facts: _("There is no layer of this name."),
    "tile_place": lambda **_facts: _("There is no such tile."),
    "point": lambda **_facts: _("This monitoring point does not exist, or lies outside your area."),
    "bad_time": lambda value="", **_facts: _("“%(value)s” is not a time.", value=value),
    "bad_number": lambda value="", **_facts: _("“%(value)s” is not a number.", value=value),
}

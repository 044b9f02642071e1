"""The sentences of this feature's errors."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

SENTENCES: dict[str, Callable[..., str]] = {
    "map_layer": lambda **_facts: _("There is no layer of this name."),
    "map_object": lambda **_facts: _("This object does not exist, or lies outside your area."),
    "area_unreadable": lambda value="", **_facts: _("The area cannot be read at “%(value)s”.", value=value),
    "area_few_corners": lambda **_facts: _("An area needs two corners of a box, or three corners and more."),
    "area_many_points": lambda most=0, **_facts: _("The area has too many corners; at most %(n)s are taken.", n=most),
    "area_not_degrees": lambda value="", **_facts: _(
        "“%(value)s” is no place: longitude comes first, up to 180 degrees, then latitude, up to 90.", value=value
    ),
    "area_crosses_itself": lambda where="", **_facts: _("The outline crosses itself at %(where)s.", where=where),
    "area_empty": lambda **_facts: _("The corners lie on one line: they enclose nothing."),
    "area_elsewhere": lambda **_facts: _(
        "The area lies outside the city. Check that longitude comes first, and the signs of the degrees."
    ),
    "area_too_much": lambda limit_s=0, **_facts: _(
        "The area holds too much to count within %(n)s seconds. Draw a smaller one.", n=limit_s
    ),
    "handout_format": lambda value="", **_facts: _("There is no file format “%(value)s”.", value=value),
    "handout_system": lambda value="", **_facts: _("There is no coordinate system “%(value)s”.", value=value),
    "handout_too_large": lambda most=0, **_facts: _(
        "One file of this kind holds at most %(n)s objects. Narrow the filter or the area.", n=most
    ),
    "bookmark_name": lambda most=0, **_facts: _("A bookmark needs a name of at most %(n)s characters.", n=most),
    "bookmark_state": lambda **_facts: _("This is no state of the map."),
    "bookmark_many": lambda most=0, **_facts: _("You keep %(n)s bookmarks already; remove one first.", n=most),
    "bookmark": lambda **_facts: _("This bookmark does not exist."),
    "print_paper": lambda value="", **_facts: _("There is no paper “%(value)s”.", value=value),
    "print_too_long": lambda **_facts: _("Making the sheet took too long. Print a smaller part."),
    "print_failed": lambda **_facts: _("The sheet could not be made. Try again in a moment."),
    "print_view": lambda **_facts: _("The view to print cannot be read."),
    "tile_layer": lambda **_facts: _("There is no layer of this name."),
    "tile_past": lambda **_facts: _("No former states are kept of this layer."),
    "map_day_unreadable": lambda value="", **_facts: _("“%(value)s” is no day; write it as 2026-10-01.", value=value),
    "map_day_ahead": lambda value="", **_facts: _("%(value)s is still to come: nothing is known of it.", value=value),
    "tile_place": lambda **_facts: _("There is no such tile."),
    "basemap_off": lambda **_facts: _("No public base map is set up here."),
    "basemap_silent": lambda **_facts: _("The public base map does not answer."),
    "near_place": lambda value="", **_facts: _("“%(value)s” is no place; write longitude,latitude.", value=value),
    "labelled": lambda said="", **_facts: _("No object with the code “%(code)s” lies in your area.", code=said),
    "labels_many": lambda most=0, **_facts: _("One file holds at most %(n)s labels. Narrow the filter.", n=most),
    "times_window": lambda value="", **_facts: _("There is no span of time “%(value)s”; take 24h, 7d or 30d.", value=value),
    "times_box": lambda value="", **_facts: _("“%(value)s” is no part of the map; write west,south,east,north.", value=value),
    "point": lambda **_facts: _("This monitoring point does not exist, or lies outside your area."),
    "bad_time": lambda value="", **_facts: _("“%(value)s” is not a time.", value=value),
    "bad_number": lambda value="", **_facts: _("“%(value)s” is not a number.", value=value),
}

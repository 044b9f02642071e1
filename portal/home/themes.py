"""Ways to colour the pipes: the classes of each theme with colour and words, and their kilometres."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from gis.tiles.themes import (
    ENTERPRISE,
    MATERIAL,
    PRESSURE,
    STATUS,
    UNKNOWN,
    YEAR,
    Sum,
    ThemeColumn,
    km_by_theme,
    pipes_by_theme,
)
from portal.core.actor import Actor

# Names of design tokens: the pressure scale for what is ordered, the eight neighbours for what is not.
SCALE = ("--p1", "--p2", "--p3", "--p4", "--p5")
KINDS = ("--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7")
REST = "--p5"


@dataclass(frozen=True)
class ThemeClass:
    """One class of a theme: codes it takes in, or the last year it reaches up to; the last class takes the unknown."""

    label: str
    token: str
    codes: tuple[int, ...] = ()
    until: int | None = None

    def holds(self, code: int | None) -> bool:
        """Return whether a code belongs here, seen after the classes before it."""
        if self.until is not None:
            return code is not None and code <= self.until
        return code in self.codes


@dataclass(frozen=True)
class Theme:
    """One way to colour the pipes; whatever no class takes in belongs to the last one."""

    column: ThemeColumn
    label: str
    classes: tuple[ThemeClass, ...]

    def class_of(self, code: int | None) -> ThemeClass:
        """Return the class of a code."""
        return next((each for each in self.classes if each.holds(code)), self.classes[-1])

    def facts(self) -> dict[str, Any]:
        """Return the theme as the map's script reads it."""
        rows = [
            {"label": each.label, "token": each.token, "codes": list(each.codes), "until": each.until}
            for each in self.classes
        ]
        return {"key": self.column.key, "label": self.label, "property": self.column.property, "rows": rows}

    def sums_by_class(self, sums: Mapping[str, Sum]) -> list[Sum]:
        """Return the pipes of each class, from pipes by code."""
        found = [Sum()] * len(self.classes)
        for word, each in sums.items():
            at = self.classes.index(self.class_of(None if word == UNKNOWN else int(word)))
            found[at] += each
        return found


Offer = Callable[[Session, Actor], Theme | None]


def themes_of(session: Session, actor: Actor, enterprises: Mapping[int, str]) -> list[Theme]:
    """Return the themes of the caller's map: ours, then those that features offer (config MAP_THEMES)."""
    km = km_by_theme(session, actor.scope, [ENTERPRISE])[ENTERPRISE.key]
    offers: Sequence[Offer] = current_app.config.get("MAP_THEMES", [])
    offered = [offer(session, actor) for offer in offers]
    return [
        _pressure(), *[theme for theme in offered if theme is not None],
        _year(), _material(), _enterprise(km, enterprises), _status(),
    ]  # fmt: skip


def pipes_of(
    session: Session, actor: Actor, themes: Sequence[Theme], area: str | None = None
) -> dict[str, list[Sum]]:
    """Return theme -> pipes of each of its classes within the caller's scope, and within an area (WKT) if given."""
    found = pipes_by_theme(session, actor.scope, [theme.column for theme in themes], area)
    return {theme.column.key: theme.sums_by_class(found[theme.column.key]) for theme in themes}


def lengths_of(session: Session, actor: Actor, themes: Sequence[Theme]) -> dict[str, list[float]]:
    """Return theme -> kilometres of each of its classes within the caller's scope."""
    found = pipes_of(session, actor, themes)
    return {key: [round(each.km, 3) for each in sums] for key, sums in found.items()}


def _pressure() -> Theme:
    rows = (
        (_("High pressure"), (0, 1, 2)), (_("Sub-high pressure"), (3, 4)), (_("Medium pressure A"), (5,)),
        (_("Medium pressure B"), (6,)), (_("Low pressure"), (7,)),
    )  # fmt: skip
    classes = (ThemeClass(label, token, codes) for (label, codes), token in zip(rows, SCALE, strict=True))
    return Theme(PRESSURE, _("Pressure"), tuple(classes))


def _year() -> Theme:
    rows = ((_("Up to 1995"), 1995), (_("1996 to 2010"), 2010), (_("2011 to 2020"), 2020), (_("Since 2021"), 9999))
    dated = (ThemeClass(label, token, until=until) for (label, until), token in zip(rows, SCALE, strict=False))
    return Theme(YEAR, _("Year built"), (*dated, ThemeClass(_("Year unknown"), REST)))


def _material() -> Theme:
    rows = (
        (_("Grey cast iron"), (30,)), (_("Ductile iron"), (31,)), (_("Galvanised steel"), (12,)),
        (_("Steel"), (10, 11)), (_("PE80"), (20,)), (_("PE100"), (21,)), (_("Other PE"), (22, 23)),
    )  # fmt: skip
    classes = (ThemeClass(label, token, codes) for (label, codes), token in zip(rows, KINDS, strict=True))
    return Theme(MATERIAL, _("Material"), (*classes, ThemeClass(_("Other"), REST, (40, 99))))


def _enterprise(km: Mapping[str, float], enterprises: Mapping[int, str]) -> Theme:
    numbers = sorted((int(code) for code in km), key=lambda number: -km[str(number)])
    named = tuple(
        ThemeClass(enterprises.get(number, str(number)), token, (number,))
        for number, token in zip(numbers, KINDS, strict=False)
    )
    rest = tuple(numbers[len(KINDS) :])
    others = (ThemeClass(_("Other enterprises"), REST, rest),) if rest or not named else ()
    return Theme(ENTERPRISE, _("Enterprise"), named + others)


def _status() -> Theme:
    rows = (
        (_("In service"), "--p4", (2,)), (_("Standby"), "--p3", (3,)), (_("Planned or being built"), "--p1", (0, 1)),
        (_("Under maintenance"), "--p2", (5,)), (_("Out of service or abandoned"), REST, (4, 6, 7)),
    )  # fmt: skip
    return Theme(STATUS, _("State of use"), tuple(ThemeClass(label, token, codes) for label, token, codes in rows))

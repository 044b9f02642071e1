"""What enterprises filed about an object of the network, as its drawer shows it: dangers, works, patrols, checks, incidents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from gis.network.queries import model_of
from portal.core.actor import Actor
from portal.core.clock import local
from portal.core.codes import word_of
from portal.emergency.incidents.queries import incidents_at
from portal.jobs.queries import parameter_value
from portal.safety.checks.queries import checks_of_user
from portal.safety.hidden_dangers.queries import open_dangers_at
from portal.safety.patrols.queries import last_patrol_of
from portal.safety.works.queries import sites_near

NEAR_M = 50.0
NEAR_LAYERS = frozenset({"pipe", "station", "valve", "regulator"})
_DANGER_TONES = {1: "info", 2: "warn", 3: "bad"}
_CHECK_TONES = {1: "ok", 2: "warn", 4: "bad"}


@dataclass(frozen=True)
class Line:
    """One record as a line: its address, what it says, a tag and when."""

    url: str
    text: str
    tag: str
    tone: str
    at: Any = None


@dataclass(frozen=True)
class Section:
    """Records of one kind about an object."""

    title: str
    lines: list[Line]


def filed_about(session: Session, actor: Actor, layer: str, object_id: int, language: str) -> list[Section]:
    """Return what was filed about an object, kinds without a record left out."""
    found: list[Section] = []
    if actor.may("safety.read"):
        found += _safety(session, actor, layer, object_id, language)
    if actor.may("emergency.read"):
        found.append(_incidents(session, actor, layer, object_id, language))
    return [section for section in found if section.lines]


def _safety(session: Session, actor: Actor, layer: str, object_id: int, language: str) -> list[Section]:
    scope = actor.scope
    dangers = [
        Line(
            f"/safety/hidden-dangers/{each.id}",
            f"{each.record_no} {each.description}",
            word_of("hazard_level", each.level, language),
            _DANGER_TONES.get(each.level, ""),
            each.found_at,
        )
        for each in open_dangers_at(session, scope, layer, object_id)
    ]
    sections = [Section(_("Hidden dangers not closed out"), dangers)]
    if layer in NEAR_LAYERS:
        near_m = parameter_value(session, "works.near_m", NEAR_M)
        sites = sites_near(session, scope, model_of(layer).__tablename__, object_id, near_m)
        lines = [
            Line(
                f"/safety/works/{site.id}",
                f"{site.record_no} {site.project} · {metres:.0f} m",
                word_of("works_status", site.status, language),
                "info" if site.guarded else "warn",
                site.found_at,
            )
            for site, metres in sites
        ]
        sections.append(Section(_("Works within %(near)s m", near=f"{near_m:g}"), lines))
    return [*sections, _patrol(session, actor, layer, object_id, language), _checks(session, actor, layer, object_id, language)]


def _patrol(session: Session, actor: Actor, layer: str, object_id: int, language: str) -> Section:
    last = last_patrol_of(session, actor.scope, layer, object_id)
    if last is None:
        return Section(_("Last patrol"), [])
    kind = word_of("patrol_kind", last.kind, language)
    leaks = _("%(n)s leaks", n=last.leaks_n) if last.leaks_n else word_of("patrol_status", last.status, language)
    tone = "bad" if last.leaks_n else "ok"
    return Section(
        _("Last patrol"), [Line(f"/safety/patrols/{last.id}", f"{last.record_no} {kind}", leaks, tone, last.begun_at)]
    )


def _checks(session: Session, actor: Actor, layer: str, object_id: int, language: str) -> Section:
    checks = checks_of_user(session, actor.scope, object_id) if layer == "user" else ()
    lines = [
        Line(
            f"/safety/checks/{each.id}",
            f"{each.record_no} · {local(each.checked_at):%Y-%m-%d}",
            word_of("check_result", each.result, language),
            _CHECK_TONES.get(each.result, ""),
            each.checked_at,
        )
        for each in checks
    ]
    return Section(_("Household checks"), lines)


def _incidents(session: Session, actor: Actor, layer: str, object_id: int, language: str) -> Section:
    lines = [
        Line(
            f"/emergency/incidents/{each.id}",
            f"{each.record_no} {each.description}",
            word_of("event_status", each.status, language),
            "ok" if each.ended_at else "warn",
            each.occurred_at,
        )
        for each in incidents_at(session, actor.scope, layer, object_id)
    ]
    return Section(_("Incidents"), lines)

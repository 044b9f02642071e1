"""Pages of hydraulics: a scenario with its picture and tables, the profile of a path, kept scenarios, two compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from markupsafe import Markup
from sqlalchemy.orm import Session

from portal.core.actor import Actor
from portal.core.clock import utc_now
from portal.core.exports import csv_of
from portal.core.web import current_actor, note_export, requires, settings, web_transaction
from portal.events.routes import LINKS
from portal.network.hydraulics.comparing import Side, compared_sides, side_of
from portal.network.hydraulics.drawing import profile, schematic
from portal.network.hydraulics.forms import KINDS, SORTS, Asked, parse_asked, parse_listing, parse_naming
from portal.network.hydraulics.queries import (
    find_scenario,
    named,
    scenario_of_case,
    scenarios_kept,
    stations_offered,
)
from portal.network.hydraulics.services import Keeping, check_asked, keep_scenario
from portal.network.hydraulics.solving import Answer, answer_of, hour_now
from portal.network.hydraulics.tables import Table, table_of
from portal.network.hydraulics.telling import Seen, seen_of, told_answer
from portal.network.hydraulics.views import drawn_features, hours_told, path_stops
from portal.network.hydraulics.words import band_words, problem_titles, problem_words, state_words
from portal.network.picture import box_of
from portal.network.words import Words
from portal.operation.telemetry.queries import enterprise_names

blueprint = Blueprint("hydraulics", __name__, url_prefix="/network/hydraulics")
KEPT_A_PAGE = 30
CHOICE_MOST = 100


@dataclass(frozen=True)
class Shown:
    """A scenario asked for, solved, and what of it the caller may see."""

    asked: Asked
    answer: Answer
    seen: Seen
    actor: Actor

    @property
    def args(self) -> str:
        """Return the scenario as arguments of an address."""
        return urlencode(self.asked.args(), safe=",")


@blueprint.record
def _offer_links(state: BlueprintSetupState) -> None:
    """Show the scenario on the page of the case it is kept with."""
    state.app.config.setdefault(LINKS, []).append(_link_of_case)


def _link_of_case(session: Session, actor: Actor, case_id: int) -> tuple[str, str] | None:
    found = scenario_of_case(session, actor.scope, case_id) if actor.may("map.read") else None
    return (gettext("Open the hydraulic scenario"), f"/network/hydraulics/scenarios/{found}") if found else None


def _shown(session: Session) -> Shown:
    actor, asked = current_actor(), parse_asked(request.values)
    check_asked(session, actor.scope, asked)
    answer = answer_of(settings(), asked.scenario(hour_now()), by_readings=asked.hour is None)
    return Shown(asked, answer, seen_of(session, actor.scope, answer), actor)


def _words(session: Session) -> dict[str, Any]:
    words = Words(str(get_locale() or "zh_CN"), enterprise_names(session))
    return {
        "words": words, "problem_words": problem_words, "problem_titles": problem_titles(), "state_words": state_words(),
        "bands": band_words(), "against": _against,
    }  # fmt: skip


def _against(question: str, scenario_id: int) -> str:
    """Return the address that compares a kept scenario with the network as it stands at the same hour and demand."""
    base = parse_asked(dict(parse_qsl(question))).base().args()
    sides = {"a": "asked" if base else "now", "b": str(scenario_id)}
    return f"/network/hydraulics/compare?{urlencode(sides | base, safe=',')}"


@blueprint.get("")
@requires("map.read")
@web_transaction
def show(session: Session) -> ResponseReturnValue:
    """Show a scenario: what is wrong, pressures by class, the picture, and the worst of its tables."""
    shown = _shown(session)
    scope, answer = shown.actor.scope, shown.answer
    told = told_answer(session, scope, answer, shown.seen)
    features, left_out = drawn_features(session, scope, answer, shown.seen)
    valves = named(session, scope, "valve", shown.asked.closed)
    return render_template(
        "hydraulics/show.html", shown=shown, told=told, left_out=left_out, valves=list(valves.values()),
        picture=Markup(schematic(features, gettext("Pressures and flows of the network"))),
        stations=stations_offered(session, scope), may_keep=shown.actor.may("case.open"), **_words(session),
    )  # fmt: skip


@blueprint.get("/solve.json")
@requires("map.read")
@web_transaction
def get_solution(session: Session) -> ResponseReturnValue:
    """Return figures and problems of a scenario; `geo=1` adds its pipes as GeoJSON."""
    shown = _shown(session)
    told = told_answer(session, shown.actor.scope, shown.answer, shown.seen)
    for each in told["problems"]:
        each["words"] = problem_words(each)
    if request.args.get("geo") == "1":
        features, left_out = drawn_features(session, shown.actor.scope, shown.answer, shown.seen)
        told |= {"geo": {"type": "FeatureCollection", "features": features}, "left_out": left_out}
    return jsonify(told)


@blueprint.get("/panel")
@requires("map.read")
@web_transaction
def get_panel(session: Session) -> ResponseReturnValue:
    """Return a scenario for the map: the drawer's content, and the pipes to draw."""
    shown = _shown(session)
    told = told_answer(session, shown.actor.scope, shown.answer, shown.seen)
    features, left_out = drawn_features(session, shown.actor.scope, shown.answer, shown.seen)
    html = render_template("hydraulics/panel.html", shown=shown, told=told, left_out=left_out, **_words(session))
    geo = {"type": "FeatureCollection", "features": features}
    return jsonify({"html": html, "geo": geo, "box": box_of(features), "args": shown.asked.args()})


@blueprint.get("/table")
@requires("map.read")
@web_transaction
def show_table(session: Session) -> ResponseReturnValue:
    """Show pipes, nodes or users below the limit, page by page."""
    shown = _shown(session)
    table = table_of(session, shown.actor.scope, shown.answer, shown.seen, parse_listing(request.args))
    return render_template(
        "hydraulics/table.html", shown=shown, table=table, kinds=KINDS, sorts=SORTS[table.listing.kind],
        address=_address(shown, table), **_words(session),
    )  # fmt: skip


def _address(shown: Shown, table: Table) -> dict[str, str | None]:
    listing = table.listing
    base = shown.asked.args() | {"kind": listing.kind, "sort": listing.sort}
    if listing.only_broken:
        base["only"] = "1"
    head = f"/network/hydraulics/table?{urlencode(base, safe=',')}"
    return {
        "csv": head.replace("/table?", "/table.csv?"),
        "prev": f"{head}&page={listing.page - 1}" if listing.page > 1 else None,
        "next": f"{head}&page={listing.page + 1}" if listing.page < table.pages else None,
    }


@blueprint.get("/table.csv")
@requires("map.read")
@web_transaction
def export_table(session: Session) -> ResponseReturnValue:
    """Return a table as CSV; the audit keeps it."""
    shown = _shown(session)
    table = table_of(session, shown.actor.scope, shown.answer, shown.seen, parse_listing(request.args), whole=True)
    note_export(session, f"hydraulic_{table.listing.kind}", len(table.rows))
    words = _words(session)["words"]
    return _csv(table, words)


def _csv(table: Table, words: Words) -> Response:
    if table.listing.kind == "pipes":
        head = [
            gettext("Pipe"), gettext("Enterprise"), gettext("Road"), gettext("Pressure class"), gettext("Length, m"),
            gettext("Pressure at start, kPa"), gettext("Pressure at end, kPa"), gettext("Flow, m³/h"),
            gettext("Velocity, m/s"), gettext("Above the limit"),
        ]  # fmt: skip
        rows = [
            [
                row["code"], words.enterprise(row["enterprise_id"]), row["road"] or "",
                words.pressure(row["pressure_class"]), row["length_m"], row["start_kpa"], row["end_kpa"], row["flow"],
                row["velocity"], gettext("yes") if row["broken"] else "",
            ]
            for row in table.rows
        ]  # fmt: skip
    else:
        head = [
            gettext("Node"), gettext("Enterprise"), gettext("Pressure class"), gettext("Pressure, kPa"),
            gettext("Least pressure, kPa"), gettext("Demand, m³/h"), gettext("Left of the balance, m³/h"),
            gettext("Users"), gettext("Number of households"),
        ]  # fmt: skip
        rows = [
            [
                row["code"] or "", words.enterprise(row["enterprise_id"] or 0),
                words.pressure(row["pressure_class"]) if row["pressure_class"] else "", row["kpa"], row["floor_kpa"],
                row["demand"], row["residual"], row["users"], row["households"],
            ]
            for row in table.rows
        ]  # fmt: skip
    return csv_of(head, rows, f"hydraulics-{table.listing.kind}.csv")


@blueprint.get("/profile")
@requires("map.read")
@web_transaction
def show_profile(session: Session) -> ResponseReturnValue:
    """Show pressures along the shortest way between two nodes, or from a station to the weakest users."""
    shown = _shown(session)
    stops = path_stops(session, shown.actor.scope, shown.answer, request.args)
    said = (gettext("Pressure along the path"), gettext("metres from the beginning"), "kPa")
    return render_template(
        "hydraulics/profile.html", shown=shown, stops=stops, picture=Markup(profile(stops, said)),
        begin=request.args.get("from", "")[:20], end=request.args.get("to", "")[:20], **_words(session),
    )  # fmt: skip


@blueprint.get("/hours")
@requires("map.read")
@web_transaction
def show_hours(session: Session) -> ResponseReturnValue:
    """Show how long zones last that the scenario leaves without a source or with too great a demand."""
    shown = _shown(session)
    base = shown.asked.base()
    before = answer_of(settings(), base.scenario(hour_now()), by_readings=base.hour is None)
    zones = hours_told(session, shown.actor.scope, before, shown.answer, shown.seen)
    return render_template("hydraulics/hours.html", shown=shown, zones=zones, **_words(session))


@blueprint.post("/scenarios")
@requires("case.open")
@web_transaction
def post_scenario(session: Session) -> ResponseReturnValue:
    """Keep a scenario with its results."""
    naming = parse_naming(request.form)
    shown = _shown(session)
    told = told_answer(session, shown.actor.scope, shown.answer, shown.seen)
    made = keep_scenario(session, Keeping(shown.asked, naming, shown.answer, told), now=utc_now(), actor=shown.actor)
    flash(gettext("The scenario is kept with its results."))
    return redirect(f"/network/hydraulics/scenarios/{made.id}")


@blueprint.get("/scenarios")
@requires("map.read")
@web_transaction
def show_scenarios(session: Session) -> ResponseReturnValue:
    """Show kept scenarios, newest first."""
    page = request.args.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    begin = (max(number, 1) - 1) * KEPT_A_PAGE
    rows = list(scenarios_kept(session, current_actor().scope, begin, KEPT_A_PAGE + 1))
    pages = {
        "prev": f"/network/hydraulics/scenarios?page={number - 1}" if number > 1 else None,
        "next": f"/network/hydraulics/scenarios?page={number + 1}" if len(rows) > KEPT_A_PAGE else None,
    }
    return render_template("hydraulics/scenarios.html", rows=rows[:KEPT_A_PAGE], pages=pages, **_words(session))


@blueprint.get("/scenarios/<int:scenario_id>")
@requires("map.read")
@web_transaction
def show_scenario(session: Session, scenario_id: int) -> ResponseReturnValue:
    """Show a scenario as it was kept, beside today's network."""
    kept = find_scenario(session, current_actor().scope, scenario_id)
    return render_template("hydraulics/scenario.html", kept=kept, told=kept.told, **_words(session))


@blueprint.get("/compare")
@requires("map.read")
@web_transaction
def show_comparison(session: Session) -> ResponseReturnValue:
    """Show two scenarios side by side; a side is the number of a kept one, or `now` for the network as it is."""
    one, two = _sides(session)
    kind = "pipes" if request.args.get("kind") == "pipes" else "nodes"
    found = compared_sides(session, current_actor().scope, one, two, kind)
    choices = scenarios_kept(session, current_actor().scope, 0, CHOICE_MOST)
    return render_template(
        "hydraulics/compare.html", one=one, two=two, found=found, kind=kind, choices=choices, **_words(session)
    )


@blueprint.get("/compare.csv")
@requires("map.read")
@web_transaction
def export_comparison(session: Session) -> ResponseReturnValue:
    """Return every difference of two scenarios as CSV; the audit keeps it."""
    one, two = _sides(session)
    kind = "pipes" if request.args.get("kind") == "pipes" else "nodes"
    found = compared_sides(session, current_actor().scope, one, two, kind, whole=True)
    note_export(session, "hydraulic_comparison", len(found.rows))
    unit = gettext("Flow, m³/h") if kind == "pipes" else gettext("Pressure, kPa")
    head = [gettext("Object code"), f"{unit} A", f"{unit} B"]
    return csv_of(head, [[row["code"], row["before"], row["after"]] for row in found.rows], f"compare-{kind}.csv")


def _sides(session: Session) -> tuple[Side, Side]:
    return tuple(  # type: ignore[return-value]
        side_of(session, current_actor().scope, settings(), request.args.get(name, "now"), request.args)
        for name in ("a", "b")
    )

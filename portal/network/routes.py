"""Questions to the network from the map: isolation, traces and zones as panels, JSON, sheets and files; the atlas."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

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
from portal.network.files import file_of, table_of
from portal.network.forms import At, Question, parse_place, parse_question, parse_way
from portal.network.models import AtlasRow
from portal.network.picture import box_of, picture_of
from portal.network.places import Asked, asked_of, spot_of
from portal.network.plans import find_plans, plan_features, summaries, told_plan
from portal.network.queries import (
    atlas_rows,
    find_plan,
    lines_around,
    plan_of_case,
    plans_of_object,
    proposed_valves,
)
from portal.network.services import hand_over
from portal.network.traces import told_trace, told_zone
from portal.network.words import Words, effort_words, kind_words
from portal.operation.telemetry.queries import enterprise_names
from reports.pdf import render_pdf

blueprint = Blueprint("network", __name__, url_prefix="/network")
ATLAS_MOST = 100


@blueprint.record
def _offer_links(state: BlueprintSetupState) -> None:
    """Show the plan on the page of the case that it opened."""
    state.app.config.setdefault(LINKS, []).append(_link_of_case)


def _link_of_case(session: Session, actor: Actor, case_id: int) -> tuple[str, str] | None:
    found = plan_of_case(session, actor.scope, case_id) if actor.may("map.read") else None
    return (gettext("Open the shut-off plan"), f"/network/plans/{found}") if found else None


def _asked(session: Session, *places: At) -> Asked:
    return asked_of(session, current_actor().scope, settings(), places)


def _words(session: Session) -> Words:
    return Words(str(get_locale() or "zh_CN"), enterprise_names(session))


def _said(words: Words) -> dict[str, Any]:
    return {"words": words, "kind_words": kind_words(), "effort_words": effort_words()}


def _asked_question(session: Session) -> tuple[Asked, Question]:
    question = parse_question(request.values)
    return _asked(session, *question.places), question


@blueprint.get("/isolation.json")
@requires("map.read")
@web_transaction
def get_isolation(session: Session) -> ResponseReturnValue:
    """Return a shut-off plan; `plans=1` adds all plans in short, `geo=1` the plan as GeoJSON."""
    asked, question = _asked_question(session)
    found = find_plans(asked, question, all_plans=request.args.get("plans") == "1")
    told = told_plan(asked, found)
    if len(found.plans) > 1 or request.args.get("plans") == "1":
        told["plans"] = summaries(asked, found)
    if request.args.get("geo") == "1":
        told["geo"] = plan_features(asked, found, told)
    return jsonify(told)


@blueprint.get("/isolation/panel")
@requires("map.read")
@web_transaction
def get_isolation_panel(session: Session) -> ResponseReturnValue:
    """Return a plan for the map: the drawer's content, and what to draw."""
    asked, question = _asked_question(session)
    found = find_plans(asked, question, all_plans=True)
    told, words = told_plan(asked, found), _words(session)
    first = found.spots[0]
    html = render_template(
        "network/panel_plan.html",
        told=told,
        plans=summaries(asked, found),
        question=question,
        args=urlencode(question.args(plan=found.place)),
        handed=plans_of_object(session, asked.scope, first.at.layer, first.at.number),
        may_hand_over=current_actor().may("case.open"),
        **_said(words),
    )
    geo = plan_features(asked, found, told)
    return jsonify({"html": html, "geo": geo, "box": box_of(geo["features"]), "args": question.args()})


@blueprint.get("/isolation/print")
@requires("map.read")
@web_transaction
def print_isolation(session: Session) -> ResponseReturnValue:
    """Show a plan as a sheet of A4 paper."""
    return render_template("network/sheet.html", **_sheet(session), paper=False)


@blueprint.get("/isolation.pdf")
@requires("map.read")
def download_isolation() -> ResponseReturnValue:
    """Return the sheet as PDF; made outside the transaction, since it takes seconds."""
    html, name = _pdf_page()
    headers = {"Content-Disposition": f'attachment; filename="{name}.pdf"'}
    return Response(render_pdf(html), content_type="application/pdf", headers=headers)


@web_transaction
def _pdf_page(session: Session) -> tuple[str, str]:
    sheet = _sheet(session)
    note_export(session, "shutoff_plan", len(sheet["told"]["valves"]))
    return render_template("network/sheet.html", **sheet, paper=True), "shutoff-plan"


def _sheet(session: Session) -> dict[str, Any]:
    asked, question = _asked_question(session)
    found = find_plans(asked, question, all_plans=True)
    told = told_plan(asked, found)
    geo = plan_features(asked, found, told)
    return _sheet_of(session, told, geo["features"], args=urlencode(question.args(plan=found.place))) | {
        "plans": summaries(asked, found)
    }


def _sheet_of(session: Session, told: dict[str, Any], features: list[dict[str, Any]], *, args: str) -> dict[str, Any]:
    box, actor = box_of(features), current_actor()
    around = lines_around(session, actor.scope, box) if box else {}
    codes = ", ".join(each["code"] for each in told["at"])
    words = gettext("Shut-off plan of %(code)s", code=codes)
    return {
        "told": told, "picture": Markup(picture_of(features, around, words)), "codes": codes, "args": args,
        "made_at": utc_now(), "made_by": actor.shown_name, "handed": None, "plans": [], **_said(_words(session)),
    }  # fmt: skip


@blueprint.get("/isolation/<what>.<form>")
@requires("map.read")
@web_transaction
def export_isolation(session: Session, what: str, form: str) -> ResponseReturnValue:
    """Return valves, users or pipes of a plan as CSV, XLSX or GeoJSON; the audit keeps it."""
    asked, question = _asked_question(session)
    found = find_plans(asked, question, all_plans=False)
    table = table_of(asked, found, what, _words(session))
    answer = file_of(table, form, f"shutoff-{what}")
    note_export(session, f"shutoff_{what}", len(table.rows))
    return answer


@blueprint.post("/isolation/handover")
@requires("case.open")
@web_transaction
def post_handover(session: Session) -> ResponseReturnValue:
    """Hand a plan over: keep it as told and open an urgent case, or return the plan whose case still runs."""
    asked, question = _asked_question(session)
    found = find_plans(asked, question, all_plans=True)
    plan, fresh = hand_over(asked, found, now=utc_now(), actor=current_actor())
    flash(gettext("Handed over; an urgent case is open.") if fresh else gettext("This plan was handed over already."))
    return redirect(f"/network/plans/{plan.id}")


@blueprint.get("/plans/<int:shutoff_id>")
@requires("map.read")
@web_transaction
def show_plan(session: Session, shutoff_id: int) -> ResponseReturnValue:
    """Show a plan as it was handed over; who has another scope sees the same question answered for theirs."""
    actor = current_actor()
    plan = find_plan(session, shutoff_id, scope=actor.scope)
    if not actor.scope.whole_city and plan.seen_scope != actor.scope.as_text():
        return redirect(f"/network/isolation/print?{plan.question}")
    sheet = _sheet_of(session, plan.told, plan.told["geo"]["features"], args=plan.question)
    sheet |= {"handed": plan, "made_at": plan.made_at, "made_by": plan.made_by}
    return render_template("network/sheet.html", **sheet, paper=False)


@blueprint.get("/trace.json")
@requires("map.read")
@web_transaction
def get_trace(session: Session) -> ResponseReturnValue:
    """Return what lies up- or downstream of an object, with the sources that feed it and the geometry."""
    way, at = parse_way(request.args.get("way")), parse_place(request.args.get("at", ""))
    asked = _asked(session, at)
    return jsonify(told_trace(asked, spot_of(asked, at), way))


@blueprint.get("/trace/panel")
@requires("map.read")
@web_transaction
def get_trace_panel(session: Session) -> ResponseReturnValue:
    """Return a trace for the map."""
    way, at = parse_way(request.args.get("way")), parse_place(request.args.get("at", ""))
    asked = _asked(session, at)
    told = told_trace(asked, spot_of(asked, at), way)
    return _panel("network/panel_trace.html", told, session, args={"at": str(at), "way": way})


@blueprint.get("/zone.json")
@requires("map.read")
@web_transaction
def get_zone(session: Session) -> ResponseReturnValue:
    """Return the pressure zone of an object, with what feeds it and the geometry."""
    at = parse_place(request.args.get("at", ""))
    asked = _asked(session, at)
    return jsonify(told_zone(asked, spot_of(asked, at)))


@blueprint.get("/zone/panel")
@requires("map.read")
@web_transaction
def get_zone_panel(session: Session) -> ResponseReturnValue:
    """Return a pressure zone for the map."""
    at = parse_place(request.args.get("at", ""))
    asked = _asked(session, at)
    return _panel("network/panel_zone.html", told_zone(asked, spot_of(asked, at)), session, args={"at": str(at)})


def _panel(template: str, told: dict[str, Any], session: Session, *, args: dict[str, str]) -> Response:
    html = render_template(template, told=told, args=args, **_said(_words(session)))
    features = told["geo"]["features"]
    traced = [each for each in features if each["properties"]["part"] == "traced"]
    return jsonify({"html": html, "geo": told["geo"], "box": box_of(traced or features), "args": args})


@blueprint.get("/atlas")
@requires("map.read")
@web_transaction
def show_atlas(session: Session) -> ResponseReturnValue:
    """Show the pipes whose loss takes gas from most users, and the parts no source feeds."""
    scope = current_actor().scope
    worst = atlas_rows(session, scope, "segment", ATLAS_MOST)
    return render_template(
        "network/atlas.html", worst=worst, unfed=atlas_rows(session, scope, "unfed", ATLAS_MOST),
        proposed=proposed_valves(session, scope, ATLAS_MOST),
        computed_at=max((row.computed_at for row in worst), default=None), **_said(_words(session)),
    )  # fmt: skip


@blueprint.get("/atlas.csv")
@requires("map.read")
@web_transaction
def export_atlas(session: Session) -> ResponseReturnValue:
    """Return the atlas as CSV; the audit keeps it."""
    words, scope = _words(session), current_actor().scope
    rows = [*atlas_rows(session, scope, "segment", ATLAS_MOST), *atlas_rows(session, scope, "unfed", ATLAS_MOST)]
    note_export(session, "network_atlas", len(rows))
    head = [
        gettext("Kind"), gettext("Pipe"), gettext("Enterprise"), gettext("Road"), gettext("Pressure class"),
        gettext("Users"), gettext("Number of households"), gettext("Pipes"), gettext("Length, m"), gettext("Valves"),
    ]  # fmt: skip
    return csv_of(head, [_atlas_row(row, words) for row in rows], "network-atlas.csv")


@blueprint.get("/valve-proposals.csv")
@requires("map.read")
@web_transaction
def export_proposals(session: Session) -> ResponseReturnValue:
    """Return the proposed valves as CSV, the most helpful first; the audit keeps it."""
    words = _words(session)
    rows = proposed_valves(session, current_actor().scope, ATLAS_MOST)
    note_export(session, "valve_proposal", len(rows))
    head = [
        gettext("Pipe"), gettext("Enterprise"), gettext("Road"), gettext("Pressure class"), gettext("Longitude"),
        gettext("Latitude"), gettext("Section, m"), gettext("Users without gas today"),
        gettext("Users without gas with the valve, on average"), gettext("Struck on the start's side"),
        gettext("Struck on the end's side"), gettext("Users kept"),
    ]  # fmt: skip
    return csv_of(head, [_proposal_row(each, words) for each in rows], "valve-proposals.csv")


def _proposal_row(row: Any, words: Words) -> list[Any]:
    told = row.ValveProposal
    return [
        told.pipe_code, words.enterprise(told.enterprise_id), told.road_name or "", words.pressure(told.pressure_class),
        round(row.lon, 6), round(row.lat, 6), round(told.section_length_m, 1), told.users_before,
        round(told.users_after, 1), told.users_start_side, told.users_end_side,
        round(told.users_before - told.users_after, 1),
    ]  # fmt: skip


def _atlas_row(row: AtlasRow, words: Words) -> list[Any]:
    sort = gettext("shut off") if row.sort == "segment" else gettext("without supply")
    return [
        sort, row.pipe_code, words.enterprise(row.enterprise_id), row.road_name or "",
        words.pressure(row.pressure_class), row.users, row.households, row.pipes, round(row.length_m, 1), row.valves,
    ]  # fmt: skip

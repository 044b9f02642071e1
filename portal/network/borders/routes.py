"""The pages of the borders between enterprises: findings with pictures, one finding, decisions, runs, files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from markupsafe import Markup
from sqlalchemy.orm import Session

from portal.core.clock import local, utc_now
from portal.core.codes import words_of
from portal.core.web import current_actor, note_export, requires, web_transaction
from portal.network.borders.forms import ORDERS, parse_action, parse_filter
from portal.network.borders.picture import picture_of
from portal.network.borders.queries import (
    PAGE_ROWS,
    counts_by_kind,
    find_finding,
    findings_listed,
    findings_page,
    newest_run,
    steps_of,
)
from portal.network.borders.rules import side_of
from portal.network.borders.services import act, ask_run
from portal.network.borders.words import (
    TONES,
    action_words,
    kind_hints,
    kind_words,
    order_words,
    part_words,
    picture_words,
    said_words,
    state_words,
    step_words,
)
from portal.network.files import Table, file_of
from portal.operation.telemetry.queries import enterprise_names

blueprint = Blueprint("borders", __name__, url_prefix="/network/borders")


def _shared(session: Session) -> dict[str, Any]:
    language = str(get_locale() or "zh_CN")
    return {
        "kinds": kind_words(), "hints": kind_hints(), "states": state_words(), "tones": TONES, "parts": part_words(),
        "orders": order_words(), "classes": words_of("pressure_class", language), "said": said_words(),
        "materials": words_of("material", language), "enterprises": enterprise_names(session), "picture": _picture,
    }  # fmt: skip


def _picture(row: Any) -> Markup:
    finding = row.BorderFinding
    place = (row.lon, row.lat)
    return Markup(picture_of(finding.facts, finding.kind, place, finding.distance_m, picture_words(finding)))


@blueprint.get("")
@requires("map.read")
@web_transaction
def list_findings(session: Session) -> ResponseReturnValue:
    """Show the findings of a filter with a picture each, and the newest run."""
    scope, wanted = current_actor().scope, parse_filter(request.args)
    rows, total = findings_page(session, scope, wanted)
    kept: dict[str, Any] = {**wanted.kept()}

    def page(offset: int) -> str:
        return url_for(".list_findings", **kept | {"from": max(offset, 0)})

    before, after = wanted.offset - PAGE_ROWS, wanted.offset + PAGE_ROWS
    return render_template(
        "borders/list.html", rows=rows, total=total, wanted=wanted, narrowed=bool(set(kept) - {"order"}),
        counts=counts_by_kind(session, scope), run=newest_run(session), steps=step_words(), order_keys=ORDERS,
        links={"prev": page(before) if wanted.offset else None, "next": page(after) if after < total else None},
        exports={form: url_for(".export_findings", form=form, **kept) for form in ("csv", "xlsx", "geojson")},
        **_shared(session),
    )  # fmt: skip


@blueprint.get("/export.<form>")
@requires("map.read")
@web_transaction
def export_findings(session: Session, form: str) -> ResponseReturnValue:
    """Return the findings of a filter as CSV, XLSX or GeoJSON; the audit keeps it."""
    rows = findings_listed(session, current_actor().scope, parse_filter(request.args))
    words = _shared(session)
    of_side = (
        gettext("Enterprise"), gettext("Object code"), gettext("Pressure class"), gettext("Material"),
        gettext("Outside diameter, mm"),
    )  # fmt: skip
    head = [
        gettext("Finding"), gettext("State"), gettext("Score"), gettext("Distance, m"), gettext("Side by side, m"),
        *(f"{side} {word}" for side in "AB" for word in of_side),
        gettext("Longitude"), gettext("Latitude"), gettext("First seen"),
    ]  # fmt: skip
    lines: list[Sequence[Any]] = [_line(row, words) for row in rows]
    features = [
        {"type": "Feature", "properties": dict(zip(head, line, strict=True)),
         "geometry": {"type": "Point", "coordinates": [row.lon, row.lat]}}
        for row, line in zip(rows, lines, strict=True)
    ]  # fmt: skip
    answer = file_of(Table(head, lines, features), form, "borders")
    note_export(session, "border_finding", len(lines))
    return answer


def _line(row: Any, words: dict[str, Any]) -> list[Any]:
    finding = row.BorderFinding
    sides: list[Any] = []
    for side, owner in (("a", finding.enterprise_a_id), ("b", finding.enterprise_b_id)):
        facts = finding.facts[side]
        sides += [
            words["enterprises"].get(owner, ""), facts["code"], words["classes"].get(facts["pressure_class"], ""),
            words["materials"].get(facts["material"], ""), facts["od_mm"],
        ]  # fmt: skip
    return [
        words["kinds"][finding.kind], words["states"][finding.state], round(finding.score, 3), finding.distance_m,
        finding.overlap_m, *sides, round(row.lon, 7), round(row.lat, 7),
        local(finding.first_seen_at).strftime("%Y-%m-%d %H:%M"),
    ]  # fmt: skip


@blueprint.get("/<int:finding_id>")
@requires("map.read")
@web_transaction
def show_finding(session: Session, finding_id: int) -> ResponseReturnValue:
    """Show one finding: both sides, the score with its parts, what the parties say, the history."""
    actor = current_actor()
    row = find_finding(session, finding_id, scope=actor.scope)
    finding = row.BorderFinding
    side = side_of(actor.enterprise_id, finding.enterprise_a_id, finding.enterprise_b_id, actor.scope.whole_city)
    may = side is not None and actor.may("border.say" if side in ("a", "b") else "border.decide")
    return render_template(
        "borders/finding.html", row=row, finding=finding, side=side, may=may, actions=action_words(),
        history=steps_of(session, finding_id, scope=actor.scope), **_shared(session),
    )  # fmt: skip


@blueprint.post("/<int:finding_id>")
@requires("map.read")
@web_transaction
def act_on_finding(session: Session, finding_id: int) -> ResponseReturnValue:
    """Confirm or reject a joint as a party, join, dismiss or undo as the city; fields `action`, `reason`."""
    action, reason = parse_action(request.form)
    act(session, finding_id, action, reason, now=utc_now(), actor=current_actor())
    flash(gettext("Kept: %(name)s", name=action_words()[action]))
    return redirect(url_for(".show_finding", finding_id=finding_id))


@blueprint.post("/run")
@requires("border.decide")
@web_transaction
def run_now(session: Session) -> ResponseReturnValue:
    """Ask for a matching of all borders now; the page shows how far it is."""
    ask_run(session, now=utc_now(), actor=current_actor())
    return redirect(url_for(".list_findings"))


@blueprint.get("/run")
@requires("map.read")
@web_transaction
def run_progress(session: Session) -> ResponseReturnValue:
    """Return how far the newest run is, as a part of the page."""
    return render_template("borders/run.html", run=newest_run(session), steps=step_words())

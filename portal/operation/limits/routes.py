"""The pages of alarm limits: points with their rules, the rules of one point with its history, work orders."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.basemap.queries import district_names
from portal.core.clock import local, utc_now
from portal.core.codes import word_of, words_of
from portal.core.exports import CsvFile
from portal.core.web import current_actor, note_export, requires, web_transaction
from portal.operation.devices.finding import parse_place
from portal.operation.limits.forms import (
    BAND_NAMES,
    FILTERS,
    HOUR_ROWS,
    ORDER_CHARS,
    REASON_CHARS,
    SEASON_ROWS,
    TITLE_CHARS,
    local_minute,
    parse_filter,
    parse_rules,
    parse_text,
)
from portal.operation.limits.labels import (
    clock,
    differences,
    number,
    rule_lines,
    short,
    state_words,
    weekday_words,
)
from portal.operation.limits.queries import (
    STATES,
    find_change,
    find_point_row,
    open_changes,
    orders_of_object,
    points_listed,
    points_page,
    rules_in_force,
    state_counts,
    templates,
    versions_of,
)
from portal.operation.limits.ruleset import CHECKS, LIMIT_NAMES, as_content, from_content, kinds_of
from portal.operation.limits.sentences import field_words
from portal.operation.limits.services import NewOrder, Wanted, change_draft, draft_change, file_order
from portal.operation.telemetry.queries import enterprise_names

blueprint = Blueprint("limits", __name__, url_prefix="/operation/limits")


def language() -> str:
    """Return the caller's language as the code tables know it."""
    return str(get_locale() or "zh_CN")


def kept_filter() -> dict[str, Any]:
    """Return what of the address narrows the list."""
    return {name: request.args[name] for name in FILTERS if request.args.get(name)}


def state_filter_words() -> dict[str, str]:
    """Return the states by which the list of points can be narrowed."""
    words = (gettext("Released rules"), gettext("Filed limits only"), gettext("No limits"), gettext("Open draft"))
    return dict(zip(STATES, words, strict=True))


def filter_facts(session: Session) -> dict[str, Any]:
    """Return what the filter of points offers."""
    return {
        "wanted": parse_filter(request.args),
        "narrowed": bool(kept_filter()),
        "measures": words_of("measure", language()),
        "state_words": state_filter_words(),
        "enterprises": enterprise_names(session),
        "districts": district_names(session, language()),
    }


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_limits(session: Session) -> ResponseReturnValue:
    """Show the points of the caller's scope with the rules in force."""
    actor = current_actor()
    page = points_page(session, parse_filter(request.args), place=parse_place(request.args), scope=actor.scope)
    address = partial(url_for, ".show_limits", **kept_filter())
    return render_template(
        "limits/points.html",
        rows=[(row, rules_in_force(row)) for row in page.rows],
        names=LIMIT_NAMES,
        checks=CHECKS,
        words=field_words(),
        short=short,
        counts=state_counts(session, actor.scope),
        open_changes=open_changes(session, scope=actor.scope),
        links={
            "prev": address(before=page.rows[0].id) if page.rows and page.has_before else None,
            "next": address(after=page.rows[-1].id) if page.rows and page.has_after else None,
        },
        export_url=url_for(".export", **kept_filter()),
        template_url=url_for("limit_changes.show_templates", **kept_filter()),
        **filter_facts(session),
    )


@blueprint.get("/export.csv")
@requires("alarm.read")
@web_transaction
def export(session: Session) -> ResponseReturnValue:
    """Give the filtered points with the rules in force as CSV; the export is audited."""
    names, districts, words = enterprise_names(session), district_names(session, language()), field_words()
    made = CsvFile(
        [
            gettext("Point"), gettext("Name"), gettext("Enterprise"), gettext("District"), gettext("Object"),
            gettext("Measured quantity"), gettext("Unit"), *(words[name] for name in LIMIT_NAMES), gettext("Further rules"),
            gettext("Set by"), gettext("In force from"),
        ]
    )  # fmt: skip
    for row in points_listed(session, parse_filter(request.args), scope=current_actor().scope):
        rules = rules_in_force(row)
        further = rule_lines(rules, row.unit)[sum(name in as_content(rules) for name in LIMIT_NAMES) :]
        made.add(
            [
                row.src_code, row.name, names.get(row.enterprise_id, ""), districts.get(row.adcode or "", row.adcode),
                row.object_code, word_of("measure", row.measure, language()), row.unit,
                *(getattr(rules.band, name) for name in LIMIT_NAMES),
                "; ".join(f"{term}: {value}" for term, value in further),
                gettext("version %(n)s", n=row.version) if row.version else gettext("filed by the enterprise"),
                local(row.valid_from).strftime("%Y-%m-%d %H:%M:%S") if row.valid_from else None,
            ]
        )  # fmt: skip
    note_export(session, "limit_rule", made.rows)
    return made.answer(f"limits-{local(utc_now()):%Y%m%d-%H%M}.csv")


@blueprint.get("/points/<int:point_id>")
@requires("alarm.read")
@web_transaction
def show_point_rules(session: Session, point_id: int) -> ResponseReturnValue:
    """Show the rules of one point: in force, the open draft to edit, every version with who, when and why."""
    actor = current_actor()
    row = find_point_row(session, point_id, scope=actor.scope)
    versions = versions_of(session, point_id, scope=actor.scope)
    draft = next((each for each in versions if each.LimitRule.id and each.LimitRule.state == 1), None)
    rules = rules_in_force(row)
    shown = from_content(draft.LimitRule.content) if draft else rules
    editable = actor.may("limit.draft") and row.status != 7 and (draft is None or draft.LimitChange.points == 1)
    return render_template(
        "limits/point.html",
        row=row,
        rules=rules,
        shown=shown,
        content=as_content(shown),
        lines=rule_lines(rules, row.unit),
        draft=draft,
        editable=editable,
        versions=[(each, differences(each.LimitRule.former, each.LimitRule.content)) for each in versions],
        templates=[each for each in templates(session) if (each.measure, each.unit) == (row.measure, row.unit)],
        orders=orders_of_object(session, row.enterprise_id, row.object_code, scope=actor.scope),
        enterprise=enterprise_names(session).get(row.enterprise_id, ""),
        measure=word_of("measure", row.measure, language()),
        kinds={name: word_of("alarm_kind", code, language()) for name, code in kinds_of(row.measure).items()},
        words=field_words(),
        states=state_words(),
        names=LIMIT_NAMES,
        season_rows=[(place, dict(enumerate(shown.seasons)).get(place)) for place in range(SEASON_ROWS)],
        hour_rows=[(place, dict(enumerate(shown.hours)).get(place)) for place in range(HOUR_ROWS)],
        weekdays=weekday_words(),
        number=number,
        clock=clock,
        short=short,
        band_names=BAND_NAMES,
        english=language().startswith("en"),
    )


@blueprint.post("/points/<int:point_id>")
@requires("limit.draft")
@web_transaction
def save_point_rules(session: Session, point_id: int) -> ResponseReturnValue:
    """Draw up new rules of a point, or change its open draft; the form's fields are those of `parse_rules`."""
    actor, now = current_actor(), utc_now()
    row = find_point_row(session, point_id, scope=actor.scope)
    days = {place: request.form.getlist(f"hours-{place}-day") for place in range(HOUR_ROWS)}
    rules = parse_rules(request.form, days, row.src_code)
    reason = parse_text(request.form, "reason", REASON_CHARS)
    if row.draft_id is not None and find_change(session, row.draft_id, scope=actor.scope).points == 1:
        change = change_draft(session, row.draft_id, rules, reason=reason, now=now, actor=actor)
    else:
        title = parse_text(request.form, "title", TITLE_CHARS) or (row.name or row.src_code)
        wanted = [Wanted(row, rules)]
        change = draft_change(
            session, wanted, title=title, reason=reason, template_key=None, now=now, actor=actor
        )
    flash(gettext("The draft was saved. Rehearse it over the past before it is released."), "success")
    return redirect(url_for("limit_changes.show_change", change_id=change.id))


@blueprint.post("/points/<int:point_id>/orders")
@requires("limit.draft")
@web_transaction
def add_order(session: Session, point_id: int) -> ResponseReturnValue:
    """File a work order for the object of a point; form fields `order_no`, `begins_at`, `ends_at`, `why`."""
    new = NewOrder(
        parse_text(request.form, "order_no", ORDER_CHARS),
        local_minute(request.form.get("begins_at", "")),
        local_minute(request.form.get("ends_at", "")),
        parse_text(request.form, "why", REASON_CHARS),
    )
    file_order(session, point_id, new, actor=current_actor())
    flash(gettext("The work order was filed."), "success")
    return redirect(url_for(".show_point_rules", point_id=point_id, _anchor="orders"))

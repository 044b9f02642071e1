"""The case pages: list, one case with its clock and timeline, and every step a person may take."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from gis.basemap.queries import district_names
from gis.network.queries import find_object
from portal.core.actor import Actor
from portal.core.clock import local, utc_now
from portal.core.codes import word_of, words_of
from portal.core.errors import Invalid, NotAllowed, NotFound
from portal.core.paging import Page, neighbours, parse_cursor
from portal.core.web import current_actor, requires, sentence_of, web_transaction
from portal.events.forms import Opening, parse_filter, parse_hours, parse_opening
from portal.events.queries import (
    CaseFilter,
    case_counts,
    case_facts,
    cases_page,
    enterprise_choices,
    limits_in_force,
    steps_of,
    working_calendar,
)
from portal.events.rules import (
    AFTERNOON,
    DEFAULT_TERMS,
    ENDED,
    MORNING,
    STEPS,
    State,
    Terms,
    clock_colour,
    due_at,
    extension_most,
    may,
    terms_of,
)
from portal.events.services import (
    accept_case,
    close_case,
    dispatch_case,
    extend_case,
    open_case_by_hand,
    refuse_case,
    reply_to_case,
    urge_case,
    verify_case,
    void_case,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LINKS = "CASE_LINKS"  # what features show on the page of a case: functions that give label and address, or None
blueprint = Blueprint("events", __name__, url_prefix="/events")
PERMISSION_OF_STEP = dict.fromkeys(STEPS, "case.handle") | {
    "reply": "case.reply",
    "close": "case.close",
    "void": "case.close",
}
WORKING_HOURS = " ".join(f"{begin:%H:%M}–{end:%H:%M}" for begin, end in (MORNING, AFTERNOON))
PROGRESS = (
    ("open", State.AWAITING_ACCEPTANCE),
    ("accept", State.FILED),
    ("dispatch", State.DISPATCHED),
    ("reply", State.REPLIED),
    ("verify", State.VERIFYING),
    ("close", State.CLOSED),
)


def language() -> str:
    """Return the caller's language as the code tables know it."""
    return str(get_locale() or "zh_CN")


def word(dictionary: str, code: int | None) -> str:
    """Return the word of a code in the caller's language."""
    return word_of(dictionary, code, language())


def state_tone(state: int) -> str:
    """Return how loudly a state is shown."""
    if state in (State.VOID, State.NOT_ACCEPTED):
        return ""
    if state in ENDED:
        return "ok"
    return "warn" if state in (State.AWAITING_ACCEPTANCE, State.REPLIED) else "info"


def step_words() -> dict[str, str]:
    """Return the steps of a case, in words."""
    return {
        "open": gettext("Opened"),
        "accept": gettext("Accepted and filed"),
        "refuse": gettext("Not accepted"),
        "dispatch": gettext("Dispatched"),
        "reply": gettext("Replied"),
        "verify": gettext("Verified"),
        "return": gettext("Sent back"),
        "extend": gettext("Deadline extended"),
        "urge": gettext("Urged"),
        "close": gettext("Case closed"),
        "void": gettext("Declared void"),
    }


@blueprint.get("")
@requires("case.read")
def show_events() -> ResponseReturnValue:
    """Lead to the list of cases."""
    return redirect(url_for(".show_cases"))


@blueprint.get("/cases")
@requires("case.read")
@web_transaction
def show_cases(session: Session) -> ResponseReturnValue:
    """Show the cases of the caller's scope, newest first."""
    scope, wanted, now = current_actor().scope, parse_filter(request.args), utc_now()
    page = cases_page(
        session, wanted, cursor=parse_cursor(request.args), scope=scope, now=now
    )
    return render_template(
        "events/cases.html",
        page=page,
        wanted=wanted,
        counts=case_counts(session, scope=scope, now=now),
        enterprises=enterprise_choices(session),
        levels=words_of("alarm_level", language()),
        word=word,
        state_tone=state_tone,
        ended=[int(each) for each in ENDED],
        links=_page_links(page, wanted),
    )


def _page_links(page: Page, wanted: CaseFilter) -> dict[str, str | None]:
    kept: dict[str, Any] = {key: request.args[key] for key in ("level", "enterprise", "q") if request.args.get(key)}
    address = partial(url_for, ".show_cases", **kept, view=wanted.view)
    return neighbours(page, lambda row: (row.opened_at, row.id), address)


@blueprint.get("/cases/new")
@requires("case.open")
@web_transaction
def open_form(session: Session) -> ResponseReturnValue:
    """Show the form of a case opened by hand; `layer` and `id`, or `enterprise` and `object`, fill it in."""
    return _opening_page(session, _asked_about(session))


def _asked_about(session: Session) -> Opening:
    layer, number = request.args.get("layer", ""), request.args.get("id", 0, type=int)
    opening = parse_opening(request.args)
    if not layer:
        return opening
    thing = find_object(session, current_actor().scope, layer, number)
    code = "" if layer == "user" else thing.src_code
    return replace(opening, enterprise_id=thing.enterprise_id, object_code=code, adcode=thing.adcode)


def _opening_page(session: Session, opening: Opening, wrong: str = "") -> str:
    scope, now = current_actor().scope, utc_now()
    districts = district_names(session, language())
    return render_template(
        "events/open.html",
        opening=opening,
        wrong=wrong,
        terms=_terms_offered(session, now),
        levels=words_of("alarm_level", language()),
        enterprises=enterprise_choices(session),
        districts={code: name for code, name in districts.items() if scope.whole_city or code in scope.adcodes},
        hours=WORKING_HOURS,
    )


def _terms_offered(session: Session, now: datetime) -> list[dict[str, Any]]:
    """Return the types of cases with their limit in words and the deadline if opened now."""
    limits, calendar = limits_in_force(session), working_calendar(session)
    offered = []
    for case_class, name in words_of("case_class", language()).items():
        if case_class not in DEFAULT_TERMS:
            continue
        terms = terms_of(case_class, limits)
        due = due_at(now, terms, calendar)
        offered.append({"code": case_class, "name": name, "limit": _limit_said(terms), "due_at": due})
    return offered


def _limit_said(terms: Terms) -> str:
    hours = terms.limit_minutes / 60
    if terms.working_time:
        return gettext("%(n)s working hours", n=f"{hours:g}")
    if hours > 48 and hours % 24 == 0:
        return gettext("%(n)s days", n=f"{hours / 24:g}")
    return gettext("%(n)s hours", n=f"{hours:g}")


@blueprint.post("/cases")
@requires("case.open")
@web_transaction
def open_by_hand(session: Session) -> ResponseReturnValue:
    """Open a case by hand; see `parse_opening` for the fields."""
    opening = parse_opening(request.form)
    try:
        case = open_case_by_hand(session, opening, now=utc_now(), actor=current_actor())
    except Invalid as wrong:
        return _opening_page(session, opening, sentence_of(wrong.code, **wrong.facts)), 400
    flash(gettext("Case %(number)s opened.", number=case.case_no), "success")
    return redirect(url_for(".show_case", case_id=case.id))


@blueprint.get("/cases/<int:case_id>")
@requires("case.read")
@web_transaction
def show_case(session: Session, case_id: int) -> ResponseReturnValue:
    """Show one case: progress, clock, timeline, and what the caller may do now."""
    actor, now = current_actor(), utc_now()
    case = case_facts(session, case_id, scope=actor.scope)
    steps = steps_of(session, case_id, scope=actor.scope)
    return render_template(
        "events/case.html",
        case=case,
        running=case.state not in ENDED,
        facts=_facts(case),
        clock=_clock(case, now),
        progress=_progress(case, steps),
        steps=[_told(step) for step in steps],
        actions=_actions(case, actor, extended=any(step.action == "extend" for step in steps)),
        extend_most=_half_hours(case),
        links=[link for offer in current_app.config.get(LINKS, ()) if (link := offer(session, actor, case_id))],
        word=word,
        state_tone=state_tone,
    )


def _actions(case: Any, actor: Actor, *, extended: bool) -> set[str]:
    allowed = {
        action
        for action, permission in PERMISSION_OF_STEP.items()
        if actor.may(permission) and may(action, case.state)
    }
    if extended:
        allowed.discard("extend")
    if actor.enterprise_id != case.enterprise_id:
        allowed.discard("reply")
    return allowed


def _half_hours(case: Any) -> float:
    most = extension_most(case.opened_at, case.due_at) / timedelta(hours=1)
    return int(most * 2) / 2


def instant(at: datetime | None) -> str | None:
    """Return an instant in city time, or None."""
    return local(at).strftime("%Y-%m-%d %H:%M") if at else None


def _facts(case: Any) -> list[tuple[str, Any]]:
    return [
        (gettext("Number"), case.case_no),
        (gettext("Enterprise"), case.enterprise),
        (gettext("Class"), word("case_class", case.case_class)),
        (gettext("Opened"), instant(case.opened_at)),
        (gettext("Due"), instant(case.due_at)),
        (gettext("Dispatched"), instant(case.dispatched_at)),
        (gettext("Replied"), instant(case.replied_at)),
        (gettext("Case closed"), instant(case.closed_at)),
        (gettext("Sent back, times"), case.rework_n),
        (gettext("Urged, times"), case.urged_n),
    ]


def _clock(case: Any, now: datetime) -> dict[str, Any]:
    colour = clock_colour(case.opened_at, case.due_at, now)
    share = (now - case.opened_at) / max(case.due_at - case.opened_at, timedelta(seconds=1))
    words = {
        "green": gettext("Within the time limit"),
        "yellow": gettext("Half of the time is gone"),
        "orange": gettext("Little time left"),
        "red": gettext("Overdue"),
    }
    tones = {"green": "ok", "yellow": "info", "orange": "warn", "red": "bad"}
    bars = {"green": "bok", "yellow": "b3", "orange": "b2", "red": "b1"}
    return {
        "word": words[colour],
        "tone": tones[colour],
        "bar": bars[colour],
        "share": round(min(max(share, 0.0), 1.0) * 100, 1),
    }


def _progress(case: Any, steps: Any) -> list[dict[str, str]]:
    """Return the straight way of a case with the place it has reached."""
    named, last = step_words(), {step.action: step.at for step in steps}
    reached = max(
        (place for place, (_, state) in enumerate(PROGRESS) if case.state >= state), default=0
    )
    if case.state == State.HANDLING:
        reached = 2
    entries = []
    for place, (action, _) in enumerate(PROGRESS):
        over = place < reached or case.state == State.CLOSED
        state = "done" if over else ("now" if place == reached else "")
        at = last.get(action) if place <= reached else None
        note = local(at).strftime("%m-%d %H:%M") if at else ""
        entries.append({"label": named[action], "note": note, "state": state})
    return entries


def who(step: Any) -> str:
    """Return who took a step, in words a reader knows."""
    kinds = {"program": gettext("Enterprise's program"), "job": gettext("Portal")}
    return kinds.get(step.actor_kind) or str(step.actor_name)


def _told(step: Any) -> dict[str, Any]:
    """Return one step as an entry of the timeline."""
    rungs = {
        "L0": gettext("80 % of the time limit is gone."),
        "L1": gettext("The time limit is reached."),
        "L2": gettext("Long overdue: supervision letter to the head of the unit."),
    }
    text = rungs.get(step.note or "", step.note) if step.action == "urge" else step.note
    tones = {"close": "ok", "verify": "ok", "return": "bad", "urge": "warn", "void": "bad"}
    return {
        "at": step.at,
        "title": step_words().get(step.action, step.action),
        "text": text,
        "who": who(step),
        "tone": tones.get(step.action, "now" if step.action == "reply" else ""),
    }


@blueprint.post("/cases/<int:case_id>/<action>")
@requires("case.read")
@web_transaction
def take_step(session: Session, case_id: int, action: str) -> ResponseReturnValue:
    """Take one step of a case; fields `note`, and `text`, `finding` or `hours` where they apply."""
    actor = current_actor()
    if action not in PERMISSION_OF_STEP:
        raise NotFound("case", case_id=case_id)
    if not actor.may(PERMISSION_OF_STEP[action]):
        current_app.extensions["portal_denied"](actor, PERMISSION_OF_STEP[action])
        raise NotAllowed("not_allowed", permission=PERMISSION_OF_STEP[action])
    _take(session, case_id, action, actor)
    flash(gettext("Recorded: %(step)s", step=step_words()[action]), "success")
    return redirect(url_for(".show_case", case_id=case_id))


def _take(session: Session, case_id: int, action: str, actor: Actor) -> None:
    form, now = request.form, utc_now()
    note = form.get("note", "")
    simple = {
        "accept": accept_case,
        "refuse": refuse_case,
        "dispatch": dispatch_case,
        "urge": urge_case,
        "void": void_case,
    }
    if action in simple:
        simple[action](session, case_id, note=note, now=now, actor=actor)
    elif action == "reply":
        reply_to_case(session, case_id, text=form.get("text", ""), now=now, actor=actor)
    elif action == "close":
        close_case(session, case_id, finding=form.get("finding", ""), now=now, actor=actor)
    elif action == "extend":
        hours = parse_hours(form)
        extend_case(session, case_id, hours=hours, note=note, now=now, actor=actor)
    else:
        passed = action == "verify"
        verify_case(session, case_id, passed=passed, note=note, now=now, actor=actor)

"""The pages of proposed corrections: the list with bulk answers, a new one, one with its history, files."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.network.queries import find_object, place_of
from portal.core.clock import local, utc_now
from portal.core.errors import Invalid
from portal.core.exports import CsvFile
from portal.core.paging import neighbours, parse_cursor
from portal.core.web import current_actor, note_export, requires, web_transaction
from portal.proposals.fields import FIELDS
from portal.proposals.forms import parse_filter, parse_numbers, parse_place, parse_reason, parse_wish
from portal.proposals.queries import (
    CONFLICT,
    counts_by_state,
    find_proposal,
    proposals_listed,
    proposals_page,
    steps_of,
)
from portal.proposals.rules import RUNNING
from portal.proposals.services import answer, answer_many, propose, withdraw
from portal.proposals.words import (
    TONES,
    action_words,
    change_lines,
    choices_of,
    field_words,
    filter_words,
    how_words,
    layer_words,
    state_words,
    value_words,
)
from portal.registers.queries import enterprise_names

blueprint = Blueprint("proposals", __name__, url_prefix="/proposals")


def _language() -> str:
    return str(get_locale() or "zh_CN")


def _shared(session: Session) -> dict[str, Any]:
    return {
        "states": state_words(), "tones": TONES, "layers": layer_words(), "enterprises": enterprise_names(session),
        "lines": partial(change_lines, language=_language()), "running": RUNNING, "conflict": CONFLICT,
    }  # fmt: skip


@blueprint.get("")
@requires("map.read")
@web_transaction
def list_proposals(session: Session) -> ResponseReturnValue:
    """Show the proposals of a filter, newest first."""
    scope, wanted = current_actor().scope, parse_filter(request.args)
    page = proposals_page(session, scope, wanted, parse_cursor(request.args))
    kept: dict[str, Any] = {**wanted.kept()}
    address = partial(url_for, ".list_proposals", **kept)
    links = neighbours(page, lambda row: (row.Proposal.proposed_at, row.Proposal.id), address)
    return render_template(
        "proposals/list.html", rows=page.rows, wanted=wanted, narrowed=bool(kept), links=links, filters=filter_words(),
        counts=counts_by_state(session, scope), export_url=url_for(".export_proposals", **kept), **_shared(session),
    )  # fmt: skip


@blueprint.get("/export.csv")
@requires("map.read")
@web_transaction
def export_proposals(session: Session) -> ResponseReturnValue:
    """Return the proposals of a filter as CSV; the audit keeps it."""
    words = _shared(session)
    made = CsvFile([
        gettext("Number"), gettext("State"), gettext("Layer"), gettext("Object code"), gettext("Enterprise"), gettext("Changes"),
        gettext("Reason"), gettext("Proposed by"), gettext("Proposed at"), gettext("Answered by"), gettext("Answer"),
        gettext("Longitude"), gettext("Latitude"),
    ])  # fmt: skip
    for row in proposals_listed(session, current_actor().scope, parse_filter(request.args)):
        each = row.Proposal
        changes = "; ".join(f"{line['name']}: {line['was']} → {line['wanted']}" for line in words["lines"](each))
        made.add([
            each.id, words["states"][each.state], words["layers"][each.layer], each.object_code,
            words["enterprises"].get(each.enterprise_id, ""), changes, each.reason, each.proposed_by,
            local(each.proposed_at).strftime("%Y-%m-%d %H:%M"), each.answered_by or "", each.answer or "",
            round(row.lon, 6), round(row.lat, 6),
        ])  # fmt: skip
    note_export(session, "network_proposal", made.rows)
    return made.answer("proposals.csv")


@blueprint.get("/new")
@requires("proposal.make")
@web_transaction
def new_proposal(session: Session) -> ResponseReturnValue:
    """Show the form for an object (`layer`, `id`) or for a missing one (`layer`, `place`)."""
    actor, layer, number = current_actor(), request.args.get("layer", ""), request.args.get("id", type=int)
    if layer not in FIELDS:
        raise Invalid("proposal_layer")
    thing = find_object(session, actor.scope, layer, number) if number is not None else None
    spot = place_of(session, actor.scope, layer, thing.id) if thing is not None else _asked_place()
    fields = [
        {
            "field": each, "label": field_words()[each.name], "choices": choices_of(layer, each, _language()),
            "now": value_words(layer, each.name, getattr(thing, each.name), _language()) if thing is not None else "",
        }
        for each in FIELDS[layer]
    ]  # fmt: skip
    return render_template(
        "proposals/new.html",
        layer=layer,
        thing=thing,
        spot=spot,
        fields=fields,
        is_line=layer == "pipe",
        **_shared(session),
    )


def _asked_place() -> dict[str, Any] | None:
    spots = parse_place(request.args.get("place", ""))
    return {"lon": spots[0][0], "lat": spots[0][1]} if spots else None


@blueprint.post("/new")
@requires("proposal.make")
@web_transaction
def make_proposal(session: Session) -> ResponseReturnValue:
    """Keep a proposal beside the enterprise's value."""
    made = propose(session, parse_wish(request.form), now=utc_now(), actor=current_actor())
    flash(gettext("Proposed; the enterprise answers it."))
    return redirect(url_for(".show_proposal", proposal_id=made.id))


@blueprint.get("/<int:proposal_id>")
@requires("map.read")
@web_transaction
def show_proposal(session: Session, proposal_id: int) -> ResponseReturnValue:
    """Show one proposal: both values side by side, what came between, and its history."""
    actor = current_actor()
    row = find_proposal(session, proposal_id, scope=actor.scope)
    proposal = row.Proposal
    running = proposal.state in RUNNING
    return render_template(
        "proposals/proposal.html", row=row, proposal=proposal, changes=change_lines(proposal, _language()),
        history=steps_of(session, proposal_id, scope=actor.scope), actions=action_words(), how=how_words(),
        may_answer=running and actor.may("proposal.answer") and actor.enterprise_id == proposal.enterprise_id,
        may_withdraw=running and actor.may("proposal.make"), **_shared(session),
    )  # fmt: skip


@blueprint.post("/<int:proposal_id>/answer")
@requires("proposal.answer")
@web_transaction
def answer_proposal(session: Session, proposal_id: int) -> ResponseReturnValue:
    """Answer for the enterprise; fields `action` (accept, refuse, take), `reason`, `confirmed`."""
    confirmed = request.form.get("confirmed") == "1"
    action, reason = request.form.get("action", ""), parse_reason(request.form)
    answer(session, proposal_id, action, reason, confirmed=confirmed, now=utc_now(), actor=current_actor())
    flash(gettext("Answered."))
    return redirect(url_for(".show_proposal", proposal_id=proposal_id))


@blueprint.post("/answers")
@requires("proposal.answer")
@web_transaction
def answer_several(session: Session) -> ResponseReturnValue:
    """Answer the chosen proposals alike; fields `number` (repeated), `action`, `reason`."""
    numbers, action = parse_numbers(request.form.getlist("number")), request.form.get("action", "")
    done, left = answer_many(session, numbers, action, parse_reason(request.form), now=utc_now(), actor=current_actor())
    flash(gettext("%(n)s answered, %(m)s left as they are.", n=done, m=len(left)))
    return redirect(url_for(".list_proposals"))


@blueprint.post("/<int:proposal_id>/withdraw")
@requires("proposal.make")
@web_transaction
def withdraw_proposal(session: Session, proposal_id: int) -> ResponseReturnValue:
    """Take a proposal back; field `reason`."""
    withdraw(session, proposal_id, parse_reason(request.form), now=utc_now(), actor=current_actor())
    flash(gettext("Withdrawn."))
    return redirect(url_for(".show_proposal", proposal_id=proposal_id))

"""The versions of the risk model: reading, drafting, what-if, release by somebody else."""

from __future__ import annotations

from typing import Any

import numpy as np
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from gis.network.graph_queries import codes_of
from gis.risk.defaults import VERSION_1
from gis.risk.model import GRADING, LIKELIHOOD, differences
from gis.risk.models import DRAFT
from portal.core.clock import utc_now
from portal.core.web import current_actor, opened, requires, web_transaction
from portal.safety.risk.forms import parse_figures, parse_texts
from portal.safety.risk.labels import colour_names, colour_words, factor_words, figure_words
from portal.safety.risk.model_queries import (
    factors_of,
    find_version,
    model_numbered,
    open_draft,
    released_version,
    versions,
)
from portal.safety.risk.services import change_draft, discard, draft_model, rehearse, release

blueprint = Blueprint("risk_models", __name__, url_prefix="/safety/risk/models")


def _words() -> dict[str, Any]:
    return {
        "factor_words": factor_words(),
        "figure_words": figure_words,
        "figure_order": {key: list(factor.bands) for key, factor in VERSION_1.factors.items()},
        "colours": colour_names(),
        "colour_words": colour_words(),
        "states": {1: (gettext("Draft"), "warn"), 2: (gettext("In force"), "ok"), 3: (gettext("Retired"), "")},
        "likelihood_keys": LIKELIHOOD,
        "grading_keys": GRADING,
    }


@blueprint.get("")
@requires("risk.model")
@web_transaction
def list_models(session: Session) -> ResponseReturnValue:
    """Show the versions of the model and a form for a new draft."""
    actor = current_actor()
    return render_template(
        "risk/models.html",
        versions=versions(session),
        may_draft=actor.may("risk.draft") and actor.scope.whole_city and open_draft(session) is None,
        **_words(),
    )


@blueprint.post("")
@requires("risk.draft")
@web_transaction
def create_draft(session: Session) -> ResponseReturnValue:
    """Draw up a draft from the version in force; form fields `title` and `reason`."""
    title, reason = parse_texts(request.form)
    made = draft_model(session, title=title, reason=reason, now=utc_now(), actor=current_actor())
    return redirect(url_for(".show_model", number=made.id))


@blueprint.get("/<int:number>")
@requires("risk.model")
@web_transaction
def show_model(session: Session, number: int) -> ResponseReturnValue:
    """Show one version: its factors with weights, figures and sources, what differs from its base, and its what-if."""
    version, actor = find_version(session, number), current_actor()
    model = model_numbered(session, number)
    base = model_numbered(session, version.based_on) if version.based_on else None
    changed = {(key, name): was for key, name, was, _ in differences(base, model)} if base else {}
    draft = version.state == DRAFT
    return render_template(
        "risk/model.html",
        version=version,
        model=model,
        rows=factors_of(session, number),
        changed=changed,
        told=version.rehearsal,
        released=released_version(session).id,
        editing=draft and actor.may("risk.draft") and actor.scope.whole_city,
        releasing=draft and actor.may("risk.release"),
        own=version.drafted_by == actor.name,
        codes=_codes(session, version.rehearsal) if actor.may("safety.read") else {},
        **_words(),
    )


def _codes(session: Session, told: Any) -> dict[int, str]:
    """Return the codes of the segments a what-if names, of those in scope."""
    numbers = [each[0] for each in told["examples"]] if told else []
    return codes_of(session, "pipe", np.array(numbers, np.int64)) if numbers else {}


@blueprint.post("/<int:number>")
@requires("risk.draft")
@web_transaction
def save_draft(session: Session, number: int) -> ResponseReturnValue:
    """Change a draft; form fields `w.<factor>`, `f.<factor>.<figure>`, `s.<factor>`."""
    weights, figures, sources = parse_figures(request.form, model_numbered(session, find_version(session, number).id))
    change_draft(
        session, number, weights=weights, figures=figures, sources=sources, now=utc_now(), actor=current_actor()
    )
    flash(gettext("The draft was saved. Work out its what-if before it can be released."), "success")
    return redirect(url_for(".show_model", number=number))


@blueprint.post("/<int:number>/rehearse")
@requires("risk.draft")
def rehearse_draft(number: int) -> ResponseReturnValue:
    """Work out what a draft would colour, over the whole city; no segment is changed."""
    with opened(worker=True) as session:
        rehearse(session, number, now=utc_now(), actor=current_actor())
    return redirect(url_for(".show_model", number=number, _anchor="what-if"))


@blueprint.post("/<int:number>/release")
@requires("risk.release")
@web_transaction
def release_draft(session: Session, number: int) -> ResponseReturnValue:
    """Put a draft in force."""
    release(session, number, now=utc_now(), actor=current_actor())
    flash(gettext("The version is in force; every segment is worked out anew within a minute."), "success")
    return redirect(url_for(".show_model", number=number))


@blueprint.post("/<int:number>/discard")
@requires("risk.draft")
@web_transaction
def discard_draft(session: Session, number: int) -> ResponseReturnValue:
    """Put a draft aside."""
    discard(session, number, now=utc_now(), actor=current_actor())
    flash(gettext("The draft was put aside."), "success")
    return redirect(url_for(".list_models"))

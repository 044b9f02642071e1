"""Pages of the self-defence: quotas, keys that were cut off, and giving them free again."""

from __future__ import annotations

import math

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from ingestion_adapters.defence.queries import incidents, sender_lines
from ingestion_adapters.defence.rules import Limits
from ingestion_adapters.defence.services import release_key, set_quota
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.web import current_actor, requires, settings, web_transaction

blueprint = Blueprint("defence", __name__)
PAGE_ROWS = 50
MAX_ID = 2**31 - 1


@blueprint.get("/intake/defence")
@requires("intake.read")
@web_transaction
def show_defence(session: Session) -> ResponseReturnValue:
    """Show quotas and cut-off keys within the scope."""
    return _page(session, manage=False)


@blueprint.get("/admin/defence")
@requires("key.manage")
def manage_defence() -> ResponseReturnValue:
    """Show quotas and cut-off keys of the whole city, with the forms that change them."""
    with transaction(settings(), CITY) as session:
        return _page(session, manage=True)


def _page(session: Session, *, manage: bool) -> str:
    before = request.args.get("before", 0, type=int)
    found = incidents(session, before=before if 0 < before < MAX_ID else 0, limit=PAGE_ROWS)
    here = url_for(".manage_defence" if manage else ".show_defence")
    return render_template(
        "intake/defence.html",
        manage=manage,
        lines=sender_lines(session, utc_now()),
        incidents=found[:PAGE_ROWS],
        links={
            "prev": here if before else None,
            "next": f"{here}?before={found[PAGE_ROWS - 1][0].id}" if len(found) > PAGE_ROWS else None,
        },
    )


@blueprint.post("/admin/defence/keys/<int:key_id>/release")
@requires("key.manage")
def release(key_id: int) -> ResponseReturnValue:
    """Give a key free again; form field `reason`."""
    with transaction(settings(), CITY, worker=True) as session:
        reason = request.form.get("reason", "")
        release_key(session, min(key_id, MAX_ID), reason=reason, now=utc_now(), actor=current_actor())
    flash(gettext("The key is free again"), "ok")
    return redirect(url_for(".manage_defence"))


@blueprint.post("/admin/defence/quotas/<int:enterprise_id>")
@requires("key.manage")
def change_quota(enterprise_id: int) -> ResponseReturnValue:
    """Set an enterprise's quota; form fields `rows_per_s`, `burst_rows`, `requests_per_s`, `reason`."""
    wanted = Limits(
        rows_per_s=_figure("rows_per_s"), burst_rows=_figure("burst_rows"), requests_per_s=_figure("requests_per_s")
    )
    with transaction(settings(), CITY, worker=True) as session:
        reason = request.form.get("reason", "")
        set_quota(session, min(enterprise_id, MAX_ID), wanted, reason=reason, now=utc_now(), actor=current_actor())
    flash(gettext("The quota is set"), "ok")
    return redirect(url_for(".manage_defence"))


def _figure(name: str) -> float:
    """Return a figure of the form; 0, which the service refuses, for what is none."""
    found = request.form.get(name, 0.0, type=float)
    return found if math.isfinite(found) else 0.0

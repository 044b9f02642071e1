"""Administration of figures, code tables and scheduled runs."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from portal.core.clock import utc_now
from portal.core.errors import Invalid
from portal.core.web import current_actor, opened, requires
from portal.jobs.queries import (
    PAGE_ROWS,
    job_names,
    job_runs,
    parameters,
)
from portal.jobs.services import set_parameter

blueprint = Blueprint("jobs", __name__, url_prefix="/admin")
MAX_ID = 2**63 - 1
REASON_CHARS = 300


@blueprint.get("/parameters")
@requires("parameter.manage")
def figures() -> ResponseReturnValue:
    """List the adjustable figures with their sources."""
    with opened() as session:
        found = parameters(session)
    return render_template("admin/parameters.html", parameters=found, english=str(get_locale()).startswith("en"))


@blueprint.post("/parameters/<key>")
@requires("parameter.manage")
def set_figure(key: str) -> ResponseReturnValue:
    """Change one figure; form fields `value` and `reason`."""
    try:
        value = float(request.form.get("value", ""))
    except ValueError as wrong:
        raise Invalid("parameter_value", key=key) from wrong
    reason = request.form.get("reason", "").replace("\x00", "")[:REASON_CHARS]
    with opened() as session:
        set_parameter(
            session,
            key.replace("\x00", ""),
            value,
            reason=reason,
            now=utc_now(),
            actor=current_actor(),
        )
    flash(gettext("The figure was changed and is in force."))
    return redirect(url_for(".figures"))


@blueprint.get("/jobs")
@requires("job.read")
def runs() -> ResponseReturnValue:
    """List scheduled runs, newest first; filter `job`, keyset paging in `before`."""
    job = request.args.get("job", "").replace("\x00", "")[:100]
    before = request.args.get("before", type=int)
    with opened() as session:
        found = job_runs(session, job=job, before=before if before and 0 < before <= MAX_ID else None)
        names = job_names(session)
    more = found[PAGE_ROWS - 1].id if len(found) > PAGE_ROWS else None
    return render_template(
        "admin/jobs.html",
        runs=found[:PAGE_ROWS],
        names=names,
        job=job,
        first_url=url_for(".runs", job=job or None) if before else None,
        next_url=url_for(".runs", job=job or None, before=more) if more else None,
    )

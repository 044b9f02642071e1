"""Pages of agreements on evaluations: every enterprise's state, one agreement with its versions, proposing, confirming."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from portal.accounts.queries import enterprise_by_id
from portal.core.clock import local, utc_now
from portal.core.errors import NotFound
from portal.core.web import current_actor, requires, web_transaction
from reports.agreement_rules import CITY, ENTERPRISE, Terms, first_terms, parse_terms
from reports.agreements import (
    confirm,
    in_force,
    newest_by_enterprise,
    party_of,
    propose,
    served_enterprises,
    versions,
)
from reports.indicators import DEFINITIONS, GROUP_NAMES, with_agreed
from reports.queries import active_enterprises, agreed_figures
from reports.services import month_of
from reports.wording import LANGUAGES, wording

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("agreements", __name__, url_prefix="/evaluation/agreements")


@blueprint.get("")
@requires("report.read")
@web_transaction
def list_all(session: Session) -> ResponseReturnValue:
    """List the enterprises in scope with the newest version of their agreement and what holds this month."""
    month = _this_month()
    firms = [each for each in active_enterprises(session) if _reaches(session, each["id"])]
    newest = newest_by_enterprise(session)
    lines = [(each, newest.get(each["id"]), in_force(session, each["id"], month)) for each in firms]
    return render_template("reports/agreements.html", lines=lines, month=month)


@blueprint.get("/<int:enterprise_id>")
@requires("report.read")
@web_transaction
def show(session: Session, enterprise_id: int) -> ResponseReturnValue:
    """Show what holds, the newest version with the form for the next one, and all versions."""
    if not 0 < enterprise_id < 2**31 or not _reaches(session, enterprise_id):
        raise NotFound("enterprise", enterprise_id=enterprise_id)
    enterprise = enterprise_by_id(session, enterprise_id)
    found, month = versions(session, enterprise_id), _this_month()
    may = current_actor().may("evaluation.agree")
    party = party_of(current_actor()) if may else ""
    say = wording("en" if str(get_locale()).startswith("en") else LANGUAGES[0])
    return render_template(
        "reports/agreement.html",
        enterprise=enterprise,
        versions=found,
        holding=in_force(session, enterprise_id, month),
        terms=found[0].terms if found else _standing(session, month),
        may=may,
        may_confirm=may and bool(found) and party not in found[0].consents,
        definitions=DEFINITIONS,
        group_names=GROUP_NAMES,
        say=say,
        parties={CITY: gettext("City"), ENTERPRISE: gettext("Enterprise")},
        month=month,
    )


@blueprint.post("/<int:enterprise_id>")
@requires("evaluation.agree")
@web_transaction
def write_down(session: Session, enterprise_id: int) -> ResponseReturnValue:
    """Write the next version down; fields `month`, `note`, `grade_A` …, and `weight_`, `target_`, `floor_`, `node_` + id."""
    if not 0 < enterprise_id < 2**31:
        raise NotFound("enterprise", enterprise_id=enterprise_id)
    terms = parse_terms(request.form, month_of(request.form.get("month", "")))
    row = propose(session, enterprise_id, terms, now=utc_now(), actor=current_actor())
    flash(gettext("Version %(n)s is written down and waits for the other side", n=row.version), "ok")
    return redirect(url_for(".show", enterprise_id=enterprise_id), 303)


@blueprint.post("/versions/<int:agreement_id>/confirm")
@requires("evaluation.agree")
@web_transaction
def agree(session: Session, agreement_id: int) -> ResponseReturnValue:
    """Confirm the newest version for one's own side."""
    row = confirm(session, agreement_id, now=utc_now(), actor=current_actor())
    flash(gettext("Version %(n)s is confirmed by both sides and holds from its month on", n=row.version), "ok")
    return redirect(url_for(".show", enterprise_id=row.enterprise_id), 303)


def _reaches(session: Session, enterprise_id: int) -> bool:
    """Return whether the caller may see an enterprise's agreement: his own, or one that serves his district."""
    scope = current_actor().scope
    if scope.covers(enterprise_id, None):
        return True
    return bool(scope.adcodes) and enterprise_id in served_enterprises(session)


def _standing(session: Session, month: date) -> Terms:
    """Return what holds without an agreement, as the draft to begin with; nodes in the caller's language."""
    say = wording("en" if str(get_locale()).startswith("en") else LANGUAGES[0])
    return first_terms(month, with_agreed(DEFINITIONS, agreed_figures(session)), say)


def _this_month() -> date:
    return local(utc_now()).date().replace(day=1)

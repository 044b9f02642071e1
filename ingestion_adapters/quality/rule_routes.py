"""Pages of the rules: definition, versions, the rule's own examples, proposals and the second person's decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from ingestion_adapters.quality import queries as reads
from ingestion_adapters.quality.labels import quality_words, rule_state_words
from ingestion_adapters.quality.ruleset import Proposal, decide, propose, trials, versions_of
from portal.core.clock import utc_now
from portal.core.errors import Invalid
from portal.core.web import current_actor, requires, web_transaction

blueprint = Blueprint("quality_rules", __name__, url_prefix="/intake/quality/rules")


@blueprint.get("")
@requires("intake.read")
@web_transaction
def list_rules(session: Any) -> ResponseReturnValue:
    """List the rules with what they found on the newest day."""
    day = reads.newest_day(session)
    return render_template(
        "quality/rules.html",
        day=day,
        lines=reads.rule_lines(session, day),
        names=quality_words(_language()),
        states=rule_state_words(),
        english=_language() == "en",
    )


@blueprint.get("/<code>")
@requires("intake.read")
@web_transaction
def show_rule(session: Any, code: str) -> ResponseReturnValue:
    """Show a rule: what it asks for, its figures, its examples run now, its versions, and a proposal form."""
    versions = versions_of(session, code)
    present = next((each for each in versions if each.state == "in_force"), versions[0])
    actor = current_actor()
    people = {each.proposed_by for each in versions} | {each.decided_by for each in versions}
    waiting = next((each for each in versions if each.state == "proposed"), None)
    return render_template(
        "quality/rule.html",
        present=present,
        versions=versions,
        waiting=waiting,
        trials=trials(code, present.kind, present.parameters),
        waiting_trials=trials(code, waiting.kind, waiting.parameters) if waiting else [],
        people=reads.people_named(session, people),
        names=quality_words(_language()),
        states=rule_state_words(),
        english=_language() == "en",
        may_propose=actor.may("quality.manage") and waiting is None,
        may_decide=waiting is not None and actor.may("quality.manage") and actor.id != waiting.proposed_by,
    )


@blueprint.post("/<code>/proposals")
@requires("quality.manage")
@web_transaction
def propose_version(session: Any, code: str) -> ResponseReturnValue:
    """Propose the next version; form fields `weight`, `severity`, `reason` and one `p-…` for each figure."""
    present = next((each for each in versions_of(session, code) if each.state == "in_force"), None)
    if present is None:
        raise Invalid("quality_parameters")
    wanted = Proposal(
        parameters={
            name: _like(value, request.form.get(f"p-{name}", "")) for name, value in present.parameters.items()
        },
        weight=_number(request.form.get("weight", "")),
        severity=int(_number(request.form.get("severity", ""))),
        reason=request.form.get("reason", "").replace("\x00", ""),
    )
    propose(session, code, wanted, now=utc_now(), actor=current_actor())
    flash(gettext("The new version waits for the second person."))
    return redirect(url_for(".show_rule", code=code))


@blueprint.post("/proposals/<int:rule_id>")
@requires("quality.manage")
@web_transaction
def decide_on_version(session: Any, rule_id: int) -> ResponseReturnValue:
    """Approve or refuse a proposed version; form fields `approve` yes or no, `note`."""
    if rule_id >= 2**31:
        raise Invalid("quality_parameters")
    note = request.form.get("note", "").replace("\x00", "")
    approve = request.form.get("approve") == "yes"
    rule = decide(session, rule_id, approve=approve, note=note, now=utc_now(), actor=current_actor())
    return redirect(url_for(".show_rule", code=rule.code))


def _like(before: Any, text: str) -> Any:
    """Read a figure in the form that it has now."""
    if isinstance(before, str):
        return text.strip()[:40]
    if isinstance(before, list):
        parts: Mapping[int, str] = dict(enumerate(text.replace("，", ",").split(",")))
        return [int(_number(part)) for part in parts.values()][:50]
    number = _number(text)
    return int(number) if isinstance(before, int) and number == int(number) else number


def _number(text: str) -> float:
    try:
        found = float(text.strip())
    except ValueError as wrong:
        raise Invalid("quality_parameters") from wrong
    if not math.isfinite(found) or abs(found) > 1e9:
        raise Invalid("quality_parameters")
    return found


def _language() -> str:
    return "en" if str(get_locale()).startswith("en") else "zh"

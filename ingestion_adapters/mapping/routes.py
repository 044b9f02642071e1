"""Pages of mappings: how an enterprise speaks, tried out before it is saved; and messages as sent beside as understood."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.mapping.form import FILE_BYTES, read_mapping, schema, tags_of
from ingestion_adapters.mapping.forms import empty_body, form_lines, merged, points_text
from ingestion_adapters.mapping.models import EnterpriseMapping
from ingestion_adapters.mapping.queries import mapping_in_force, points_of, raw_message, versions_of
from ingestion_adapters.mapping.rules import MEASURED, translated, translation_of
from ingestion_adapters.mapping.services import save_mapping, sent_row
from ingestion_adapters.mapping.trial import Seen, see
from ingestion_adapters.receipts import receipt_of
from ingestion_adapters.sentences import reason
from portal.accounts.models import Enterprise
from portal.accounts.queries import enterprises
from portal.core.clock import CITY_ZONE, local, utc_now
from portal.core.codes import words_of
from portal.core.errors import Invalid, NotFound
from portal.core.web import current_actor, opened, requires, web_transaction

blueprint = Blueprint("mapping", __name__, url_prefix="/intake")
MAX_ID = 2**31 - 1
SYSTEMS = ("GCJ02", "BD09", "EPSG:4546", "EPSG:4547", "EPSG:4548", "EPSG:4549", "EPSG:4526", "WGS84")
MEASURES_WITH_UNIT = (1, 2, 4, 5, 9, 11, 12, 13)


@blueprint.get("/mappings")
@requires("mapping.manage")
@web_transaction
def list_mappings(session: Session) -> ResponseReturnValue:
    """List the enterprises within reach with the version that holds; an enterprise goes to its own page."""
    senders = _senders(session)
    if len(senders) == 1:
        return redirect(url_for(".show_mapping", enterprise_id=senders[0].id))
    now = utc_now()
    lines = [(each, mapping_in_force(session, each.id, now)) for each in senders]
    return render_template("mapping/list.html", lines=lines)


@blueprint.get("/mappings/schema.json")
@requires("intake.read")
def mapping_schema() -> ResponseReturnValue:
    """Return the JSON Schema of the mapping file."""
    return Response(json.dumps(schema(), ensure_ascii=False, indent=1), mimetype="application/schema+json")


@blueprint.get("/mappings/<int:enterprise_id>")
@requires("mapping.manage")
@web_transaction
def show_mapping(session: Session, enterprise_id: int) -> ResponseReturnValue:
    """Show an enterprise's mapping: the form of one dataset, the box to try a message, its versions."""
    own = _own(session, enterprise_id)
    held = mapping_in_force(session, own.id, utc_now())
    return _page(session, own, held.body if held else empty_body(own.short_name))


@blueprint.get("/mappings/<int:enterprise_id>/file.json")
@requires("mapping.manage")
@web_transaction
def mapping_file(session: Session, enterprise_id: int) -> ResponseReturnValue:
    """Give a version of a mapping as a file; the one that holds unless `version` names another."""
    own = _own(session, enterprise_id)
    asked = request.args.get("version", 0, type=int)
    found = next((each for each in versions_of(session, own.id) if each.version == asked), None)
    found = found if asked else mapping_in_force(session, own.id, utc_now())
    if found is None:
        raise NotFound("mapping")
    answer = Response(json.dumps(found.body, ensure_ascii=False, indent=1), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="mapping-{own.uscc}-v{found.version}.json"'
    return answer


@blueprint.post("/mappings/<int:enterprise_id>")
@requires("mapping.manage")
@web_transaction
def save(session: Session, enterprise_id: int) -> ResponseReturnValue:
    """Save a new version from the form or from a file, or only try a message with it; field `do` says which."""
    own = _own(session, enterprise_id)
    body, problems = _posted(session, own)
    if request.form.get("do") == "try":
        return _page(session, own, body, problems=problems, tried=_tried(own, body) if not problems else None)
    if problems:
        return _page(session, own, body, problems=problems), 422
    made = save_mapping(
        session,
        own.id,
        json.dumps(body, ensure_ascii=False).encode(),
        note=request.form.get("note", "").replace("\x00", ""),
        valid_from=_valid_from(),
        actor=current_actor(),
    )
    flash(gettext("Version %(version)s is saved", version=made.version), "ok")
    return redirect(url_for(".show_mapping", enterprise_id=own.id, **_here()))


def _posted(session: Session, own: Enterprise) -> tuple[dict[str, Any], list[str]]:
    """Return the mapping of the form or of the file sent, and what is wrong with it."""
    held = mapping_in_force(session, own.id, utc_now())
    before = held.body if held else empty_body(own.short_name)
    file = request.files.get("file")
    if file is not None and file.filename:
        found, problems = read_mapping(file.stream.read(FILE_BYTES + 1))
        return (found if found is not None else before), problems
    dataset, tag = _place()
    form = {name: value.replace("\x00", "") for name, value in request.form.items()}
    body = merged(before, dataset, tag, form)
    found, problems = read_mapping(json.dumps(body, ensure_ascii=False).encode())
    return (found if found is not None else body), problems


def _valid_from() -> datetime:
    """Return the beginning of the day named, or now."""
    text, now = request.form.get("valid_from", ""), utc_now()
    if not text:
        return now
    try:
        day = date.fromisoformat(text)
    except ValueError as wrong:
        raise Invalid("mapping_wrong", problems=text[:40]) from wrong
    return max(now, datetime.combine(day, time(), CITY_ZONE))


def _tried(own: Enterprise, body: dict[str, Any]) -> Seen | str:
    """Return what a message would become; in a transaction of the intake's role, as at every door."""
    dataset, _ = _place()
    message = request.form.get("message", "").encode("utf-8", "replace")
    try:
        with opened(worker=True) as session:
            return see(session, (own.id, dataset), message, body, now=utc_now(), actor=current_actor())
    except Refused as refused:
        return reason(refused.reason, **refused.facts)


def _place() -> tuple[str, str]:
    dataset = request.values.get("dataset", "")
    dataset = dataset if dataset in DATASETS else "RT"
    tag = request.values.get("type", "")
    return dataset, tag if tag in tags_of(dataset) else ""


def _here() -> dict[str, str]:
    dataset, tag = _place()
    return {"dataset": dataset} | ({"type": tag} if tag else {})


def _page(
    session: Session,
    own: Enterprise,
    body: dict[str, Any],
    *,
    problems: list[str] | None = None,
    tried: Seen | str | None = None,
) -> str:
    dataset, tag = _place()
    language = str(get_locale())
    measures = words_of("measure", language)
    rules = body.get("datasets", {}).get(dataset, {})
    return render_template(
        "mapping/show.html",
        own=own,
        body=body,
        dataset=dataset,
        datasets=list(DATASETS),
        tag=tag,
        tags=tags_of(dataset),
        lines=form_lines(body, dataset, tag, language),
        ignore="\n".join(rules.get("ignore", [])),
        points=points_text(body),
        measures={code: measures[code] for code in MEASURES_WITH_UNIT if code in measures},
        units=rules.get("units", {}),
        systems=SYSTEMS,
        versions=versions_of(session, own.id),
        held=mapping_in_force(session, own.id, utc_now()),
        problems=problems or [],
        tried=None if isinstance(tried, str) else tried,
        unreadable=tried if isinstance(tried, str) else "",
        message=request.form.get("message", ""),
        english=language.startswith("en"),
        today=local(utc_now()).date(),
    )


@blueprint.get("/receipts/<int:receipt_id>/sent")
@requires("intake.read")
@web_transaction
def show_sent(session: Session, receipt_id: int) -> ResponseReturnValue:
    """Show one row of a mapped batch as sent beside as understood; `row` counts from 0."""
    receipt = receipt_of(session, receipt_id)
    message = raw_message(session, receipt_id) if receipt is not None else None
    if receipt is None or message is None:
        raise NotFound("receipt")
    number = min(max(request.args.get("row", 0, type=int), 0), max(message.rows - 1, 0))
    sent = sent_row(message, number)
    used = session.get_one(EnterpriseMapping, message.mapping_id)
    points = points_of(session, message.enterprise_id) if message.dataset in MEASURED else None
    spoken = translation_of(used.body, message.dataset, points)
    done = translated([sent], spoken, [number]) if spoken is not None else None
    return render_template(
        "mapping/sent.html",
        receipt=receipt,
        message=message,
        used=used,
        number=number,
        sent=sent,
        understood=done.rows[0] if done and done.rows else None,
        refused=done.refused if done else [],
        english=str(get_locale()).startswith("en"),
    )


def _senders(session: Session) -> list[Any]:
    scope = current_actor().scope
    return [each for each in enterprises(session) if scope.whole_city or each.id in scope.enterprise_ids]


def _own(session: Session, enterprise_id: int) -> Enterprise:
    found: Enterprise | None = next((each for each in _senders(session) if each.id == enterprise_id), None)
    if found is None:
        raise NotFound("enterprise", enterprise_id=min(enterprise_id, MAX_ID))
    return found

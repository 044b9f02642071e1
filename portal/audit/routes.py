"""The audit trail on screen: list, one act, export and check; for auditors alone."""

from __future__ import annotations

from datetime import date, datetime

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit.labels import all_words
from portal.audit.queries import (
    PAGE_ROWS,
    AuditFilter,
    actions,
    entries,
    entries_for_export,
    entry_by_id,
)
from portal.audit.rules import as_words, differences
from portal.audit.sealing import LEDGERS, verify
from portal.audit.services import record
from portal.core.actor import CITY
from portal.core.clock import local
from portal.core.db import transaction
from portal.core.errors import NotFound
from portal.core.exports import CsvFile
from portal.core.web import current_actor, requires, settings

blueprint = Blueprint("audit", __name__, url_prefix="/admin/audit")
MAX_ID = 2**63 - 1
RESULTS = ("done", "denied", "failed")
FILTER_CHARS = 100
COLUMNS = (
    "id", "at", "actor_kind", "actor_name", "session_ref", "address", "request_id", "action",
    "object_type", "object_id", "enterprise_id", "result", "before", "after", "row_sm3",
)  # fmt: skip


@blueprint.get("")
@requires("audit.read")
def index() -> ResponseReturnValue:
    """List acts, newest first; filters who, action, object_type, object_id, result, since, until."""
    wanted, before = _filter(), request.args.get("before", type=int)
    with transaction(settings(), CITY) as database:
        found = entries(database, wanted, before=before if before and 0 < before <= MAX_ID else None)
        known = actions(database)
    more = found[PAGE_ROWS - 1].id if len(found) > PAGE_ROWS else None
    return render_template(
        "audit/index.html",
        entries=found[:PAGE_ROWS],
        wanted=wanted,
        actions=known,
        results=RESULTS,
        **all_words(),
        first_url=url_for(".index", **wanted.as_dict()) if before else None,
        next_url=url_for(".index", before=more, **wanted.as_dict()) if more else None,
        export_url=url_for(".export", **wanted.as_dict()),
    )


@blueprint.get("/<int:entry_id>")
@requires("audit.read")
def show(entry_id: int) -> ResponseReturnValue:
    """Show one act with what was before and after."""
    if entry_id > MAX_ID:
        raise NotFound("audit_entry", entry_id=entry_id)
    with transaction(settings(), CITY) as database:
        found = entry_by_id(database, entry_id)
    return render_template(
        "audit/entry.html", entry=found, changes=differences(found.before, found.after), **all_words()
    )


@blueprint.get("/export.csv")
@requires("audit.read")
def export() -> ResponseReturnValue:
    """Give the filtered acts as CSV (UTF-8 with BOM); the export itself is an act."""
    wanted, made = _filter(), CsvFile(COLUMNS)
    with transaction(settings(), CITY) as database:
        for entry in entries_for_export(database, wanted):
            made.add([_cell(getattr(entry, name)) for name in COLUMNS])
        record(
            database,
            current_actor(),
            "audit.export",
            object_type="audit_entry",
            after={"rows": made.rows, "filter": wanted.as_dict()},
        )
    return made.answer("audit.csv")


@blueprint.post("/verify")
@requires("audit.read")
def check() -> ResponseReturnValue:
    """Recompute the digests and chains of every ledger and show what was found."""
    with transaction(settings(), CITY, worker=True) as database:
        verdicts = [verify(database, ledger) for ledger in LEDGERS]
        record(
            database,
            current_actor(),
            "audit.verify",
            object_type="ledger",
            result="done" if all(each.intact for each in verdicts) else "failed",
            after={each.ledger: "intact" if each.intact else as_words(vars(each.first_broken)) for each in verdicts},
        )
    return render_template("audit/verify.html", verdicts=verdicts)


def _filter() -> AuditFilter:
    def given(name: str) -> str:
        return request.args.get(name, "").replace("\x00", "").strip()[:FILTER_CHARS]

    def day(name: str) -> date | None:
        try:
            return date.fromisoformat(given(name)) if 2000 < int(given(name)[:4] or 0) < 2200 else None
        except ValueError:
            return None

    return AuditFilter(
        who=given("who"),
        action=given("action"),
        object_type=given("object_type"),
        object_id=given("object_id"),
        result=given("result"),
        since=day("since"),
        until=day("until"),
    )


def _cell(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return local(value).isoformat()
    return as_words(value)

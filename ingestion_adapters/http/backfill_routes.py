"""The adapter API on late readings: a program asks ahead, says why, withdraws, and reads what was decided."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.models import STATES
from ingestion_adapters.backfill.queries import (
    PAGE_ROWS,
    RequestLine,
    held_within,
    request_line,
    requests_after,
)
from ingestion_adapters.backfill.services import LONGEST_REASON, SHORTEST_REASON, Span, ask_once, explain, withdraw
from ingestion_adapters.checks import instant_of
from ingestion_adapters.http import routes as api
from ingestion_adapters.http.auth import sender, signed, stamp, use_nonce
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.http.held import held_facts
from ingestion_adapters.http.retirement import notice_body, say_retirement
from ingestion_adapters.receipts import Replayed
from portal.core.clock import utc_now
from portal.core.web import current_actor, opened

blueprint = Blueprint("backfill_api", __name__, url_prefix="/api/v1/backfill")
blueprint.before_request(api.speak_as_asked)
blueprint.teardown_request(api.speak_as_before)
blueprint.after_request(say_retirement)
blueprint.register_error_handler(Refused, api.show_refused)
blueprint.register_error_handler(Replayed, api.show_replayed)

Words = Annotated[str, msgspec.Meta(min_length=SHORTEST_REASON, max_length=LONGEST_REASON)]


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request: a span of source time, and why its readings come late."""

    begin: str
    end: str
    reason: Words


class Explained(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a reason given afterwards."""

    reason: Words


@blueprint.post("")
@signed
def ask_ahead() -> ResponseReturnValue:
    """Ask that readings of a span be taken; 201, or 200 with the request of this span that waits already."""
    said: Asked = _read(Asked)
    span = Span(_at(said.begin), _at(said.end))
    with opened() as session:
        _once(session)
        row, made = ask_once(session, span, said.reason, now=utc_now(), actor=current_actor())
        facts = _of_line(request_line(session, row.id))
    return _json(facts, 201 if made else 200)


@blueprint.get("")
@signed
def list_requests() -> ResponseReturnValue:
    """Return this enterprise's requests, oldest first; filter `state`; `next` is the `after` of the next page."""
    state, after = request.args.get("state", ""), request.args.get("after", "0")
    if state and state not in STATES:
        raise Refused(400, "E_SCHEMA", "bad_state")
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise Refused(400, "E_SCHEMA", "bad_after")
    with opened() as session:
        _once(session)
        found = requests_after(session, sender().enterprise_id, state=state, after=int(after))
        page = [_of_line(line) for line in found[:PAGE_ROWS]]
    return _json({"requests": page, "next": page[-1]["id"] if len(found) > PAGE_ROWS else None})


@blueprint.get("/<int:request_id>")
@signed
def show_request(request_id: int) -> ResponseReturnValue:
    """Return one request with the batches that wait, or waited, for it."""
    with opened() as session:
        _once(session)
        return _json(_in_full(session, request_id))


@blueprint.post("/<int:request_id>/reason")
@signed
def say_why(request_id: int) -> ResponseReturnValue:
    """Keep why readings came late, while nothing is decided; body `{"reason": "…"}`."""
    said: Explained = _read(Explained)
    with opened() as session:
        _once(session)
        explain(session, request_id, said.reason, actor=current_actor())
        return _json(_in_full(session, request_id))


@blueprint.post("/<int:request_id>/withdrawal")
@signed
def take_back(request_id: int) -> ResponseReturnValue:
    """Withdraw what was asked ahead and is not decided; without a body."""
    with opened() as session:
        _once(session)
        withdraw(session, request_id, now=utc_now(), actor=current_actor())
        return _json(_in_full(session, request_id))


def _once(session: Session) -> None:
    if not use_nonce(session, sender(), utc_now()):
        raise Replayed("E_REPLAY")


def _read(kind: type[Any]) -> Any:
    """Return the body as a typed value; raise Refused when it is not."""
    if request.mimetype != "application/json":
        raise Refused(415, "E_SCHEMA", "bad_backfill")
    try:
        return msgspec.json.decode(sender().body or b"", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise Refused(400, "E_SCHEMA", "bad_backfill") from broken


def _at(words: str) -> datetime:
    found = instant_of(words)
    if found is None:
        raise Refused(400, "E_TIME", "bad_span")
    return found


def _in_full(session: Session, request_id: int) -> dict[str, Any]:
    line = request_line(session, request_id)
    return _of_line(line) | {"batches": [held_facts(each) for each in held_within(session, line.row)]}


def _of_line(line: RequestLine) -> dict[str, Any]:
    row = line.row
    return {
        "id": row.id,
        "begin": stamp(row.begin_at),
        "end": stamp(row.end_at),
        "state": row.state,
        "opened_how": row.opened_how,
        "opened_at": stamp(row.opened_at),
        "reason": row.reason,
        "decided_at": stamp(row.decided_at) if row.decided_at else None,
        "decision": row.decision,
        "waiting": line.waiting,
    }


def _json(body: dict[str, Any], status: int = 200) -> ResponseReturnValue:
    notice = notice_body()
    answer = jsonify(body | {"server_time": stamp(utc_now())} | ({} if notice is None else {"notice": notice}))
    answer.status_code = status
    return answer

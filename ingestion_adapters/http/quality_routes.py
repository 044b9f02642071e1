"""The adapter API on data quality: what an enterprise says it sent, its findings, and its answers to them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.http import routes as api
from ingestion_adapters.http.auth import sender, signed, stamp, use_nonce
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.http.retirement import notice_body, say_retirement
from ingestion_adapters.quality.findings import reply
from ingestion_adapters.quality.queries import open_findings_of
from ingestion_adapters.quality.reconciliation import Claim, compared, declare
from ingestion_adapters.receipts import PAGE_ROWS, Replayed
from portal.core.clock import local, utc_now
from portal.core.errors import NotFound
from portal.core.web import current_actor, opened

blueprint = Blueprint("quality_api", __name__, url_prefix="/api/v1")
blueprint.before_request(api.speak_as_asked)
blueprint.teardown_request(api.speak_as_before)
blueprint.after_request(say_retirement)
blueprint.register_error_handler(Refused, api.show_refused)
blueprint.register_error_handler(Replayed, api.show_replayed)

BATCHES_MOST = 20_000
OLDEST_CLAIM = timedelta(days=400)
BatchId = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern="^[!-~]+$")]


class Declared(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a declaration."""

    date: str
    dataset: str
    batches: Annotated[int, msgspec.Meta(ge=0, le=10**6)]
    rows: Annotated[int, msgspec.Meta(ge=0, le=10**12)]
    sm3: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    batch_ids: Annotated[list[BatchId], msgspec.Meta(max_length=BATCHES_MOST)] | None = None


class Answered(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an answer to a finding."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


def _once(session: Any) -> None:
    if not use_nonce(session, sender(), utc_now()):
        raise Replayed("E_REPLAY")


def _read(kind: type[Any], wrong: str) -> Any:
    """Return the body as a typed value; raise Refused when it is not."""
    if request.mimetype != "application/json":
        raise Refused(415, "E_SCHEMA", wrong)
    try:
        return msgspec.json.decode(sender().body or b"", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise Refused(400, "E_SCHEMA", wrong) from broken


def _day(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise Refused(400, "E_SCHEMA", "bad_date")
    try:
        day = date.fromisoformat(text)
    except ValueError as wrong:
        raise Refused(400, "E_SCHEMA", "bad_date") from wrong
    if not 1970 <= day.year <= 9000:
        raise Refused(400, "E_SCHEMA", "bad_date")
    return day


@blueprint.post("/reconciliation")
@signed
def declare_sent() -> ResponseReturnValue:
    """Keep what the enterprise says it sent of one dataset on a day; answer with the difference."""
    said: Declared = _read(Declared, "bad_claim")
    day, who = _day(said.date), sender()
    if said.dataset not in DATASETS:
        raise Refused(400, "E_SCHEMA", "bad_claim")
    today = local(utc_now()).date()
    if not today - OLDEST_CLAIM <= day <= today:  # each claim makes its day due for scoring
        raise Refused(400, "E_TIME", "claim_day", days=OLDEST_CLAIM.days)
    claim = Claim(said.dataset, said.batches, said.rows, said.sm3, said.batch_ids)
    with opened() as session:
        _once(session)
        declare(session, who.enterprise_id, day, [claim], who.app_id)
        lines = compared(session, day, who.enterprise_id)
    line = next(each for each in lines if each.dataset == said.dataset)
    return _json({"date": day.isoformat(), **line.answer(), "server_time": stamp(utc_now())}, 201)


@blueprint.get("/quality/findings")
@signed
def list_findings() -> ResponseReturnValue:
    """Return the running findings of this enterprise, oldest first; `next` is the `after` of the following page."""
    words = request.args.get("after", "0")
    if not (words.isascii() and words.isdigit() and len(words) <= 18):
        raise Refused(400, "E_SCHEMA", "bad_after")
    with opened() as session:
        _once(session)
        found = open_findings_of(session, sender().enterprise_id, int(words), PAGE_ROWS)
        page = [_of_finding(row, rule) for row, rule in found[:PAGE_ROWS]]
    following = page[-1]["id"] if len(found) > PAGE_ROWS else None
    return _json({"findings": page, "next": following, "server_time": stamp(utc_now())})


@blueprint.post("/quality/findings/<int:finding_id>/replies")
@signed
def reply_to_finding(finding_id: int) -> ResponseReturnValue:
    """Keep the enterprise's answer; body `{"text": "…"}`. The finding closes when the rule passes on newer data."""
    said: Answered = _read(Answered, "bad_reply")
    if "\x00" in said.text:
        raise Refused(400, "E_SCHEMA", "bad_reply")
    if finding_id >= 2**63:
        raise NotFound("quality_finding")
    with opened() as session:
        _once(session)
        row = reply(session, finding_id, words=said.text, now=utc_now(), actor=current_actor())
        facts = {"id": row.id, "task_no": row.task_no, "state": row.state, "server_time": stamp(utc_now())}
    return _json(facts, 201)


def _of_finding(row: Any, rule: Any) -> dict[str, Any]:
    english = str(get_locale()).startswith("en")
    return {
        "id": row.id,
        "task_no": row.task_no,
        "state": row.state,
        "rule": row.rule_code,
        "version": rule.version,
        "says": rule.en if english else rule.zh,
        "quality": row.quality,
        "severity": row.severity,
        "dataset": row.dataset,
        "object_kind": row.object_kind,
        "object": row.object_code,
        "figures": row.figures,
        "first_day": row.first_day.isoformat(),
        "last_day": row.last_day.isoformat(),
        "begin_at": stamp(row.begin_at) if row.begin_at else None,
        "end_at": stamp(row.end_at) if row.end_at else None,
        "due_at": stamp(row.due_at),
    }


def _json(body: dict[str, Any], status: int = 200) -> Response:
    notice = notice_body()
    answer = jsonify(body if notice is None else body | {"notice": notice})
    answer.status_code = status
    return answer

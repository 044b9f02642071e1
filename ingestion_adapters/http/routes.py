"""The adapter API v1: pushes, and what an enterprise's program reads back."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date, datetime
from typing import Any

import orjson
from babel import Locale
from flask import Blueprint, Response, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, get_locale

from ingestion_adapters.backfill.queries import held_in_batch
from ingestion_adapters.checks import Finding, instant_of
from ingestion_adapters.contract import DATASETS
from ingestion_adapters.http.auth import refusal, sender, signed, signed_for_sandbox, stamp, use_nonce
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.http.docs_page import dataset_pages
from ingestion_adapters.http.held import held_facts
from ingestion_adapters.http.push import Push, take_push
from ingestion_adapters.http.retirement import current_notice, notice_body, say_retirement
from ingestion_adapters.http.sample_files import FORMATS, sample_file
from ingestion_adapters.http.sandbox import note_unsigned, try_push
from ingestion_adapters.intake import Answer
from ingestion_adapters.openapi import document
from ingestion_adapters.receipts import (
    PAGE_ROWS,
    Replayed,
    as_finding,
    findings_page,
    receipt_of,
    receipts_page,
    reconciliation,
)
from ingestion_adapters.sentences import reason
from portal.core.clock import utc_now
from portal.core.errors import NotFound
from portal.core.web import current_actor, opened, problem, public
from portal.events.queries import orders_of
from portal.events.services import reply_to_case

ENGLISH, CHINESE = Locale.parse("en"), Locale.parse("zh_CN")
blueprint = Blueprint("adapter_api", __name__, url_prefix="/api/v1")


@blueprint.before_request
def speak_as_asked() -> None:
    """Answer a program in the language of its Accept-Language, Chinese when it names none."""
    if request.endpoint != "adapter_api.docs":
        wanted = request.accept_languages.best_match(["zh", "zh-CN", "en"]) or "zh"
        g.spoken = ExitStack()
        g.spoken.enter_context(force_locale(ENGLISH if wanted == "en" else CHINESE))


blueprint.after_request(say_retirement)


@blueprint.teardown_request
def speak_as_before(_: BaseException | None = None) -> None:
    """End the language of the request."""
    if "spoken" in g:
        g.spoken.close()


@blueprint.errorhandler(Refused)
def show_refused(refused: Refused) -> Response:
    """Answer a request that was refused whole."""
    more = {"receipt_id": refused.facts["receipt_id"]} if "receipt_id" in refused.facts else {}
    detail = reason(refused.reason, **refused.facts)
    return problem(refused.status, refused.code, detail, server_time=stamp(utc_now()), **more)


@blueprint.errorhandler(Replayed)
def show_replayed(replayed: Replayed) -> Response:
    """Answer a request whose nonce was used before."""
    return refusal(replayed.code, utc_now())


@blueprint.post("/ingest/<dataset>")
@signed
def push(dataset: str) -> ResponseReturnValue:
    """Take in one batch; the answer is sent after the data are durable."""
    answer = take_push(_pushed(dataset))
    return _json(_of_answer(answer), 422 if answer.all_refused else 200)


@blueprint.post("/sandbox/ingest/<dataset>")
@signed_for_sandbox(note_unsigned)
def push_to_sandbox(dataset: str) -> ResponseReturnValue:
    """Judge one batch as `push` does and store nothing of it."""
    answer = try_push(_pushed(dataset))
    return _json(_of_answer(answer) | {"sandbox": True}, 422 if answer.all_refused else 200)


def _pushed(dataset: str) -> Push:
    if dataset not in DATASETS:
        raise NotFound("E_DATASET")
    return Push(
        sender=sender(),
        actor=current_actor(),
        dataset=dataset,
        batch_id=request.headers.get("X-Batch-Id", ""),
        content_type=request.mimetype,
        encoding=request.headers.get("Content-Encoding", "").strip().lower(),
        now=utc_now(),
    )


@blueprint.get("/receipts")
@signed
def list_receipts() -> ResponseReturnValue:
    """Return receipts since a time, oldest first; `next` is the `after` of the page that follows."""
    since, after = _since(), _after()
    who = sender()
    with opened() as session:
        _once(session)
        found = receipts_page(session, enterprise_id=who.enterprise_id, since=since, after=after)
    page = found[:PAGE_ROWS]
    following = page[-1].id if len(found) > PAGE_ROWS else None
    return _json({"receipts": [_of_receipt(row) for row in page], "next": following, "server_time": stamp(utc_now())})


@blueprint.get("/receipts/<int:receipt_id>")
@signed
def show_receipt(receipt_id: int) -> ResponseReturnValue:
    """Return one receipt with a page of its findings."""
    after = _after()
    with opened() as session:
        _once(session)
        row = receipt_of(session, receipt_id)
        if row is None:
            raise NotFound("receipt")
        found = findings_page(session, receipt_id, after)
        held = held_in_batch(session, receipt_id)
    page = found[:PAGE_ROWS]
    facts = _of_receipt(row) | {
        "backfill": held_facts(held) if held else None,
        "rejections": [
            _of_finding(as_finding(each)) | {"severity": each.severity, "object": each.object_code, "raw": each.raw}
            for each in page
        ],
        "next": page[-1].id if len(found) > PAGE_ROWS else None,
        "server_time": stamp(utc_now()),
    }
    return _json(facts)


@blueprint.get("/reconciliation")
@signed
def reconcile() -> ResponseReturnValue:
    """Return per dataset what was received on a day, to be compared with what was sent."""
    try:
        day = date.fromisoformat(request.args.get("date", ""))
    except ValueError as wrong:
        raise Refused(400, "E_SCHEMA", "bad_date") from wrong
    if not 1970 <= day.year <= 9000:
        raise Refused(400, "E_SCHEMA", "bad_date")
    with opened() as session:
        _once(session)
        lines = reconciliation(session, sender().enterprise_id, day)
    return _json({"date": day.isoformat(), "datasets": lines, "server_time": stamp(utc_now())})


@blueprint.get("/orders")
@signed
def list_orders() -> ResponseReturnValue:
    """Return work orders and supervision letters sent to this enterprise."""
    with opened() as session:
        _once(session)
        orders = orders_of(session, sender().enterprise_id)
    return _json({"orders": orders, "server_time": stamp(utc_now())})


@blueprint.post("/orders/<int:order_id>/replies")
@signed
def reply(order_id: int) -> ResponseReturnValue:
    """Take the enterprise's reply to an order; body `{"text": "…"}`."""
    text = _reply_text()
    if order_id >= 2**63:
        raise NotFound("case")
    with opened() as session:
        _once(session)
        case = reply_to_case(session, order_id, text=text, now=utc_now(), actor=current_actor())
        facts = {"id": case.id, "case_no": case.case_no, "state": case.state, "server_time": stamp(utc_now())}
    return _json(facts, 201)


@blueprint.get("/openapi.json")
@public
def openapi() -> ResponseReturnValue:
    """Return the OpenAPI document, made from the contract."""
    return _json(document())


@blueprint.get("/docs")
@public
def docs() -> ResponseReturnValue:
    """Show the API to people, made from the same types."""
    language = "en" if str(get_locale()).startswith("en") else "zh"
    return render_template("intake/api_docs.html", datasets=dataset_pages(language), retirement=current_notice())


@blueprint.get("/docs/samples/<dataset>.<kind>")
@public
def sample(dataset: str, kind: str) -> ResponseReturnValue:
    """Hand out the sample file of a dataset, JSON or CSV."""
    if dataset not in DATASETS or kind not in FORMATS:
        raise NotFound("sample")
    answer = Response(sample_file(dataset, kind), content_type=FORMATS[kind])
    answer.headers["Content-Disposition"] = f"attachment; filename={dataset}.{kind}"
    return answer


def _once(session: Any) -> None:
    if not use_nonce(session, sender(), utc_now()):
        raise Replayed("E_REPLAY")


def _since() -> datetime | None:
    words = request.args.get("since")
    if words is None:
        return None
    at = instant_of(words.replace(" ", "+"))
    if at is None:
        raise Refused(400, "E_SCHEMA", "bad_since")
    return at


def _after() -> int:
    words = request.args.get("after", "0")
    if not (words.isascii() and words.isdigit() and len(words) <= 18):
        raise Refused(400, "E_SCHEMA", "bad_after")
    return int(words)


def _reply_text() -> str:
    body = sender().body
    if request.mimetype != "application/json":
        raise Refused(415, "E_SCHEMA", "bad_reply")
    try:
        found = orjson.loads(body or b"")
    except orjson.JSONDecodeError as broken:
        raise Refused(400, "E_SCHEMA", "bad_reply") from broken
    text = found.get("text") if isinstance(found, dict) and set(found) == {"text"} else None
    if not isinstance(text, str) or "\x00" in text:
        raise Refused(400, "E_SCHEMA", "bad_reply")
    return text


def _json(body: dict[str, Any], status: int = 200) -> Response:
    notice = notice_body() if "sender" in g else None
    answer = jsonify(body if notice is None else body | {"notice": notice})
    answer.status_code = status
    return answer


def _of_answer(answer: Answer) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "batch_id": answer.batch_id,
        "receipt_id": answer.receipt_id,
        "accepted": answer.accepted,
        "duplicate": answer.duplicate,
        "rejected": answer.rejected,
        "rejections": [_of_finding(found) for found in answer.rejections],
        "server_time": stamp(answer.at),
    }
    if answer.held:
        facts["held"] = answer.held
    return facts | {"replayed": True} if answer.replayed else facts


def _of_finding(found: Finding) -> dict[str, Any]:
    message = found.en if str(get_locale()).startswith("en") else found.zh
    return {"row": found.row, "field": found.field, "code": found.code, "message": message}


def _of_receipt(row: Any) -> dict[str, Any]:
    return {
        "receipt_id": row.id,
        "batch_id": row.batch_id,
        "dataset": row.dataset,
        "door": row.door,
        "status": row.status,
        "code": row.code,
        "rows": row.rows,
        "accepted": row.accepted,
        "duplicate": row.duplicate,
        "rejected": row.rejected,
        "body_sm3": row.body_sm3,
        "body_bytes": row.body_bytes,
        "received_at": stamp(row.received_at),
    }

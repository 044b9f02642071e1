"""The part of the OpenAPI document on late readings that wait for approval."""

from __future__ import annotations

from typing import Any

from ingestion_adapters.backfill.models import STATES
from ingestion_adapters.backfill.services import LONGEST_REASON, SHORTEST_REASON

REF = "#/components/schemas/"
JSON = "application/json"
_TEXT: dict[str, Any] = {"type": "string"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_AT: dict[str, Any] = {"type": "string", "format": "date-time"}
_MAYBE_AT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_REASON: dict[str, Any] = {"type": "string", "minLength": SHORTEST_REASON, "maxLength": LONGEST_REASON}
_ALWAYS = {"401": "Unsigned", "403": "NotAllowed", "429": "Busy", "503": "Busy"}
_ONE = {"404": "Unknown", **_ALWAYS}
_WRITES = {"400": "Malformed", "409": "Conflict", "415": "BadType", "422": "Unusable", **_ALWAYS}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def schemas() -> dict[str, Any]:
    """Return the schemas of requests and of what waits for them."""
    asked = _object({"begin": _AT, "end": _AT, "reason": _REASON}) | {"additionalProperties": False}
    asked["description"] = "补传时段（源时间，含两端）与原因 / span of source time, both ends included, and why"
    line = {
        "id": _COUNT,
        "begin": _AT,
        "end": _AT,
        "state": {"enum": list(STATES)},
        "opened_how": {"enum": ["delivery", "person", "program"]},
        "opened_at": _AT,
        "reason": _TEXT,
        "decided_at": _MAYBE_AT,
        "decision": {"type": ["string", "null"]},
        "waiting": _COUNT | {"description": "已留存待审批的条数 / readings kept that wait"},
    }
    batch = {
        "receipt_id": _COUNT,
        "held": _COUNT,
        "waiting": _COUNT,
        "accepted": _COUNT,
        "duplicate": _COUNT,
        "rejected": _COUNT,
        "held_at": _AT,
        "released_at": _MAYBE_AT,
    }
    batches = {"type": "array", "items": {"$ref": REF + "BackfillBatch"}}
    page = {"requests": {"type": "array", "items": {"$ref": REF + "BackfillRequest"}}}
    return {
        "BackfillAsked": asked,
        "BackfillReason": _object({"reason": _REASON}) | {"additionalProperties": False},
        "BackfillRequest": _object(line),
        "BackfillBatch": _object(batch),
        "BackfillLine": _object(line | {"server_time": _AT}),
        "BackfillDetail": _object(line | {"batches": batches, "server_time": _AT}),
        "BackfillRequests": _object(page | {"next": {"type": ["integer", "null"]}, "server_time": _AT}),
    }


def _operation(name: str, good: dict[str, tuple[str, str]], others: dict[str, str], body: str = "") -> dict[str, Any]:
    answers: dict[str, Any] = {
        status: {"description": words, "content": {JSON: {"schema": {"$ref": REF + schema}}}}
        for status, (schema, words) in good.items()
    }
    answers |= {status: {"$ref": f"#/components/responses/{kind}"} for status, kind in others.items()}
    found: dict[str, Any] = {"operationId": name, "responses": answers}
    if body:
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": {"$ref": REF + body}}}}
    return found


def paths() -> dict[str, Any]:
    """Return the paths on late readings."""
    after = {"name": "after", "in": "query", "schema": _COUNT | {"maximum": 10**17}}
    state = {"name": "state", "in": "query", "schema": {"enum": list(STATES)}}
    number = {"name": "request_id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    asked = {
        "201": ("BackfillLine", "已提交，待市级审批 / with the city"),
        "200": ("BackfillLine", "同一时段的申请已在待审批 / this span waits already"),
    }
    one = {"200": ("BackfillDetail", "OK")}
    listing = _operation("listBackfill", {"200": ("BackfillRequests", "OK")}, {"400": "Malformed", **_ALWAYS})
    reason = _operation("explainBackfill", one, _WRITES | _ONE, "BackfillReason")
    withdrawal = _operation("withdrawBackfill", one, {"409": "Conflict", **_ONE})
    return {
        "/api/v1/backfill": {
            "post": _operation("askBackfill", asked, _WRITES, "BackfillAsked"),
            "get": listing | {"parameters": [state, after]},
        },
        "/api/v1/backfill/{request_id}": {"get": _operation("showBackfill", one, _ONE) | {"parameters": [number]}},
        "/api/v1/backfill/{request_id}/reason": {"post": reason | {"parameters": [number]}},
        "/api/v1/backfill/{request_id}/withdrawal": {"post": withdrawal | {"parameters": [number]}},
    }

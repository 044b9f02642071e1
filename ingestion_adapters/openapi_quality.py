"""The part of the OpenAPI document on reconciliation and quality findings."""

from __future__ import annotations

from typing import Any

from ingestion_adapters.contract import DATASETS

REF = "#/components/schemas/"
JSON = "application/json"
_TEXT: dict[str, Any] = {"type": "string"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_AT: dict[str, Any] = {"type": "string", "format": "date-time"}
_DAY: dict[str, Any] = {"type": "string", "format": "date"}
_MAYBE_AT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_SM3: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_BATCHES: dict[str, Any] = {"type": "array", "items": _TEXT}
_SAID = {"batches": _COUNT | {"maximum": 10**6}, "rows": _COUNT | {"maximum": 10**12}, "sm3": _SM3}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


# What both sides see of a dataset's day beside the counts of what was received.
DIFFERENCE: dict[str, Any] = {
    "state": {"enum": ["equal", "differs", "undeclared"]},
    "sent": {"anyOf": [_object(_SAID), {"type": "null"}]},
    "missing": _BATCHES | {"description": "申报而未到的批次 / declared, never came"},
    "undeclared": _BATCHES | {"description": "已到而未申报的批次 / came, not declared"},
}


def schemas() -> dict[str, Any]:
    """Return the schemas of declarations and findings."""
    claim = _object({"date": _DAY, "dataset": {"enum": list(DATASETS)}, **_SAID})
    batch = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"}
    claim["properties"]["batch_ids"] = {"type": ["array", "null"], "items": batch, "maxItems": 20_000}
    words = "某日某数据集实际发送数；sm3为各批正文SM3（十六进制）排序后以换行连接再取SM3 / what was sent; sm3 as in GET"
    finding = {
        "id": _COUNT,
        "task_no": _TEXT,
        "state": {"enum": ["open", "answered", "waived"]},
        "rule": _TEXT,
        "version": _COUNT,
        "says": _TEXT,
        "quality": {"type": "integer", "minimum": 1, "maximum": 6},
        "severity": {"type": "integer"},
        "dataset": _TEXT,
        "object_kind": _TEXT,
        "object": _TEXT,
        "figures": {"type": "object"},
        "first_day": _DAY,
        "last_day": _DAY,
        "begin_at": _MAYBE_AT,
        "end_at": _MAYBE_AT,
        "due_at": _AT,
    }
    found = {"findings": {"type": "array", "items": {"$ref": REF + "Finding"}}, "next": {"type": ["integer", "null"]}}
    return {
        "Claim": claim | {"additionalProperties": False, "description": words},
        "ClaimTaken": {"allOf": [{"$ref": REF + "ReconciliationLine"}, _object({"date": _DAY, "server_time": _AT})]},
        "Finding": _object(finding),
        "Findings": _object(found | {"server_time": _AT}),
        "FindingAnswered": _object({"id": _COUNT, "task_no": _TEXT, "state": _TEXT, "server_time": _AT}),
    }


_ALWAYS = {"401": "Unsigned", "429": "Busy", "503": "Busy"}
_WRITES = {"400": "Malformed", "415": "BadType", **_ALWAYS}


def _responses(status: str, schema: str, words: str, others: dict[str, str]) -> dict[str, Any]:
    good = {status: {"description": words, "content": {JSON: {"schema": {"$ref": REF + schema}}}}}
    return good | {code: {"$ref": f"#/components/responses/{name}"} for code, name in others.items()}


def declaration() -> dict[str, Any]:
    """Return the operation that takes a declaration."""
    return {
        "operationId": "declareSent",
        "requestBody": {"required": True, "content": {JSON: {"schema": {"$ref": REF + "Claim"}}}},
        "responses": _responses("201", "ClaimTaken", "已记录，附差异 / kept, with the difference", _WRITES),
    }


def paths() -> dict[str, Any]:
    """Return the paths on findings."""
    after = {"name": "after", "in": "query", "schema": _COUNT | {"maximum": 10**17}}
    number = {"name": "finding_id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    text = _object({"text": {"type": "string", "minLength": 1, "maxLength": 2000}}) | {"additionalProperties": False}
    refusals = _WRITES | {"403": "NotAllowed", "404": "Unknown", "409": "Conflict", "422": "Unusable"}
    return {
        "/api/v1/quality/findings": {
            "get": {
                "operationId": "listFindings",
                "parameters": [after],
                "responses": _responses("200", "Findings", "OK", {"400": "Malformed", **_ALWAYS}),
            }
        },
        "/api/v1/quality/findings/{finding_id}/replies": {
            "post": {
                "operationId": "replyToFinding",
                "parameters": [number],
                "requestBody": {"required": True, "content": {JSON: {"schema": text}}},
                "responses": _responses("201", "FindingAnswered", "已记录 / kept", refusals),
            }
        },
    }

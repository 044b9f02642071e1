"""The OpenAPI 3.1 document of the adapter API, built from the contract's types; self-contained."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

from ingestion_adapters.checks import nested_type
from ingestion_adapters.contract import DATASETS
from ingestion_adapters.http.bodies import CSV, JSON, NDJSON
from ingestion_adapters.openapi_backfill import paths as backfill_paths
from ingestion_adapters.openapi_backfill import schemas as backfill_schemas
from ingestion_adapters.openapi_quality import DIFFERENCE, declaration
from ingestion_adapters.openapi_quality import paths as quality_paths
from ingestion_adapters.openapi_quality import schemas as quality_schemas
from portal.core.codes import dictionaries

REF = "#/components/schemas/"
CODES = (
    "E_SCHEMA",
    "E_DICT",
    "E_UNKNOWN_OBJECT",
    "E_RANGE",
    "E_TIME",
    "E_FUTURE",
    "E_TOO_OLD",
    "E_GEOMETRY",
    "E_CRS",
    "E_DUPLICATE_KEY",
    "E_NOT_YOURS",
    "E_SIGN",
    "E_WINDOW",
    "E_REPLAY",
    "E_QUOTA",
    "E_BATCH_CONFLICT",
)
SECURITY = ("AppId", "Timestamp", "Nonce", "SignAlg", "Sign")
_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_AT: dict[str, Any] = {"type": "string", "format": "date-time"}


@cache
def _document() -> dict[str, Any]:
    schemas = _record_schemas() | _answer_schemas()
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "燃监适配器接口 / Ranjian adapter API",
            "version": "1.0.0",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": (
                "企业程序签名上报与读回 / Signed pushes of enterprises' programs and what they read back. "
                "String to sign: METHOD\\nPATH?QUERY\\nTIMESTAMP\\nNONCE\\nhex(SM3(body as sent)); "
                "X-Sign = hex(HMAC-SM3(key, string)), or with X-Sign-Alg SM2-SM3 the SM2 signature of the string "
                "(id 1234567812345678) as DER or r||s in hex. Window ±300 s, a nonce is used once."
            ),
        },
        "servers": [{"url": "/"}],
        "security": [{name: [] for name in SECURITY}],
        "paths": _paths(),
        "components": {"schemas": schemas, "securitySchemes": _security(), "responses": _problems()},
    }


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return copy.deepcopy(_document())


def record_types(dataset: str) -> tuple[type, ...]:
    """Return the record types of a dataset; NET has one for each kind of object."""
    kind = DATASETS[dataset]
    return get_args(kind) or (kind,)


def nested_types(kind: type) -> tuple[type, ...]:
    """Return the types of the rows that a record of this type carries in lists."""
    found = (nested_type(hint) for hint in get_type_hints(kind, include_extras=True).values())
    return tuple(inner for inner in found if inner is not None)


def field_marks(kind: type) -> dict[str, dict[str, Any]]:
    """Return field -> marks (`zh`, `en`, `unit`, `dict`) as the contract states them."""
    found: dict[str, dict[str, Any]] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        marks: dict[str, Any] = {}
        for meta in _metas(hint):
            marks = (meta.extra or {}) | marks
        found[name] = marks
    return found


def _metas(hint: Any) -> list[msgspec.Meta]:
    own = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    inner = getattr(hint, "__origin__", None) if hasattr(hint, "__metadata__") else None
    parts = [inner] if inner is not None else [part for part in get_args(hint) if part is not type(None)]
    return [*reversed(own), *(meta for part in parts for meta in _metas(part))]


def _record_schemas() -> dict[str, Any]:
    outer = [kind for dataset in DATASETS for kind in record_types(dataset)]
    kinds = [*outer, *(inner for kind in outer for inner in nested_types(kind))]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REF + "{name}")
    for kind in kinds:
        for name, marks in field_marks(kind).items():
            shape = schemas[kind.__name__]["properties"].get(name)
            if shape is None or not marks:
                continue
            words = " / ".join(str(marks[key]) for key in ("zh", "en") if key in marks)
            unit = f" ({marks['unit']})" if marks.get("unit") else ""
            shape["description"] = words + unit
            if "dict" in marks:
                _limit_to(shape, sorted(dictionaries()[marks["dict"]]))
    return dict(schemas)


def _limit_to(shape: dict[str, Any], codes: list[int]) -> None:
    for branch in shape.get("anyOf", [shape]):
        if branch.get("type") == "array":
            _limit_to(branch["items"], codes)
        if branch.get("type") == "integer":
            branch["enum"] = codes


_COUNTS = {"accepted": _COUNT, "duplicate": _COUNT, "rejected": _COUNT}


def _answer_schemas() -> dict[str, Any]:
    return _push_schemas() | _receipt_schemas() | _order_schemas() | quality_schemas() | backfill_schemas()


def _push_schemas() -> dict[str, Any]:
    code = {"type": "string", "enum": list(CODES)}
    answer = _object(
        {
            "batch_id": _TEXT,
            "receipt_id": _COUNT,
            **_COUNTS,
            "rejections": {"type": "array", "items": {"$ref": REF + "Rejection"}, "maxItems": 1000},
            "server_time": _AT,
        }
    )
    held = "迟到过久、已留存待审批的条数，含在 rejected 内 / of the rejected rows those kept until they are approved"
    answer["properties"]["held"] = _COUNT | {"description": held}
    answer["properties"]["notice"] = {"$ref": REF + "Notice"}
    tried = copy.deepcopy(answer)
    tried["properties"]["sandbox"] = {"const": True}
    tried["required"].append("sandbox")
    day = {"type": "string", "format": "date"}
    notice = _object({"version": _TEXT, "retires_on": day, "message": _TEXT, "successor": _MAYBE_TEXT, "link": _TEXT})
    notice["description"] = "本版本接口停用公告，同见响应头 / retirement; also headers Deprecation, Sunset, Link"
    answer["properties"]["replayed"] = {"const": True}
    columns = _object(
        {
            "points": {"type": "array", "items": {"type": "string"}},
            "p": {"type": "array", "items": _COUNT},
            "t": {"type": "array", "items": {"type": "integer"}},
            "v": {"type": "array", "items": {"type": "number"}},
        }
    )
    columns["properties"]["q"] = {"type": "array", "items": {"type": "integer"}}
    words = "RT: row i is of point points[p[i]] at t[i] ms with value v[i]"
    problem = _object({"type": _TEXT, "status": {"type": "integer"}, "code": _TEXT, "title": _TEXT, "detail": _TEXT})
    problem["properties"] |= {"request_id": _TEXT, "server_time": _AT, "receipt_id": _COUNT}
    return {
        "Rejection": _object({"row": _COUNT, "field": _MAYBE_TEXT, "code": code, "message": _TEXT}),
        "Answer": answer,
        "Tried": tried,
        "Notice": notice,
        "Columns": columns | {"description": words, "additionalProperties": False},
        "Problem": problem,
    }


def _receipt_schemas() -> dict[str, Any]:
    receipt = {
        "receipt_id": _COUNT,
        "batch_id": _TEXT,
        "dataset": _TEXT,
        "door": _TEXT,
        "status": {"enum": ["taken", "refused"]},
        "code": _MAYBE_TEXT,
        "rows": _COUNT,
        **_COUNTS,
        "body_sm3": _TEXT,
        "body_bytes": _COUNT,
        "received_at": _AT,
    }
    kept = {
        "row": _COUNT,
        "field": _MAYBE_TEXT,
        "code": _TEXT,
        "message": _TEXT,
        "severity": {"enum": ["error", "warning"]},
        "object": _MAYBE_TEXT,
        "raw": _MAYBE_TEXT,
    }
    late = {"anyOf": [{"$ref": REF + "BackfillBatch"}, {"type": "null"}]}
    following = {"next": {"type": ["integer", "null"]}, "server_time": _AT}
    line = {"dataset": _TEXT, "batches": _COUNT, "refused": _COUNT, "rows": _COUNT, **_COUNTS, "sm3": _TEXT} | DIFFERENCE
    day = {"type": "string", "format": "date"}
    return {
        "KeptRejection": _object(kept),
        "Receipt": _object(receipt),
        "Receipts": _object({"receipts": _list_of("Receipt"), **following}),
        "ReceiptDetail": _object(receipt | {"rejections": _list_of("KeptRejection"), "backfill": late, **following}),
        "ReconciliationLine": _object(line),
        "Reconciliation": _object({"date": day, "datasets": _list_of("ReconciliationLine"), "server_time": _AT}),
    }


def _order_schemas() -> dict[str, Any]:
    order = {
        "id": _COUNT,
        "case_no": _TEXT,
        "title": _TEXT,
        "level": {"type": "integer"},
        "case_class": {"type": "integer"},
        "state": {"type": "integer"},
        "alarm_id": {"type": ["integer", "null"]},
        "instruction": _MAYBE_TEXT,
        "due_at": _AT,
    }
    return {
        "Order": _object(order),
        "Orders": _object({"orders": _list_of("Order"), "server_time": _AT}),
        "ReplyTaken": _object({"id": _COUNT, "case_no": _TEXT, "state": {"type": "integer"}, "server_time": _AT}),
    }


def _list_of(schema: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": REF + schema}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _security() -> dict[str, Any]:
    headers = {
        "AppId": ("X-App-Id", "应用编号 / app id"),
        "Timestamp": ("X-Timestamp", "毫秒时间戳 / ms since the epoch"),
        "Nonce": ("X-Nonce", "16-64个可见字符，只用一次 / 16-64 printable characters, used once"),
        "SignAlg": ("X-Sign-Alg", "HMAC-SM3 | SM2-SM3"),
        "Sign": ("X-Sign", "十六进制签名 / signature in hex"),
    }
    return {
        key: {"type": "apiKey", "in": "header", "name": name, "description": words}
        for key, (name, words) in headers.items()
    }


def _problems() -> dict[str, Any]:
    words = {
        "Malformed": "格式错误 / malformed",
        "Unsigned": "签名、时间窗或重放 / signature, window or replay",
        "Unknown": "不存在 / unknown",
        "Conflict": "批次冲突或状态不允许 / batch or state conflict",
        "TooLarge": "过大 / too large",
        "BadType": "类型不支持 / type not supported",
        "NotAllowed": "不允许 / not allowed",
        "Unusable": "内容不可接受 / not acceptable",
        "Busy": "繁忙，见 Retry-After / busy, see Retry-After",
    }
    content = {"application/problem+json": {"schema": {"$ref": REF + "Problem"}}}
    return {name: {"description": text, "content": content} for name, text in words.items()}


def _answers(statuses: dict[str, str]) -> dict[str, Any]:
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in statuses.items()}


_ALWAYS = {"401": "Unsigned", "403": "NotAllowed", "429": "Busy", "503": "Busy"}


def _good(schema: str, words: str) -> dict[str, Any]:
    return {"description": words, "content": {JSON: {"schema": {"$ref": REF + schema}}}}


def _paths() -> dict[str, Any]:
    after = {
        "name": "after",
        "in": "query",
        "schema": _COUNT | {"maximum": 10**17},
        "description": "next of the page before",
    }
    since = {"name": "since", "in": "query", "schema": _AT, "description": "ISO 8601 with offset"}
    number = {"in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    day = {"name": "date", "in": "query", "required": True, "schema": {"type": "string", "format": "date"}}
    paths = {f"/api/v1/ingest/{dataset}": {"post": _push(dataset)} for dataset in DATASETS}
    paths |= {f"/api/v1/sandbox/ingest/{dataset}": {"post": _try(dataset)} for dataset in DATASETS}
    paths |= {
        "/api/v1/receipts": {"get": _read("listReceipts", "Receipts", [since, after], {"400": "Malformed"})},
        "/api/v1/receipts/{receipt_id}": {
            "get": _read(
                "showReceipt",
                "ReceiptDetail",
                [number | {"name": "receipt_id"}, after],
                {"400": "Malformed", "404": "Unknown"},
            )
        },
        "/api/v1/reconciliation": {
            "get": _read("reconcile", "Reconciliation", [day], {"400": "Malformed"}),
            "post": declaration(),
        },
        "/api/v1/orders": {"get": _read("listOrders", "Orders", [], {})},
        "/api/v1/orders/{order_id}/replies": {"post": _reply(number | {"name": "order_id"})},
        "/api/v1/openapi.json": {
            "get": {
                "operationId": "openapi",
                "security": [],
                "responses": {
                    "200": {"description": "本文档 / this document", "content": {JSON: {"schema": {"type": "object"}}}}
                },
            }
        },
    }
    return paths | quality_paths() | backfill_paths()


def _read(name: str, schema: str, parameters: list[dict[str, Any]], more: dict[str, str]) -> dict[str, Any]:
    responses = {"200": _good(schema, "OK")} | _answers(more | _ALWAYS)
    return {"operationId": name, "parameters": parameters, "responses": responses}


def _reply(number: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": 2000}
    schema = _object({"text": text}) | {"additionalProperties": False}
    more = {
        "400": "Malformed",
        "403": "NotAllowed",
        "404": "Unknown",
        "409": "Conflict",
        "415": "BadType",
        "422": "Unusable",
    }
    return {
        "operationId": "replyToOrder",
        "parameters": [number],
        "requestBody": {"required": True, "content": {JSON: {"schema": schema}}},
        "responses": {"201": _good("ReplyTaken", "回复已收 / reply taken")} | _answers(more | _ALWAYS),
    }


def _push(dataset: str) -> dict[str, Any]:
    kinds = [{"$ref": REF + kind.__name__} for kind in record_types(dataset)]
    item = kinds[0] if len(kinds) == 1 else {"oneOf": kinds}
    rows = _object({"records": {"type": "array", "items": item}}) | {"additionalProperties": False}
    body = {"oneOf": [rows, {"$ref": REF + "Columns"}]} if dataset == "RT" else rows
    batch = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"}
    responses = {"200": _good("Answer", "已落盘 / durable"), "422": _refused_rows()}
    more = {"400": "Malformed", "409": "Conflict", "413": "TooLarge", "415": "BadType"}
    encoding = {"name": "Content-Encoding", "in": "header", "schema": {"enum": ["identity", "gzip", "zstd"]}}
    return {
        "operationId": f"push{dataset}",
        "parameters": [{"name": "X-Batch-Id", "in": "header", "required": True, "schema": batch}, encoding],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": body}, NDJSON: {"schema": _TEXT}, CSV: {"schema": _TEXT}},
        },
        "responses": responses | _answers(more | _ALWAYS),
    }


def _try(dataset: str) -> dict[str, Any]:
    """Return a push of the sandbox: the same judgement, and nothing is stored."""
    found = _push(dataset) | {"operationId": f"try{dataset}", "summary": "沙箱：同样校验，不落库 / judged, not stored"}
    responses = found["responses"] | {"200": _good("Tried", "已校验，未存储 / judged, nothing stored")}
    return found | {"responses": responses | {"422": _refused_rows("Tried")}}


def _refused_rows(schema: str = "Answer") -> dict[str, Any]:
    problem = {"schema": {"$ref": REF + "Problem"}}
    return {
        "description": "每行均被拒 / every row was refused",
        "content": {JSON: {"schema": {"$ref": REF + schema}}, "application/problem+json": problem},
    }

"""Sentences of the adapter API's error codes and of the reasons for which a batch is refused whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import get_locale, gettext


def _plain(text: Callable[[], str]) -> Callable[..., str]:
    return lambda **_: text()


SENTENCES: dict[str, Callable[..., str]] = {
    "E_SCHEMA": _plain(lambda: gettext("The request does not have the agreed form")),
    "E_SIGN": _plain(lambda: gettext("The signature is not valid")),
    "E_WINDOW": _plain(lambda: gettext("The request's time is more than 300 seconds off; see server_time")),
    "E_REPLAY": _plain(lambda: gettext("This request was sent before; use a new nonce")),
    "E_QUOTA": _plain(lambda: gettext("The request is larger than allowed")),
    "E_BATCH_CONFLICT": _plain(lambda: gettext("This batch number was used for other content")),
    "E_SANDBOX_KEY": _plain(
        lambda: gettext("This key opens the sandbox only: send to /api/v1/sandbox/ingest/ until you are live")
    ),
    "E_DATASET": _plain(lambda: gettext("This dataset is not taken")),
    "receipt": _plain(lambda: gettext("There is no such receipt")),
}

REASONS: dict[str, Callable[..., str]] = {
    "bad_encoding": _plain(lambda: gettext("The compressed body is damaged or incomplete")),
    "unknown_encoding": _plain(lambda: gettext("Content-Encoding must be gzip or zstd")),
    "unknown_type": _plain(lambda: gettext("Content-Type must be application/json, application/x-ndjson or text/csv")),
    "too_large": lambda **f: gettext("The body is larger than %(limit_mb)s MB", **_only(f, "limit_mb")),
    "too_large_inflated": lambda **f: gettext("The body unpacks to more than %(limit_mb)s MB", **_only(f, "limit_mb")),
    "too_many_rows": lambda **f: gettext("The batch has more than %(limit)s rows", **_only(f, "limit")),
    "too_many_values": lambda **f: gettext(
        "The body holds more than %(limit)s values; send it in smaller batches", **_only(f, "limit")
    ),
    "columns_differ": _plain(lambda: gettext("The columns p, t, v and q differ in length")),
    "columns_index": _plain(lambda: gettext("The column p names a place outside the list of points")),
    "bad_json": lambda **f: gettext("The body is not valid JSON: %(where)s", **_only(f, "where")),
    "no_records": _plain(lambda: gettext("The body must be an object with the list records")),
    "not_utf8": _plain(lambda: gettext("The text is not UTF-8")),
    "bad_csv": _plain(lambda: gettext("The CSV text cannot be read or its header is missing or repeated")),
    "bad_batch_id": _plain(lambda: gettext("X-Batch-Id must be 1 to 64 printable ASCII characters without blanks")),
    "bad_value": _plain(lambda: gettext("A value cannot be stored")),
    "batch_conflict": lambda **f: gettext(
        "This batch number was used for other content; see receipt %(receipt_id)s", **_only(f, "receipt_id")
    ),
    "bad_since": _plain(lambda: gettext("since must be an ISO 8601 time with offset, or ms")),
    "bad_after": _plain(lambda: gettext("after must be a whole number")),
    "bad_date": _plain(lambda: gettext("date must be a day, YYYY-MM-DD")),
    "file_refused": lambda zh="", en="", **_: en if str(get_locale()).startswith("en") else zh,
    "file_type": _plain(
        lambda: gettext("Files taken: CSV, XLSX, JSON, NDJSON, GeoJSON, GeoPackage and zipped Shapefile")
    ),
    "file_dataset": _plain(lambda: gettext("The file's name must begin with a dataset, such as RT_ or USR_")),
    "file_manifest": _plain(lambda: gettext("The manifest is not as agreed, or names a file that is not there")),
    "file_sum": _plain(lambda: gettext("A file's SM3 is not the one the manifest gives")),
    "file_unsafe": _plain(
        lambda: gettext("Only plain files are taken: no links, devices or files that are linked twice")
    ),
    "file_large": lambda **f: gettext("The file is larger than %(limit_mb)s MB", **_only(f, "limit_mb")),
    "crs_must_be_given": _plain(lambda: gettext("The coordinate system must be given")),
    "pull_answer": _plain(
        lambda: gettext("The answer must be an object with records, and next and more where they are needed")
    ),
    "bad_topic": _plain(lambda: gettext("The topic must be gas/{uscc}/{dataset} with a dataset that is taken")),
    "bad_envelope": _plain(
        lambda: gettext("The message carries neither signed properties nor an envelope object as agreed")
    ),
    "claim_day": lambda **f: gettext(
        "A day can be declared until %(days)s days after it, and not ahead", **_only(f, "days")
    ),
    "bad_claim": _plain(
        lambda: gettext("The body must be an object with date, dataset, batches, rows, sm3 and perhaps batch_ids as agreed")
    ),
    "bad_backfill": _plain(
        lambda: gettext("The body must be an object with begin, end and reason, or with reason alone, as agreed")
    ),
    "bad_span": _plain(lambda: gettext("begin and end must be ISO 8601 times with offset")),
    "bad_state": _plain(lambda: gettext("state must be noted, asked, approved, refused or withdrawn")),
    "bad_reply": _plain(lambda: gettext("The body must be an object with the text of the reply in text")),
}


def _only(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return {name: facts.get(name, "")}


def reason(name: str, **facts: Any) -> str:
    """Return the words for why a batch was refused whole."""
    return REASONS[name](**facts)

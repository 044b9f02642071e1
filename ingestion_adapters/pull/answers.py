"""What an enterprise's server answers: records, and where the next question begins; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from ingestion_adapters.checks import clean_text
from ingestion_adapters.deliveries import Rows
from ingestion_adapters.http.bodies import JSON, Refused, bound_values, inflated, payload_of
from ingestion_adapters.pull.rules import CURSOR_CHARS
from ingestion_adapters.store_readings import RawReadings


@dataclass(frozen=True)
class Page:
    """Rows of an answer, the cursor behind them, and whether more wait."""

    payload: Rows | RawReadings
    rows: int
    cursor: str
    more: bool


def page_of(dataset: str, body: bytes, encoding: str, cursor: str) -> Page:
    """Return the page an answer holds; raise Refused when it is not `{"records": […], "next": …}` as agreed.

    Without `next` the cursor stays; `more` asks again at once.
    """
    text = inflated(body, encoding).removeprefix(b"\xef\xbb\xbf")
    bound_values(text, JSON)
    try:
        found = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError) as broken:
        raise Refused(400, "E_SCHEMA", "bad_json", where=clean_text(str(broken), 120)) from broken
    if not isinstance(found, dict):
        raise Refused(400, "E_SCHEMA", "no_records")
    following = _cursor(found.pop("next", None), cursor)
    more = found.pop("more", False)
    if not isinstance(more, bool):
        raise Refused(400, "E_SCHEMA", "pull_answer")
    try:
        text = orjson.dumps(found)
    except (TypeError, RecursionError) as deep:  # orjson reads deeper than it writes
        raise Refused(400, "E_SCHEMA", "bad_json", where=clean_text(str(deep), 120)) from deep
    found.clear()
    payload = payload_of(dataset, JSON, text)
    size = payload.rows if isinstance(payload, RawReadings) else len(payload.rows)
    return Page(payload, size, following, more and following != cursor)


def _cursor(given: Any, before: str) -> str:
    if given is None:
        return before
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise Refused(400, "E_SCHEMA", "pull_answer")
    words = str(given)
    if len(words) > CURSOR_CHARS or not words.isprintable():
        raise Refused(400, "E_SCHEMA", "pull_answer")
    return words

"""The usual push of readings past the web framework: the same checks and the same taking in, without the framework's work.

What is not plainly usual, and whatever goes wrong, is handed on to the application, which judges and answers it.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from ingestion_adapters.doors import BATCH_ID, taken
from ingestion_adapters.http.auth import (
    HANDED_ON,
    HandedOn,
    ProgramKey,
    Sender,
    guard_of,
    program_actor,
    remembered_key,
)
from ingestion_adapters.http.bodies import JSON, Refused, payload_of
from ingestion_adapters.http.push import Push, take_push
from ingestion_adapters.onboarding.notices import notice_in_force
from ingestion_adapters.signing import SM2_SM3, in_window, matches, matches_sm2, string_to_sign, well_formed
from ingestion_adapters.store_at_once import ROWS_AT_ONCE
from ingestion_adapters.store_readings import RawReadings
from portal.config import Settings
from portal.core.clock import utc_now
from portal.core.logs import request_id

Environ = dict[str, Any]
Start = Callable[..., Any]
Wsgi = Callable[[Environ, Start], Iterable[bytes]]

PATH = "/api/v1/ingest/RT"
MOST_BYTES = 1 << 20
_HEADERS = [
    ("Content-Type", JSON),
    ("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Permissions-Policy", "geolocation=(), camera=(), microphone=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
]
_STATUS = {200: "200 OK", 422: "422 UNPROCESSABLE ENTITY"}


@dataclass(frozen=True)
class _Usual:
    """A push that is in order as far as can be told without the database."""

    push: Push
    payload: RawReadings


class Express:
    """Takes usual pushes; gives everything else to the application."""

    def __init__(self, onward: Wsgi, settings: Settings) -> None:
        """Stand before `onward`."""
        self.onward, self.settings = onward, settings
        self.guard = guard_of(str(settings.data_dir))

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer a request."""
        key = self._key_of(environ)
        if key is None:
            return self.onward(environ, start)
        size = int(environ["CONTENT_LENGTH"])
        with self.guard.holding(size) as full:
            if full is None:
                body = environ["wsgi.input"].read(size)
                environ["wsgi.input"] = io.BytesIO(body)
                usual = self._checked(environ, body, key) if len(body) == size else None
                answer = self._taken(environ, usual, start) if usual is not None else None
                if answer is not None:
                    return answer
        return self.onward(environ, start)

    def _key_of(self, environ: Environ) -> ProgramKey | None:
        """Return the key of who sends, None unless the request looks usual from outside."""
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "POST" or environ.get("RAW_URI") != PATH:
            return None
        size = environ.get("CONTENT_LENGTH") or ""
        if not (size.isascii() and size.isdigit() and len(size) <= 7 and 0 < int(size) <= MOST_BYTES):
            return None
        if environ.get("CONTENT_TYPE") != JSON or environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
            return None
        if "HTTP_TRANSFER_ENCODING" in environ or notice_in_force(self.settings) is not None:
            return None
        app_id = environ.get("HTTP_X_APP_ID", "")
        key = remembered_key(app_id)
        if key is None or key.sandbox or not self.guard.knows(app_id, environ.get("REMOTE_ADDR") or ""):
            return None
        return key if self.guard.wait_of(key.enterprise_id) is None else None

    def _checked(self, environ: Environ, body: bytes, key: ProgramKey) -> _Usual | None:
        """Return the push of a well-signed request whose rows can be read as columns, charged to its sender."""
        now, body_sm3 = utc_now(), hashlib.new("sm3", body).hexdigest()
        stamp, nonce = environ.get("HTTP_X_TIMESTAMP", ""), environ.get("HTTP_X_NONCE", "")
        signature, algorithm = environ.get("HTTP_X_SIGN", ""), environ.get("HTTP_X_SIGN_ALG", "")
        if algorithm != key.algorithm or not well_formed(stamp, nonce, signature, algorithm):
            return None
        texts = tuple(string_to_sign("POST", target, stamp, nonce, body_sm3) for target in (PATH, PATH + "?"))
        right = matches_sm2 if algorithm == SM2_SM3 else matches
        if not right(key.key, texts, signature) or not in_window(int(stamp), round(now.timestamp() * 1000)):
            return None
        batch_id, app_id = environ.get("HTTP_X_BATCH_ID", ""), environ["HTTP_X_APP_ID"]
        if not BATCH_ID.fullmatch(batch_id):
            return None
        try:
            payload = payload_of("RT", JSON, body)
        except Refused:
            return None
        if not isinstance(payload, RawReadings) or payload.rows > ROWS_AT_ONCE:
            return None
        self.guard.charge(key.enterprise_id, key.limits, rows=payload.rows, requests=1)
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id.set(given if given.isalnum() and len(given) <= 40 else secrets.token_hex(8))
        sender = Sender(key.enterprise_id, app_id, nonce, body, body_sm3, len(body), key.limits)
        actor = program_actor(key, app_id, environ.get("REMOTE_ADDR") or "")
        return _Usual(Push(sender, actor, "RT", batch_id, JSON, "", now), payload)

    def _taken(self, environ: Environ, usual: _Usual, start: Start) -> Iterable[bytes] | None:
        """Return the answer to a push; None when it failed, with the failure handed on to be answered."""
        try:
            answer = take_push(usual.push, usual.payload, self.settings)
        except Exception as failure:  # noqa: BLE001  # the application's error table answers and logs each
            environ[HANDED_ON] = HandedOn(usual.push.sender, usual.push.actor, failure)
            return None
        outcome = taken(answer, _language(environ.get("HTTP_ACCEPT_LANGUAGE")))
        words = orjson.dumps(outcome.body, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
        own = [("Content-Length", str(len(words))), ("X-Request-Id", request_id.get())]
        start(_STATUS[outcome.status], [*_HEADERS, *own])
        return [words]


def _language(accepted: str | None) -> str:
    if not accepted:
        return "zh"
    best = parse_accept_header(accepted, LanguageAccept).best_match(["zh", "zh-CN", "en"])
    return "en" if best == "en" else "zh"

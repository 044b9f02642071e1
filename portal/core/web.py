"""The web boundary: who may call a route, one transaction a request, and errors in plain words.

`requires` marks and guards a route, `public` marks a route that anybody may call. A route without
either stops the start of the portal. The only table from an error class to an HTTP status is here.
"""

from __future__ import annotations

import functools
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg2
import psycopg2.errors
from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from portal.config import Settings
from portal.core.actor import Actor
from portal.core.db import transaction
from portal.core.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    PortalError,
    TooMany,
    Upstream,
)
from portal.core.logs import request_id

log = logging.getLogger(__name__)

STATUS_OF: dict[type[PortalError], int] = {
    NotFound: 404,
    Invalid: 422,
    NotAllowed: 403,
    Conflict: 409,
    TooMany: 429,
    Upstream: 503,
}
NOBODY = Actor(kind="nobody", id=None, name="")
RETRY_AFTER_S = 2
# The driver's own words for a text that no database takes; it knows no class of its own for them.
NUL_REFUSED = "NUL (0x00)"

View = Callable[..., ResponseReturnValue]


def settings() -> Settings:
    """Return the settings of the running application."""
    found: Settings = current_app.config["PORTAL_SETTINGS"]
    return found


def current_actor() -> Actor:
    """Return who makes this request; an actor without rights when nobody is logged in."""
    actor: Actor = getattr(g, "actor", NOBODY)
    return actor


def requires(permission: str) -> Callable[[View], View]:
    """Guard a route: the caller must be logged in and hold `permission`; a denial is audited."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            actor = current_actor()
            if actor.kind == "nobody":
                return current_app.extensions["portal_login"]()  # type: ignore[no-any-return]
            if not actor.may(permission):
                current_app.extensions["portal_denied"](actor, permission)
                raise NotAllowed("not_allowed", permission=permission)
            return view(*args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return mark


def note_export(session: Session, kind: str, rows: int) -> None:
    """Have the audit keep that the caller takes rows of a kind away as a file."""
    current_app.extensions["portal_exported"](session, current_actor(), kind, rows)


def public(view: View) -> View:
    """Mark a route that anybody may call."""
    view.permission = "public"  # type: ignore[attr-defined]
    return view


def opened(*, worker: bool = False) -> AbstractContextManager[Session]:
    """Return a transaction limited to the caller's scope."""
    return transaction(settings(), current_actor().scope, worker=worker)


def web_transaction(view: View) -> View:
    """Give the view a session as first argument; commit when it returns, roll back when it raises."""

    @functools.wraps(view)
    def within(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        with opened() as session:
            return view(session, *args, **kwargs)

    return within


def _sources() -> str:
    """Return whom a page may ask: this server, and the video servers on the one page that plays them."""
    return " ".join(["'self'", *getattr(g, "media_hosts", [])])


def _media() -> str:
    """Return what may be played, where a page plays something: the same servers, and what a player pieces together."""
    return f"media-src {_sources()} blob:; " if hasattr(g, "media_hosts") else ""


def every_route_says_who(app: Flask) -> list[str]:
    """Return the endpoints that neither require a permission nor are marked public."""
    return [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and not hasattr(app.view_functions[rule.endpoint], "permission")
    ]


def wants_json() -> bool:
    """Return whether the caller is a program or a script rather than a person's page view."""
    if request.path.startswith(("/api/", "/tiles/", "/live")):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json" and request.headers.get("HX-Request") != "true"


def problem(status: int, code: str, detail: str = "", **more: Any) -> Response:
    """Return an application/problem+json answer (RFC 9457) in the caller's language."""
    body = {"type": "about:blank", "status": status, "code": code, "title": title_of(status)}
    answer = jsonify(body | {"detail": detail or sentence_of(code), "request_id": request_id.get()} | more)
    answer.status_code = status
    answer.content_type = "application/problem+json"
    return answer


def title_of(status: int) -> str:
    """Return the heading of an error in the caller's language."""
    titles: dict[int, str] = {
        400: gettext("The request cannot be read"),
        401: gettext("Please log in"),
        403: gettext("You may not do this"),
        404: gettext("Not found"),
        405: gettext("This address does not take that method"),
        409: gettext("The state has changed"),
        413: gettext("Too large"),
        422: gettext("Something is not right with the input"),
        429: gettext("Too many requests"),
        503: gettext("The portal is busy"),
    }
    return str(titles.get(status, gettext("Something went wrong")))


def sentence_of(code: str, **facts: Any) -> str:
    """Return the sentence of an error code in the caller's language; the title when there is none."""
    sentences: dict[str, Callable[..., str]] = current_app.extensions.get("portal_sentences", {})
    made = sentences.get(code)
    return made(**facts) if made else ""


def handle_errors(app: Flask) -> None:
    """Install the one error table: our errors, HTTP errors, database outages, and the rest as 500."""

    def of_ours(error: PortalError) -> ResponseReturnValue:
        status = next(code for kind, code in STATUS_OF.items() if isinstance(error, kind))
        answer = shown(status, error.code, sentence_of(error.code, **error.facts))
        if isinstance(error, TooMany | Upstream):
            answer.headers["Retry-After"] = str(error.facts.get("retry_after_s", RETRY_AFTER_S))
        return answer

    def of_http(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        answer = shown(status, f"http_{status}", "")
        allowed = error.get_response().headers.get("Allow")
        if allowed:
            answer.headers["Allow"] = allowed
        return answer

    def of_database(error: Exception) -> ResponseReturnValue:
        log.error("database_unavailable", extra={"kind": type(error).__name__})
        answer = shown(503, "database_unavailable", "")
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
        return answer

    def of_data(error: DBAPIError) -> ResponseReturnValue:
        if isinstance(error.orig, psycopg2.DataError):
            return shown(400, "bad_value", "")
        if isinstance(error.orig, psycopg2.errors.UniqueViolation):  # somebody else was a moment faster
            return shown(409, "known_already", "")
        return of_rest(error)

    def of_rest(error: Exception) -> ResponseReturnValue:
        if isinstance(error, ValueError) and NUL_REFUSED in str(error):
            return shown(400, "bad_value", "")
        log.error("unexpected_error", exc_info=error)
        return shown(500, "unexpected", "")

    app.register_error_handler(PortalError, of_ours)
    app.register_error_handler(HTTPException, of_http)
    lost = (OperationalError, InterfaceError, PoolTimeout, psycopg2.OperationalError, psycopg2.InterfaceError)
    for kind in lost:
        app.register_error_handler(kind, of_database)
    app.register_error_handler(DBAPIError, of_data)
    app.register_error_handler(Exception, of_rest)


def shown(status: int, code: str, sentence: str) -> Response:
    """Return an error as a page for people and as problem+json for programs."""
    if wants_json():
        return problem(status, code, sentence)
    page = render_template(
        "error.html", status=status, title=title_of(status), sentence=sentence, request_id=request_id.get()
    )
    return Response(page, status, content_type="text/html; charset=utf-8")


def install_headers(app: Flask) -> None:
    """Give every request an id and a nonce, and every answer its security headers."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        usable = given.isalnum() and len(given) <= 40
        request_id.set(given if usable else secrets.token_hex(8))
        g.csp_nonce = secrets.token_urlsafe(16)
        g.as_of_ms = time.time_ns() // 1_000_000  # news after it may be missing from the page

    @app.after_request
    def finish(answer: Response) -> Response:
        nonce = getattr(g, "csp_nonce", "")
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
            f"img-src 'self' data: blob:; font-src 'self'; connect-src {_sources()}; worker-src 'self'; {_media()}"
            "manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'self'"
        )
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "same-origin"
        answer.headers["X-Frame-Options"] = "SAMEORIGIN"
        answer.headers["Permissions-Policy"] = "geolocation=(self), camera=(self), microphone=()"
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        answer.headers["X-Request-Id"] = request_id.get()
        if not request.path.startswith("/static/"):
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer

"""Who makes this request: the session's token turned into a person, flask-login, and the reader's language."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic

from flask import Flask, Request, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import AnonymousUserMixin, LoginManager, UserMixin
from sqlalchemy.orm import Session

from portal.accounts.rules import is_deed, local_path
from portal.accounts.sessions import Person, person_of_token
from portal.audit.services import record
from portal.core.actor import CITY, Actor
from portal.core.clock import utc_now
from portal.core.codes import word_of
from portal.core.db import transaction
from portal.core.logs import request_id
from portal.core.web import problem, settings, wants_json

TOKEN_KEY = "sid"
LANGUAGE_KEY = "language"
LANGUAGES = ("zh_CN", "en")
# Programs sign each request; these addresses never look at a cookie.
WITHOUT_SESSION = ("/static/", "/healthz", "/readyz", "/metrics", "/api/")
# How long tiles, and nothing else, may be served to a session that was ended elsewhere.
RECENT_S = 2.0
RECENT_MOST = 2000
NARROWED_MOST = 10
WHILE_CHANGE_IS_DUE = frozenset({"accounts.password", "accounts.change", "accounts.leave", "accounts.language"})


@dataclass
class Reader(UserMixin):
    """The person of this request, as templates see him."""

    person: Person

    @property
    def login(self) -> str:
        """Return the login name."""
        return self.person.login

    @property
    def display_name(self) -> str:
        """Return the name shown on screen."""
        return self.person.display_name

    @property
    def role_word(self) -> str:
        """Return the role in the reader's language."""
        return word_of("role", self.person.actor.role, locale_of())

    def get_id(self) -> str:
        """Return the number of the account as text."""
        return str(self.person.actor.id)

    def may(self, permission: str) -> bool:
        """Return whether the person holds a permission."""
        return self.person.actor.may(permission)


class Visitor(AnonymousUserMixin):
    """Somebody who has not logged in."""

    login = ""
    display_name = ""
    role_word = ""

    def may(self, permission: str) -> bool:
        """Return false: a visitor holds no permission."""
        return False


class Recent:
    """People seen a moment ago: a map asks for dozens of tiles at once, one look at the table serves them."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._kept: dict[str, tuple[float, Person]] = {}

    def get(self, token: str) -> Person | None:
        """Return the person of a token seen within the last seconds, or None."""
        at, person = self._kept.get(token, (0.0, None))
        return person if person is not None and monotonic() - at < RECENT_S else None

    def keep(self, token: str, person: Person | None) -> None:
        """Remember whom a token stood for just now, or forget the token."""
        if len(self._kept) >= RECENT_MOST:
            self._kept.clear()
        if person is None:
            self._kept.pop(token, None)
        else:
            self._kept[token] = (monotonic(), person)


_recent = Recent()


def install_login(app: Flask) -> None:
    """Load the person before each request; answer for missing logins, denials and due password changes."""
    manager = LoginManager(app)
    manager.session_protection = None  # sessions live in the database
    manager.anonymous_user = Visitor

    @manager.request_loader
    def reader(_: Request) -> Reader | None:
        person: Person | None = g.get("person")
        return Reader(person) if person else None

    app.before_request(load_person)
    app.before_request(ask_for_new_password)
    app.extensions["portal_login"] = ask_for_login
    app.extensions["portal_denied"] = record_denial
    app.extensions["portal_exported"] = record_export


def load_person() -> None:
    """Turn the token in the cookie into the actor of this request."""
    token = str(session.get(TOKEN_KEY) or "")
    if not token or request.path.startswith(WITHOUT_SESSION):
        return
    person = _recent.get(token) if request.path.startswith("/tiles/") else None
    if person is None:
        with transaction(settings(), CITY) as database:
            person = person_of_token(
                database, token, utc_now(), settings=settings(), visitor=visitor_actor(), deed=_is_deed()
            )
        _recent.keep(token, person)
    if person is None:
        session.pop(TOKEN_KEY, None)
        return
    g.person, g.actor = person, replace(person.actor, request_id=request_id.get())


def ask_for_new_password() -> ResponseReturnValue | None:
    """Lead a person whose password must be changed to the one page that does it."""
    person: Person | None = g.get("person")
    if person is None or not must_change(person.actor) or request.endpoint in WHILE_CHANGE_IS_DUE:
        return None
    if wants_json():
        return problem(403, "password_due", gettext("Change your password first"))
    return redirect(url_for("accounts.password"))


def must_change(actor: Actor) -> bool:
    """Return whether the actor of this request has to change the password before anything else."""
    person: Person | None = g.get("person")
    return person is not None and person.actor.id == actor.id and person.must_change


def ask_for_login() -> ResponseReturnValue:
    """Answer a request without login: the login page for people, 401 for programs."""
    if wants_json():
        return problem(401, "login_needed")
    wanted = request.full_path if request.query_string else request.path
    page = url_for("accounts.login", next=wanted if request.method == "GET" and wanted != "/" else None)
    if request.headers.get("HX-Request") == "true":
        return "", 401, {"HX-Redirect": url_for("accounts.login", next=_shown_page())}
    return redirect(page)


def record_denial(actor: Actor, permission: str) -> None:
    """Write a denial into the audit, in a transaction of its own: the request itself changes nothing."""
    with transaction(settings(), CITY) as database:
        record(
            database,
            actor,
            "denied",
            object_type="permission",
            object_id=permission,
            result="denied",
            after={"method": request.method, "path": request.path[:200].replace("\x00", "")},
        )


def record_export(database: Session, actor: Actor, kind: str, rows: int) -> None:
    """Write into the audit that rows of a kind were handed out as a file, and how they were narrowed."""
    narrowed = {name: value[:80].replace("\x00", "") for name, value in list(request.args.items())[:NARROWED_MOST]}
    record(database, actor, "register.export", object_type=kind, after={"rows": rows} | narrowed)


def visitor_actor() -> Actor:
    """Return the one who is not logged in yet, with address and request id for the audit."""
    return Actor(
        kind="nobody",
        id=None,
        name="",
        address=request.remote_addr or "",
        request_id=request_id.get(),
    )


def locale_of() -> str:
    """Return the reader's language: the account's, else the one chosen in this browser, else Chinese."""
    person: Person | None = g.get("person")
    wanted = person.actor.language if person else session.get(LANGUAGE_KEY)
    return wanted if wanted in LANGUAGES else LANGUAGES[0]


def _is_deed() -> bool:
    return is_deed(
        request.method,
        request.path,
        fetched=request.headers.get("Sec-Fetch-Dest") == "empty",
        by_htmx=request.headers.get("HX-Request") == "true",
    )


def _shown_page() -> str | None:
    shown = request.headers.get("HX-Current-URL", "")
    path = "/" + shown.split("/", 3)[3] if shown.count("/") >= 3 else ""
    return local_path(path)

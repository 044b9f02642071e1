"""Logging in and out, language, and one's own account."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.accounts import admin_routes, enterprise_routes
from portal.accounts.forms import LoginForm, PasswordForm
from portal.accounts.people import change_password, set_language
from portal.accounts.queries import sessions_of, user_by_id
from portal.accounts.rules import local_path
from portal.accounts.sessions import end_other_sessions, end_session, log_in, log_out
from portal.accounts.web import LANGUAGE_KEY, LANGUAGES, TOKEN_KEY, must_change, visitor_actor
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Invalid
from portal.core.web import current_actor, public, requires, sentence_of, settings

blueprint = Blueprint("accounts", __name__)
blueprint.register_blueprint(admin_routes.blueprint)
blueprint.register_blueprint(enterprise_routes.blueprint)

DEMO_ACCOUNTS_FILE = "demo-accounts.txt"
DEMO_COLUMNS = 3
STATUS_OF_REFUSAL = {"login_failed": 401, "login_locked": 429}


@blueprint.get("/login")
@public
def login() -> ResponseReturnValue:
    """Show the login page; somebody logged in goes home."""
    if current_actor().kind == "user":
        return redirect("/")
    form = LoginForm(request.args, meta={"csrf": True})
    return _login_page(form)


@blueprint.post("/login")
@public
def enter() -> ResponseReturnValue:
    """Check login and password and open a session under a new token."""
    form = LoginForm()
    if not form.validate_on_submit():
        return _login_page(form, refused="login_failed"), 401
    with transaction(settings(), CITY) as database:
        outcome = log_in(
            database,
            form.login.data or "",
            form.password.data or "",
            visitor=visitor_actor(),
            agent=request.headers.get("User-Agent", ""),
            now=utc_now(),
            settings=settings(),
        )
    if outcome.token is None:
        return _login_page(form, refused=outcome.refused), STATUS_OF_REFUSAL[outcome.refused]
    session.clear()
    session[TOKEN_KEY] = outcome.token
    return redirect(local_path(form.next.data) or "/")


@blueprint.post("/logout")
@requires("self")
def leave() -> ResponseReturnValue:
    """End this session."""
    with transaction(settings(), CITY) as database:
        log_out(database, now=utc_now(), actor=current_actor())
    session.clear()
    return redirect(url_for("accounts.login"))


@blueprint.post("/language")
@public
def language() -> ResponseReturnValue:
    """Keep the language a person chose, in the account or for this browser."""
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        session[LANGUAGE_KEY] = wanted
        actor = current_actor()
        if actor.kind == "user" and actor.id is not None:
            with transaction(settings(), CITY) as database:
                set_language(database, actor.id, wanted, actor=actor)
    return redirect(local_path(request.form.get("next")) or "/")


@blueprint.get("/account")
@requires("self")
def profile() -> ResponseReturnValue:
    """Show one's own account."""
    with transaction(settings(), CITY) as database:
        user = user_by_id(database, current_actor().id or 0)
    return render_template("accounts/profile.html", user=user)


@blueprint.get("/account/password")
@requires("self")
def password() -> ResponseReturnValue:
    """Show the form that changes one's own password."""
    return _password_page(PasswordForm())


@blueprint.post("/account/password")
@requires("self")
def change() -> ResponseReturnValue:
    """Change one's own password; every other session of the account ends."""
    form, actor = PasswordForm(), current_actor()
    if not form.validate_on_submit():
        return _password_page(form), 422
    try:
        with transaction(settings(), CITY) as database:
            change_password(
                database,
                actor.id or 0,
                form.old.data or "",
                form.new.data or "",
                now=utc_now(),
                actor=actor,
            )
    except Invalid as refused:
        field = form.old if refused.code == "password_wrong" else form.new
        field.errors = [sentence_of(code) for code in refused.facts.get("rules", [refused.code])]
        return _password_page(form), 422
    flash(gettext("Your password was changed. Sessions elsewhere have ended."))
    return redirect(url_for("accounts.profile"))


@blueprint.get("/account/sessions")
@requires("self")
def sessions() -> ResponseReturnValue:
    """List one's own sessions."""
    with transaction(settings(), CITY) as database:
        found = sessions_of(database, current_actor().id or 0, utc_now(), settings().session_hours)
    return render_template("accounts/sessions.html", sessions=found, mine=current_actor().session_ref)


@blueprint.post("/account/sessions/end-others")
@requires("self")
def end_others() -> ResponseReturnValue:
    """End one's sessions elsewhere."""
    with transaction(settings(), CITY) as database:
        ended = end_other_sessions(database, now=utc_now(), actor=current_actor())
    flash(gettext("Sessions ended elsewhere: %(count)s", count=ended))
    return redirect(url_for("accounts.sessions"))


@blueprint.post("/account/sessions/<ref>/end")
@requires("self")
def end_one(ref: str) -> ResponseReturnValue:
    """End one of one's own sessions."""
    with transaction(settings(), CITY) as database:
        end_session(database, ref, now=utc_now(), actor=current_actor(), own_only=True)
    return redirect(url_for("accounts.sessions"))


def _login_page(form: LoginForm, refused: str = "") -> str:
    return render_template(
        "accounts/login.html",
        form=form,
        refused=sentence_of(refused) if refused else "",
        demo_accounts=_demo_accounts(),
    )


def _demo_accounts() -> list[list[str]]:
    """Return login, password and role of the demo's accounts; nothing where real work is done."""
    listed = settings().data_dir / DEMO_ACCOUNTS_FILE
    if not settings().demo or not listed.is_file():
        return []
    lines = listed.read_text(encoding="utf-8").splitlines()
    return [words for words in (line.split(maxsplit=2) for line in lines) if len(words) == DEMO_COLUMNS]


def _password_page(form: PasswordForm) -> str:
    return render_template("accounts/password.html", form=form, forced=must_change(current_actor()))

"""Administration of people and their sessions."""

from __future__ import annotations

from typing import TypeVar

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from gis.basemap.queries import district_names
from portal.accounts.forms import RightsForm, UserForm, without_nul
from portal.accounts.people import (
    change_rights,
    create_user,
    disable_user,
    enable_user,
    reset_password,
)
from portal.accounts.queries import PAGE_ROWS, enterprises, open_sessions, user_by_id, users
from portal.accounts.sessions import end_session
from portal.core.actor import CITY
from portal.core.clock import CITY_ZONE, utc_now
from portal.core.codes import words_of
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.web import current_actor, requires, sentence_of, settings

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
MAX_ID = 2**31 - 1
FormT = TypeVar("FormT", bound=RightsForm)


@blueprint.get("/users")
@requires("account.manage")
def people() -> ResponseReturnValue:
    """List accounts; filters `q` and `role`, keyset paging by login in `after`."""
    words = (without_nul(request.args.get("q")) or "").strip()[:60]
    role = request.args.get("role", type=int)
    after = (without_nul(request.args.get("after")) or "")[:32]
    with transaction(settings(), CITY) as database:
        found = users(database, words=words, role=role, after=after)
        names = {each.id: each.short_name for each in enterprises(database)}
    more = found[PAGE_ROWS - 1].login if len(found) > PAGE_ROWS else None
    return render_template(
        "admin/users.html",
        users=found[:PAGE_ROWS],
        role_words=_role_words(),
        enterprise_names=names,
        words=words,
        role=role,
        after=after,
        next_url=url_for(".people", q=words or None, role=role, after=more) if more else None,
    )


@blueprint.get("/users/new")
@requires("account.manage")
def new_person() -> ResponseReturnValue:
    """Show the form of a new account."""
    return render_template("admin/user_new.html", form=_filled(UserForm()))


@blueprint.post("/users")
@requires("account.manage")
def create() -> ResponseReturnValue:
    """Create an account; the answer is the only place where its one-time password can be read."""
    form = _filled(UserForm())
    if not form.validate_on_submit():
        return render_template("admin/user_new.html", form=form), 422
    try:
        with transaction(settings(), CITY) as database:
            user, password = create_user(
                database,
                form.login.data or "",
                form.display_name.data or "",
                form.rights(),
                settings=settings(),
                actor=current_actor(),
            )
    except (Invalid, Conflict) as refused:
        field = form.login if refused.code.startswith("login") else form.role
        field.errors = [sentence_of(refused.code)]
        return render_template("admin/user_new.html", form=form), 409 if isinstance(refused, Conflict) else 422
    return render_template("admin/user_password.html", user=user, password=password)


@blueprint.get("/users/<int:user_id>")
@requires("account.manage")
def person(user_id: int) -> ResponseReturnValue:
    """Show an account and the form of its rights."""
    return _person_page(user_id)


@blueprint.post("/users/<int:user_id>/rights")
@requires("account.manage")
def rights(user_id: int) -> ResponseReturnValue:
    """Give an account another role or scope."""
    form = _filled(RightsForm())
    if not form.validate_on_submit():
        return _person_page(user_id, form), 422
    try:
        with transaction(settings(), CITY) as database:
            change_rights(
                database,
                _id(user_id),
                form.rights(),
                settings=settings(),
                now=utc_now(),
                actor=current_actor(),
            )
    except Invalid as refused:
        form.role.errors = [sentence_of(refused.code)]
        return _person_page(user_id, form), 422
    flash(gettext("The rights were changed; the person's sessions have ended."))
    return redirect(url_for(".person", user_id=user_id))


@blueprint.post("/users/<int:user_id>/disable")
@requires("account.manage")
def disable(user_id: int) -> ResponseReturnValue:
    """Close an account."""
    with transaction(settings(), CITY) as database:
        disable_user(database, _id(user_id), now=utc_now(), actor=current_actor())
    return redirect(url_for(".person", user_id=user_id))


@blueprint.post("/users/<int:user_id>/enable")
@requires("account.manage")
def enable(user_id: int) -> ResponseReturnValue:
    """Open a closed account again."""
    with transaction(settings(), CITY) as database:
        enable_user(database, _id(user_id), actor=current_actor())
    return redirect(url_for(".person", user_id=user_id))


@blueprint.post("/users/<int:user_id>/reset")
@requires("account.manage")
def reset(user_id: int) -> ResponseReturnValue:
    """Give an account a one-time password, shown in the answer alone."""
    with transaction(settings(), CITY) as database:
        user, password = reset_password(database, _id(user_id), now=utc_now(), actor=current_actor())
    return render_template("admin/user_password.html", user=user, password=password)


@blueprint.get("/sessions")
@requires("session.manage")
def sessions() -> ResponseReturnValue:
    """List everybody's living sessions."""
    given = settings()
    with transaction(given, CITY) as database:
        found = open_sessions(database, utc_now(), idle_minutes=given.idle_minutes, session_hours=given.session_hours)
    return render_template(
        "admin/sessions.html",
        rows=found,
        role_words=_role_words(),
        mine=current_actor().session_ref,
    )


@blueprint.post("/sessions/<ref>/end")
@requires("session.manage")
def end(ref: str) -> ResponseReturnValue:
    """End anybody's session."""
    with transaction(settings(), CITY) as database:
        end_session(database, ref, now=utc_now(), actor=current_actor(), own_only=False)
    return redirect(url_for(".sessions"))


def _person_page(user_id: int, form: RightsForm | None = None) -> str:
    with transaction(settings(), CITY) as database:
        user = user_by_id(database, _id(user_id))
    if form is None:
        form = _filled(RightsForm(formdata=None))
        form.role.data, form.enterprise_id.data = user.role, user.enterprise_id or 0
        form.adcodes.data, form.granted.data = list(user.adcodes), list(user.granted_enterprise_ids)
        form.granted_until.data = user.granted_until.astimezone(CITY_ZONE).date() if user.granted_until else None
    return render_template(
        "admin/user.html",
        user=user,
        form=form,
        role_words=_role_words(),
        own=user.id == current_actor().id,
    )


def _filled(form: FormT) -> FormT:
    """Give the selects of a form their choices."""
    with transaction(settings(), CITY) as database:
        names = [(each.id, each.short_name) for each in enterprises(database)]
        districts = district_names(database, str(get_locale()))
    form.role.choices = list(_role_words().items())
    form.enterprise_id.choices = [(0, "–"), *names]
    form.granted.choices = names
    form.adcodes.choices = list(districts.items())
    return form


def _role_words() -> dict[int, str]:
    return words_of("role", str(get_locale()))


def _id(user_id: int) -> int:
    if user_id > MAX_ID:
        raise NotFound("user", user_id=user_id)
    return user_id

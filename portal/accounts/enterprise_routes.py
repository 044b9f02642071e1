"""Administration of enterprises and the keys of their programs."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from portal.accounts.enterprise_models import EnterpriseProfile
from portal.accounts.enterprise_queries import parts_of
from portal.accounts.forms import EnterpriseForm, key_overlap
from portal.accounts.keys import (
    NewKey,
    Sm2Key,
    create_enterprise,
    make_key,
    register_sm2_key,
    revoke_key,
    rotate_key,
)
from portal.accounts.queries import enterprise_by_id, enterprises, keys_of
from portal.accounts.rules import LONGEST_OVERLAP, OVERLAP
from portal.core.actor import CITY
from portal.core.clock import local, utc_now
from portal.core.codes import words_of
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.web import current_actor, opened, requires, sentence_of, settings
from portal.registers.words import Speech

blueprint = Blueprint("enterprises", __name__, url_prefix="/admin/enterprises")


@blueprint.get("")
@requires("enterprise.read")
def index() -> ResponseReturnValue:
    """List the enterprises within the caller's reach."""
    return _list_page(_form())


@blueprint.post("")
@requires("enterprise.manage")
def create() -> ResponseReturnValue:
    """Register an enterprise."""
    form = _form()
    if not form.validate_on_submit():
        return _list_page(form), 422
    try:
        with transaction(settings(), CITY) as database:
            made = create_enterprise(
                database,
                form.uscc.data or "",
                form.name.data or "",
                form.short_name.data or "",
                kind=form.kind.data,
                actor=current_actor(),
            )
    except (Invalid, Conflict) as refused:
        form.uscc.errors = [sentence_of(refused.code)]
        return _list_page(form), 409 if isinstance(refused, Conflict) else 422
    return redirect(url_for("accounts.enterprises.show", enterprise_id=made.id))


@blueprint.get("/<int:enterprise_id>")
@requires("enterprise.read")
def show(enterprise_id: int) -> ResponseReturnValue:
    """Show an enterprise, and its keys to those who manage keys."""
    return _page(enterprise_id)


@blueprint.post("/<int:enterprise_id>/keys")
@requires("key.manage")
def add_key(enterprise_id: int) -> ResponseReturnValue:
    """Make a key; the answer is the only place where it can be read."""
    with transaction(settings(), CITY) as database:
        made = make_key(database, enterprise_id, settings=settings(), now=utc_now(), actor=current_actor())
    return _page(enterprise_id, made)


@blueprint.post("/<int:enterprise_id>/keys/rotate")
@requires("key.manage")
def rotate(enterprise_id: int) -> ResponseReturnValue:
    """Make a new key beside the old one, which ends on the day `until`, or in a week."""
    now = utc_now()
    overlap = key_overlap(request.form.get("until"), now)
    with transaction(settings(), CITY) as database:
        made = rotate_key(database, enterprise_id, settings=settings(), now=now, actor=current_actor(), overlap=overlap)
    return _page(enterprise_id, made)


@blueprint.post("/<int:enterprise_id>/keys/sm2")
@requires("key.manage")
def register_sm2(enterprise_id: int) -> ResponseReturnValue:
    """Register an SM2 public key; form fields `public_key`, and `until`: the last day of the SM2 key before it."""
    now = utc_now()
    key = Sm2Key(request.form.get("public_key", "")[:2000], key_overlap(request.form.get("until"), now))
    with transaction(settings(), CITY) as database:
        app_id = register_sm2_key(database, enterprise_id, key, settings=settings(), now=now, actor=current_actor())
    flash(gettext("The public key is registered. Its program sends X-App-Id %(app_id)s.", app_id=app_id), "success")
    return redirect(url_for("accounts.enterprises.show", enterprise_id=enterprise_id))


@blueprint.post("/<int:enterprise_id>/keys/<int:key_id>/revoke")
@requires("key.manage")
def revoke(enterprise_id: int, key_id: int) -> ResponseReturnValue:
    """Cut a key off at once."""
    with transaction(settings(), CITY) as database:
        revoke_key(database, enterprise_id, key_id, now=utc_now(), actor=current_actor())
    return redirect(url_for("accounts.enterprises.show", enterprise_id=enterprise_id))


def _form() -> EnterpriseForm:
    form = EnterpriseForm()
    form.kind.choices = list(words_of("enterprise_kind", str(get_locale())).items())
    return form


def _list_page(form: EnterpriseForm) -> str:
    with transaction(settings(), CITY) as database:
        found = enterprises(database)
    return render_template("admin/enterprises.html", enterprises=found, form=form, **_words())


def _page(enterprise_id: int, new_key: NewKey | None = None) -> str:
    if enterprise_id >= 2**31:
        raise NotFound("enterprise", enterprise_id=enterprise_id)
    now = utc_now()
    with transaction(settings(), CITY) as database:
        found = enterprise_by_id(database, enterprise_id)
        keys = keys_of(database, enterprise_id) if current_actor().may("key.manage") else []
    today = local(now).date()
    with opened() as database:  # what it told of its people is for those within whose reach it lies
        parts = parts_of(database, enterprise_id, today)
    return render_template(
        "admin/enterprise.html",
        enterprise=found,
        keys=keys,
        now=now,
        new_key=new_key,
        until=today + OVERLAP,
        last_until=today + LONGEST_OVERLAP - timedelta(days=1),
        today=today,
        parts=parts,
        profile_facts=_profile_facts(parts.profile),
        certificate_words=words_of("certificate_kind", str(get_locale())),
        duty_words=words_of("person_duty", str(get_locale())),
        **_words(),
    )


_TOLD = (
    "legal_person", "safety_head_phone", "safety_staff_n", "users_n", "pipe_km", "plan_filed", "licence_scope",
    "control_system", "redundancy", "backup_centre", "backup_switched_on",
)  # fmt: skip


def _profile_facts(profile: EnterpriseProfile | None) -> list[tuple[str, str]]:
    """Return what an enterprise told of itself, in words; what it left out shows as a dash."""
    if profile is None:
        return []
    speech = Speech(str(get_locale() or "zh_CN"), {}, {})
    columns = [profile.__table__.columns[name] for name in _TOLD]
    return [(speech.label(column), speech.value(column, getattr(profile, column.name))) for column in columns]


def _words() -> dict[str, dict[int, str]]:
    language = str(get_locale())
    return {
        "kind_words": words_of("enterprise_kind", language),
        "status_words": words_of("enterprise_status", language),
    }

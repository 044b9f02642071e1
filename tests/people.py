"""People for tests: an account of a role, logged in, with the cookie a browser would hold."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import User, UserSession
from portal.accounts.people import create_user
from portal.accounts.rights import Rights, Role
from portal.core.actor import cli_actor
from portal.core.crypto import PROVIDER


def make_person(
    session: Session,
    app: Flask,
    role: Role = Role.CITY_REGULATOR,
    *,
    enterprise_id: int | None = None,
    adcodes: list[str] | None = None,
    granted: list[int] | None = None,
) -> User:
    """Add an account that need not change its password."""
    settings = app.config["PORTAL_SETTINGS"]
    login = f"t{secrets.token_hex(5)}"
    rights = Rights(int(role), enterprise_id=enterprise_id, adcodes=adcodes or [], granted_enterprise_ids=granted or [])
    user, _ = create_user(session, login, login, rights, settings=settings, actor=cli_actor())
    user.must_change_password = False
    session.flush()
    return user


def cookie_for(session: Session, app: Flask, user: User | None = None) -> tuple[str, str]:
    """Return name and value of the cookie of a person logged in just now."""
    user = user or make_person(session, app)
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    ref = secrets.token_hex(6)
    row = UserSession(
        token_sm3=PROVIDER.sm3(token.encode()),
        ref=ref,
        user_id=user.id,
        created_at=now,
        seen_at=now,
    )
    session.add(row)
    session.flush()
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return app.config["SESSION_COOKIE_NAME"], signer.dumps({"sid": token})


def browser_of(session: Session, app: Flask, user: User) -> FlaskClient:
    """Return a browser in which a person is logged in; the session must be committed before use."""
    browser = app.test_client()
    name, value = cookie_for(session, app, user)
    browser.set_cookie(name, value)
    return browser

"""Accounts of the demo city: one for each role, all with one password that differs between installations."""

from __future__ import annotations

import base64

from sqlalchemy.orm import Session

from portal.accounts.people import create_user
from portal.accounts.queries import user_by_login
from portal.accounts.rights import Rights, Role
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.crypto import PROVIDER

DEMO_ACCOUNTS: tuple[tuple[str, str, Role], ...] = (
    ("shiji", "周明远", Role.CITY_REGULATOR),
    ("diaodu", "林晓岚", Role.CITY_DISPATCHER),
    ("quxian", "陈立新", Role.DISTRICT_REGULATOR),
    ("qiye", "许建国", Role.ENTERPRISE_MANAGER),
    ("anquanyuan", "何静", Role.ENTERPRISE_SAFETY),
    ("zhuanjia", "沈思源", Role.EXPERT),
    ("pingjia", "高文博", Role.EVALUATOR),
    ("xitong", "郭振宇", Role.SYSTEM_ADMIN),
    ("baomi", "罗文倩", Role.SECURITY_ADMIN),
    ("shenji", "宋佳宁", Role.AUDITOR),
)


def demo_password(settings: Settings) -> str:
    """Return the password of the demo accounts: made from this installation's secret, never stored."""
    mark = PROVIDER.hmac_sm3(settings.secret_key.encode(), b"demo accounts")
    return "Yc-" + base64.b32encode(mark)[:9].decode().lower() + "7"


def ensure_demo_accounts(
    session: Session, *, enterprise_id: int, adcode: str, settings: Settings, actor: Actor
) -> list[str]:
    """Create the demo accounts that are missing and return their logins."""
    made = []
    for login, name, role in DEMO_ACCOUNTS:
        if user_by_login(session, login) is not None:
            continue
        rights = _rights(role, enterprise_id, adcode)
        user, _ = create_user(
            session, login, name, rights, settings=settings, actor=actor, password=demo_password(settings)
        )
        # The password is the installation's own and shown on the login page: nothing to change first.
        user.must_change_password = False
        made.append(login)
    session.flush()
    return made


def _rights(role: Role, enterprise_id: int, adcode: str) -> Rights:
    if role in (Role.ENTERPRISE_MANAGER, Role.ENTERPRISE_SAFETY):
        return Rights(role, enterprise_id=enterprise_id)
    if role == Role.DISTRICT_REGULATOR:
        return Rights(role, adcodes=[adcode])
    if role in (Role.EXPERT, Role.EVALUATOR):
        return Rights(role, granted_enterprise_ids=[enterprise_id])
    return Rights(role)

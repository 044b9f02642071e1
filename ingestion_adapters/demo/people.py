"""The demo's accounts and keys: one account a role, passwords made anew for each installation."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from ingestion_adapters.demo.city import adcode_of
from portal.accounts.keys import make_key
from portal.accounts.passwords import one_time_password
from portal.accounts.people import Rights, create_user
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.codes import word_of

PEOPLE = (
    ("regulator", "李建国", Role.CITY_REGULATOR, None),
    ("dispatcher", "王海燕", Role.CITY_DISPATCHER, None),
    ("district", "赵敏", Role.DISTRICT_REGULATOR, None),
    ("ycrq", "周强", Role.ENTERPRISE_MANAGER, "YCRQ"),
    ("jbrq", "郑伟", Role.ENTERPRISE_SAFETY, "JBRQ"),
    ("kfqrq", "吴刚", Role.ENTERPRISE_MANAGER, "KFQRQ"),
    ("evaluator", "评价机构", Role.EVALUATOR, None),
    ("expert", "陈教授", Role.EXPERT, None),
    ("sysadmin", "系统管理员", Role.SYSTEM_ADMIN, None),
    ("secadmin", "安全管理员", Role.SECURITY_ADMIN, None),
    ("auditor", "审计员", Role.AUDITOR, None),
)
GRANT_YEARS = 1


def make_people(
    session: Session, enterprises: dict[str, int], *, settings: Settings, now: datetime, actor: Actor
) -> list[str]:
    """Create the accounts; return a line each: login, password, role."""
    lines = []
    for login, name, role, enterprise in PEOPLE:
        granted = role in (Role.EXPERT, Role.EVALUATOR)
        rights = Rights(
            role=role,
            enterprise_id=enterprises[enterprise] if enterprise else None,
            adcodes=[adcode_of(1), adcode_of(2)] if role == Role.DISTRICT_REGULATOR else [],
            granted_enterprise_ids=list(enterprises.values()) if granted else [],
            granted_until=now.replace(year=now.year + GRANT_YEARS) if granted else None,
        )
        user, password = create_user(
            session, login, name, rights, settings=settings, actor=actor, password=one_time_password()
        )
        user.must_change_password = False
        lines.append(f"  {login:12} {password:16} {word_of('role', role, 'zh_CN')}")
    session.flush()
    return lines


def make_keys(
    session: Session, enterprises: dict[str, int], folder: Path, *, settings: Settings, now: datetime, actor: Actor
) -> None:
    """Give each enterprise's program a key, in files that only this installation reads."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, enterprise_id in enterprises.items():
        key = make_key(session, enterprise_id, settings=settings, now=now, actor=actor)
        (folder / f"{name}.app").write_text(key.app_id, encoding="utf-8")
        target = folder / f"{name}.key"
        target.touch(mode=0o600)
        target.write_text(key.key, encoding="utf-8")

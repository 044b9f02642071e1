"""Rights: which role holds which permission, in one table; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

from portal.core.actor import CITY, NOTHING, Scope


class Role(IntEnum):
    """Roles of people, as in the dictionary `role`."""

    CITY_REGULATOR = 1
    CITY_DISPATCHER = 2
    DISTRICT_REGULATOR = 3
    ENTERPRISE_MANAGER = 4
    ENTERPRISE_SAFETY = 5
    EXPERT = 6
    EVALUATOR = 7
    SYSTEM_ADMIN = 8
    SECURITY_ADMIN = 9
    AUDITOR = 10


@dataclass(frozen=True)
class Rights:
    """A role and what it reaches."""

    role: int
    enterprise_id: int | None = None
    adcodes: list[str] = field(default_factory=list)
    granted_enterprise_ids: list[int] = field(default_factory=list)
    granted_until: datetime | None = None


_EVERYBODY = frozenset({"self"})
_READ = frozenset(
    {
        "map.read",
        "alarm.read",
        "case.read",
        "report.read",
        "intake.read",
        "supply.read",
        "safety.read",
        "risk.model",
        "emergency.read",
        "dictionary.read",
    }
)
_HANDLE = frozenset({"alarm.acknowledge", "alarm.judge", "case.open", "case.handle"})
# Who draws up limits, and up to which level of alarm one may release them; level 1 takes two persons.
_LIMITS = frozenset({"limit.draft", "limit.level3"})
# What city and enterprise settle between them: connecting, and how the enterprise is evaluated.
_CONNECT = frozenset({"onboarding.read", "onboarding.apply", "mapping.manage", "evaluation.agree"})
_STATIONS = frozenset({"station.configure"})
_REVIEW = frozenset({"onboarding.read", "onboarding.review"})
# A regulator proposes a correction of the network; the enterprise answers it and speaks for its side of a border.
_PROPOSE = frozenset({"proposal.make"})
_ANSWER = frozenset({"proposal.answer", "border.say"})

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.CITY_REGULATOR: _EVERYBODY
    | {"border.decide"}
    | _PROPOSE
    | _READ
    | _HANDLE
    | _CONNECT
    | _REVIEW
    | {"interface.announce", "risk.draft"}
    | _STATIONS
    | {"report.make", "finding.record", "network.import", "case.close", "quality.manage", "enterprise.read"}
    | _LIMITS
    | {"limit.level2", "limit.level1"}
    | {"upward.read", "upward.send", "duty.manage"},
    Role.CITY_DISPATCHER: _EVERYBODY | _READ | _LIMITS | _HANDLE | _PROPOSE | {"enterprise.read", "upward.read", "upward.send"},
    Role.DISTRICT_REGULATOR: _EVERYBODY
    | _READ
    | _LIMITS
    | _HANDLE
    | _REVIEW
    | _PROPOSE
    | {"limit.level2", "case.close", "enterprise.read"},
    Role.ENTERPRISE_MANAGER: _EVERYBODY | _READ | _LIMITS | _CONNECT | _STATIONS | _ANSWER | {"network.import", "case.reply"},
    Role.ENTERPRISE_SAFETY: _EVERYBODY | _READ | _LIMITS | {"case.reply"},
    Role.EXPERT: _EVERYBODY | {"map.read", "alarm.read", "emergency.read", "dictionary.read"},
    Role.EVALUATOR: _EVERYBODY
    | {"map.read", "report.read", "finding.record", "intake.read", "dictionary.read"}
    | {"supply.read", "safety.read", "risk.model", "emergency.read"},
    Role.SYSTEM_ADMIN: _EVERYBODY
    | {"account.manage", "enterprise.manage", "enterprise.read", "job.read", "dictionary.read"},
    Role.SECURITY_ADMIN: _EVERYBODY
    | {"key.manage", "session.manage", "parameter.manage", "enterprise.read", "dictionary.read"}
    | {"risk.model", "risk.release"},
    Role.AUDITOR: _EVERYBODY | {"audit.read"},
}

CITY_ROLES = frozenset({Role.CITY_REGULATOR, Role.CITY_DISPATCHER})
ENTERPRISE_ROLES = frozenset({Role.ENTERPRISE_MANAGER, Role.ENTERPRISE_SAFETY})
ADMIN_ROLES = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR})


def permissions_of(role: int) -> frozenset[str]:
    """Return the permissions of a role; nothing for an unknown one."""
    return PERMISSIONS[Role(role)] if role in set(Role) else frozenset()


def scope_of(
    role: int,
    *,
    enterprise_id: int | None,
    adcodes: list[str],
    granted: list[int],
) -> Scope:
    """Return which rows a person of this role may see; administrators see no enterprise data."""
    if role in CITY_ROLES:
        return CITY
    if role == Role.DISTRICT_REGULATOR:
        return Scope(adcodes=frozenset(adcodes))
    if role in ENTERPRISE_ROLES and enterprise_id is not None:
        return Scope(enterprise_ids=frozenset({enterprise_id}))
    if role in (Role.EXPERT, Role.EVALUATOR):
        return Scope(enterprise_ids=frozenset(granted))
    return NOTHING


def rights_text(
    login: str,
    role: int,
    *,
    enterprise_id: int | None,
    adcodes: list[str],
    granted: list[int],
    granted_until: datetime | None,
) -> str:
    """Return the text over which a person's rights are sealed; the order in the lists has no part in it."""
    until = granted_until.astimezone(UTC).isoformat(timespec="microseconds") if granted_until else ""
    return "|".join(
        (
            login,
            str(role),
            "" if enterprise_id is None else str(enterprise_id),
            ",".join(sorted(adcodes)),
            ",".join(str(each) for each in sorted(granted)),
            until,
        )
    )


def rights_problems(role: int, *, enterprise_id: int | None, adcodes: list[str], granted: list[int]) -> list[str]:
    """Return the codes of what is wrong with a role and its scope; empty when they fit.

    Codes: role_unknown, enterprise_needed, enterprise_not_wanted, district_needed, district_not_wanted,
    grant_not_wanted.
    """
    if role not in set(Role):
        return ["role_unknown"]
    problems = []
    if role in ENTERPRISE_ROLES and enterprise_id is None:
        problems.append("enterprise_needed")
    if role not in ENTERPRISE_ROLES and enterprise_id is not None:
        problems.append("enterprise_not_wanted")
    if role == Role.DISTRICT_REGULATOR and not adcodes:
        problems.append("district_needed")
    if role != Role.DISTRICT_REGULATOR and adcodes:
        problems.append("district_not_wanted")
    if role not in (Role.EXPERT, Role.EVALUATOR) and granted:
        problems.append("grant_not_wanted")
    return problems

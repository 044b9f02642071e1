"""Who acts: a person, an enterprise's program, a job or the command line, with role and data scope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ActorKind = Literal["user", "program", "job", "cli", "nobody"]


@dataclass(frozen=True)
class Scope:
    """Which rows may be seen: the whole city, some enterprises, some districts, or nothing."""

    whole_city: bool = False
    enterprise_ids: frozenset[int] = frozenset()
    adcodes: frozenset[str] = frozenset()

    def as_text(self) -> str:
        """Return the form handed to the database: `*`, or lists such as `e:3,7;d:990101`; empty sees nothing."""
        if self.whole_city:
            return "*"
        parts = []
        if self.enterprise_ids:
            parts.append("e:" + ",".join(str(each) for each in sorted(self.enterprise_ids)))
        if self.adcodes:
            parts.append("d:" + ",".join(sorted(self.adcodes)))
        return ";".join(parts)

    def covers(self, enterprise_id: int | None, adcode: str | None) -> bool:
        """Return whether a row of this enterprise and district may be seen."""
        return (
            self.whole_city
            or (enterprise_id is not None and enterprise_id in self.enterprise_ids)
            or (adcode is not None and adcode in self.adcodes)
        )


CITY = Scope(whole_city=True)
NOTHING = Scope()


@dataclass(frozen=True)
class Actor:
    """The one who acts, as the audit names him."""

    kind: ActorKind
    id: int | None
    name: str
    role: int | None = None
    scope: Scope = NOTHING
    permissions: frozenset[str] = frozenset()
    session_ref: str = ""
    address: str = ""
    request_id: str = ""
    language: str = "zh_CN"
    enterprise_id: int | None = field(default=None)
    display_name: str = ""

    @property
    def shown_name(self) -> str:
        """Return the name people read on timelines and reports; `name` stays the login for the audit."""
        return self.display_name or self.name

    def may(self, permission: str) -> bool:
        """Return whether the actor holds a permission."""
        return permission in self.permissions


def job_actor(name: str) -> Actor:
    """Return the actor of a scheduled job: the whole city."""
    return Actor(kind="job", id=None, name=name, scope=CITY)


def cli_actor(name: str = "command line") -> Actor:
    """Return the actor of the command line: the whole city."""
    return Actor(kind="cli", id=None, name=name, scope=CITY)

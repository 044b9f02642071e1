"""What can go wrong, said once: each error carries a code and facts, its words are looked up at the edge."""

from __future__ import annotations

from typing import Any


class PortalError(Exception):
    """Base of every expected failure: a stable code and facts for the sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class NotFound(PortalError):
    """The thing does not exist or lies outside the caller's scope; both look the same."""


class Invalid(PortalError):
    """The request is understood but what it says cannot be accepted."""


class NotAllowed(PortalError):
    """The caller may not do this."""


class Conflict(PortalError):
    """The thing is in a state that does not admit the change."""


class TooMany(PortalError):
    """The caller has to wait; the fact `retry_after_s` says how long."""


class Upstream(PortalError):
    """Something the portal depends on does not answer."""

"""What people may ask of the borders: filters, order, a page, an action with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.core.errors import Invalid
from portal.core.paging import parse_number, parse_words
from portal.network.borders.rules import ACTIONS, KINDS, REASON_CHARS, STATES

ORDERS = ("score", "distance", "newest", "overlap")
GONE = 4
OFFSET_MOST = 100_000


@dataclass(frozen=True)
class Filter:
    """What a list of findings is narrowed to and how it is ordered; `state` 4 is no longer found."""

    kind: str = ""
    state: int | None = None
    enterprise_id: int | None = None
    words: str = ""
    order: str = "score"
    offset: int = 0

    def kept(self) -> dict[str, str]:
        """Return the filter as it stands in an address, without the page."""
        given = {
            "kind": self.kind, "state": self.state, "enterprise": self.enterprise_id, "q": self.words,
            "order": "" if self.order == ORDERS[0] else self.order,
        }  # fmt: skip
        return {name: str(value) for name, value in given.items() if value not in (None, "")}


def parse_filter(given: Mapping[str, str]) -> Filter:
    """Return the filter of a list; what is not understood narrows nothing."""
    kind, order = given.get("kind", ""), given.get("order", "")
    state = parse_number(given.get("state"))
    return Filter(
        kind=kind if kind in KINDS else "",
        state=state if state in (*STATES, GONE) else None,
        enterprise_id=parse_number(given.get("enterprise")),
        words=parse_words(given.get("q")),
        order=order if order in ORDERS else ORDERS[0],
        offset=min(parse_number(given.get("from")) or 0, OFFSET_MOST),
    )


def parse_action(given: Mapping[str, str]) -> tuple[str, str]:
    """Return action and reason; raise Invalid for an unknown action."""
    action = given.get("action", "")
    if action not in ACTIONS:
        raise Invalid("border_action", value=action[:40])
    return action, given.get("reason", "").replace("\x00", "").strip()[:REASON_CHARS]

"""The sentences of this feature's errors."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

SENTENCES: dict[str, Callable[..., str]] = {
    "proposal": lambda **_facts: _("This proposal does not exist, or lies outside your area."),
    "proposal_layer": lambda **_facts: _("Objects of this kind cannot be corrected."),
    "proposal_value": lambda field="", **_facts: _("The value of “%(name)s” cannot be that.", name=field),
    "proposal_nothing": lambda **_facts: _("Nothing is different from the enterprise's value."),
    "proposal_reason": lambda **_facts: _("Give the reason."),
    "proposal_place": lambda **_facts: _("The place cannot be read; click it on the map."),
    "proposal_far": lambda most=0, **_facts: _("The place lies more than %(n)s m from the object.", n=most),
    "proposal_enterprise": lambda **_facts: _("Say which enterprise misses the object, one that serves your area."),
    "proposal_running": lambda **_facts: _("A proposal on this object waits for its answer; settle that one first."),
    "proposal_state": lambda **_facts: _("The proposal is settled already."),
    "proposal_action": lambda **_facts: _("There is no such act."),
    "proposal_conflict": lambda **_facts: _(
        "The value was changed since it was proposed. Look at it again and confirm, or refuse the proposal."
    ),
    "proposal_missing_taken": lambda **_facts: _("A missing object comes with your next data; it cannot be made here."),
}

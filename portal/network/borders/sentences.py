"""The sentences of this feature's errors."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

SENTENCES: dict[str, Callable[..., str]] = {
    "border_finding": lambda **_facts: _("This finding does not exist, or your area has no part in it."),
    "border_action": lambda **_facts: _("There is no such act."),
    "border_no_say": lambda **_facts: _("Only the two enterprises and the city have a say in this."),
    "border_not_decided": lambda **_facts: _("Nothing is decided yet, so there is nothing to undo."),
    "border_city_decided": lambda **_facts: _("The city decided this; only the city undoes it."),
    "border_city_only": lambda **_facts: _("Only the city decides this."),
    "border_party_only": lambda **_facts: _("Only the two enterprises can agree; the city decides."),
    "border_decided": lambda **_facts: _("This is decided already; undo it first."),
    "border_reason": lambda **_facts: _("Give the reason of the decision."),
    "border_no_joint": lambda **_facts: _(
        "Only two ends of one pressure class are joined; classes meet through a regulator."
    ),
}

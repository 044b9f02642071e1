"""Proposed corrections and findings at borders in the drawer of an object."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from gis.borders.queries import findings_of_object
from portal.core.actor import Actor
from portal.home.filed import Line, Section
from portal.proposals.queries import find_proposal, proposals_of_object
from portal.proposals.words import TONES, change_lines, state_words


def corrections_about(session: Session, actor: Actor, layer: str, object_id: int, language: str) -> list[Section]:
    """Return the newest proposals on an object, and where its pipe does not fit a neighbour's; nothing without any."""
    found = []
    states = state_words()
    lines = [
        Line(
            f"/proposals/{each.id}",
            "; ".join(f"{line['name']}: {line['was']} → {line['wanted']}" for line in change_lines(each, language)),
            _("changed meanwhile") if each.conflicts else states[each.state],
            "bad" if each.conflicts else TONES[each.state],
            each.proposed_at,
        )
        for each in proposals_of_object(session, actor.scope, layer, object_id)
    ]
    if lines:
        found.append(Section(_("Proposed corrections"), lines))
    kinds = {"gap": _("Unmatched ends"), "jump": _("Pressure classes meet"), "double": _("Pipes side by side")}
    standing = {1: (_("open"), "warn"), 2: (_("joined"), "ok"), 3: (_("dismissed"), "")}
    borders = [
        Line(
            f"/network/borders/{each.id}",
            f"{kinds[each.kind]} · {each.distance_m:.1f} m",
            *standing[each.state],
            each.first_seen_at,
        )
        for each in findings_of_object(session, actor.scope, layer, object_id)
    ]
    if borders:
        found.append(Section(_("Borders between enterprises"), borders))
    return found


def proposal_drawer(session: Session, actor: Actor, proposal_id: int, language: str) -> dict[str, Any]:
    """Return what the drawer shows of a proposal; raise NotFound outside the scope."""
    row = find_proposal(session, proposal_id, scope=actor.scope)
    return {
        "row": row, "proposal": row.Proposal, "changes": change_lines(row.Proposal, language), "states": state_words(),
        "tones": TONES,
    }  # fmt: skip

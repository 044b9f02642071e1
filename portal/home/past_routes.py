"""Past days: the versions of one object, each with what differs, who brought it, and the map of its day."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from gis.network.past import Version, versions_of
from gis.network.queries import BIGGEST_ID, find_object, place_of
from portal.core.clock import local, utc_now
from portal.core.errors import NotFound
from portal.core.web import current_actor, requires, web_transaction
from portal.home.facts import Speech, change_pairs, facts_of, kind_of, layer_words
from portal.home.map_page import speech_of
from portal.home.past import LAYERS
from portal.proposals.queries import proposals_of_object

blueprint = Blueprint("past", __name__)
# A correction taken over carries the time of the answer, its state that of the transaction.
SAME_ACT_S = 60.0


@blueprint.get("/map/object/<layer>/<int:object_id>/versions")
@requires("map.read")
@web_transaction
def show_versions(session: Session, layer: str, object_id: int) -> ResponseReturnValue:
    """Show every state of an object that was ever known, newest first, with the differences marked."""
    actor, language = current_actor(), str(get_locale())
    if layer not in LAYERS or not 0 < object_id <= BIGGEST_ID:
        raise NotFound("map_object", layer=layer)
    thing = find_object(session, actor.scope, layer, object_id)
    speech = speech_of(session, language)
    taken = [each for each in proposals_of_object(session, actor.scope, layer, object_id) if each.applied_how == "answer"]
    versions = [_told(version, speech, taken) for version in versions_of(session, layer, object_id)]
    return render_template(
        "home/versions.html", layer=layer, layer_word=layer_words()[layer], thing=thing, versions=versions,
        kind=kind_of(layer, thing, speech), place=place_of(session, actor.scope, layer, object_id),
        facts=facts_of(layer, thing, speech), today=local(utc_now()).date(),
    )  # fmt: skip


def _told(version: Version, speech: Speech, taken: list[Any]) -> dict[str, Any]:
    near = [each for each in taken if each.applied_at and abs((each.applied_at - version.since).total_seconds()) < SAME_ACT_S]
    receipt = version.receipt
    if receipt is not None:
        who = _("batch %(batch)s of %(who)s by %(door)s", batch=receipt.batch_id, who=receipt.app_id or "–", door=receipt.door)
    elif near:
        who = _("%(who)s took a proposed correction over", who=near[0].answered_by)
    else:
        who = "" if version.first else _("without a batch of its own")
    return {
        "since": version.since, "until": version.until, "day": local(version.since).date(), "who": who, "first": version.first,
        "pairs": change_pairs(version.changes, speech), "proposal": near[0].id if near else None,
    }  # fmt: skip

"""Bookmarks of the map: each person's own, as JSON for the map's script."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.web import current_actor, requires, web_transaction
from portal.home.models import MapBookmark

BOOKMARKS_MOST = 100
NAME_MOST = 60
STATE_MOST = 4000
BIGGEST_ID = 2**63 - 1
_STATE = re.compile(r"[\w=&.,;:|+-]+", re.ASCII)

blueprint = Blueprint("map_bookmarks", __name__)


@blueprint.get("/map/bookmarks")
@requires("map.read")
@web_transaction
def list_bookmarks(session: Session) -> ResponseReturnValue:
    """Return the caller's bookmarks, newest first."""
    return _listed(session, current_actor())


@blueprint.post("/map/bookmarks")
@requires("map.read")
@web_transaction
def keep_bookmark(session: Session) -> ResponseReturnValue:
    """Keep a state of the map under a name; the same name again takes the new state."""
    actor = current_actor()
    sent = request.get_json(silent=True)
    given: dict[str, Any] = sent if isinstance(sent, dict) else {}
    name, state = str(given.get("name") or "").strip(), str(given.get("state") or "")
    if not 0 < len(name) <= NAME_MOST or "\x00" in name:
        raise Invalid("bookmark_name", most=NAME_MOST)
    if len(state) > STATE_MOST or not _STATE.fullmatch(state):
        raise Invalid("bookmark_state")
    mine = select(func.count()).where(MapBookmark.user_id == actor.id, MapBookmark.name != name)
    if (session.scalar(mine) or 0) >= BOOKMARKS_MOST:
        raise Conflict("bookmark_many", most=BOOKMARKS_MOST)
    kept = insert(MapBookmark).values(user_id=actor.id, name=name, state=state)
    session.execute(
        kept.on_conflict_do_update(
            index_elements=["user_id", "name"], set_={"state": kept.excluded.state, "made_at": func.now()}
        )
    )
    return _listed(session, actor)


@blueprint.post("/map/bookmarks/<int:number>/remove")
@requires("map.read")
@web_transaction
def remove_bookmark(session: Session, number: int) -> ResponseReturnValue:
    """Forget a bookmark; another person's looks like none."""
    actor = current_actor()
    mine = delete(MapBookmark).where(MapBookmark.id == min(number, BIGGEST_ID), MapBookmark.user_id == actor.id)
    if not session.execute(mine.returning(MapBookmark.id)).all():
        raise NotFound("bookmark")
    return _listed(session, actor)


def _listed(session: Session, actor: Actor) -> ResponseReturnValue:
    rows = session.scalars(
        select(MapBookmark).where(MapBookmark.user_id == actor.id).order_by(MapBookmark.made_at.desc(), MapBookmark.id.desc())
    )
    return jsonify({"bookmarks": [{"id": row.id, "name": row.name, "state": row.state} for row in rows]})

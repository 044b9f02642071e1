"""Whether the process lives and is ready; for the supervisor and the front server, on this machine only."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal.core.actor import NOTHING
from portal.core.db import transaction
from portal.core.web import public, settings

blueprint = Blueprint("health", __name__)

LEAKPROOF = text(
    "select bool_and(proleakproof) from pg_proc where proname = 'geometry_overlaps' and pronargs = 2"
)
NEWEST = text("select version_num from alembic_version")


@blueprint.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """Answer 200 while the process lives."""
    return jsonify(state="ok")


@blueprint.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Answer 200 when the database answers, is migrated, and keeps its spatial indexes under row policies."""
    with transaction(settings(), NOTHING) as session:
        version = session.scalar(NEWEST)
        leakproof = bool(session.scalar(LEAKPROOF))
    ready = version is not None and leakproof
    return jsonify(state="ready" if ready else "not ready", schema=version, spatial_index=leakproof), (
        200 if ready else 503
    )

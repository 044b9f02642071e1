"""Whether the process lives and is ready, and its figures; for supervision of the machine, on this machine only."""

from __future__ import annotations

from ipaddress import ip_address

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import NotAllowed
from portal.core.web import public, settings
from portal.metrics import CONTENT_TYPE, figures, text_format
from portal.readiness import checks

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """Answer 200 while the process lives."""
    return jsonify(state="ok")


@blueprint.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Answer 200 when every condition of readiness holds, else 503 naming those that do not."""
    with transaction(settings(), CITY) as session:
        found = checks(session, data_dir=settings().data_dir, now=utc_now())
    failing = [each.name for each in found if not each.ok]
    body = {each.name: each.found for each in found} | {
        "state": "not ready" if failing else "ready",
        "failing": failing,
        "limits": {each.name: each.limit for each in found if each.limit is not None},
    }
    return jsonify(body), 503 if failing else 200


@blueprint.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """Answer the installation's figures in Prometheus' text format; 403 for another machine than this."""
    if not _asked_here():
        raise NotAllowed("not_allowed", permission="metrics")
    with transaction(settings(), CITY) as session:
        found = figures(session)
    return Response(text_format(found), content_type=CONTENT_TYPE)


def _asked_here() -> bool:
    """Return whether the caller is on this machine: nginx says its address, a bare socket has none."""
    try:
        return not request.remote_addr or ip_address(request.remote_addr).is_loopback
    except ValueError:
        return request.remote_addr.startswith("unix")

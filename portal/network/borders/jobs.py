"""Matching all borders: asked for by hand, or by the clock once the network has changed; each step shows at once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from gis.borders.models import BorderRun
from gis.borders.run import run_matching
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction

log = logging.getLogger(__name__)
# Share of the work that is done when a step begins, measured on 100,000 pipes.
PERCENT = {"read": 5, "ends": 40, "double": 55, "store": 90, "done": 100}
# Changes come in bursts: the clock waits until the network has been quiet, but not for ever.
QUIET = timedelta(minutes=2)
AT_MOST = timedelta(hours=1)
LOCK_SPACE = 727134


def match_borders(session: Session, now: datetime) -> str:
    """Make the run somebody asked for, or one of the clock's own when the network has changed since the last."""
    run_id = session.scalar(
        select(BorderRun.id).where(BorderRun.state.in_(("waiting", "running"))).order_by(BorderRun.id).limit(1)
    )
    if run_id is None:
        if not _due(session, now):
            return "unchanged"
        run_id = _order(Settings.from_env(), now)
    return make_run(Settings.from_env(), run_id)


def _due(session: Session, now: datetime) -> bool:
    newest = session.scalar(text("select max(at) from network_change"))
    last = session.scalar(select(func.max(BorderRun.started_at)))
    if newest is None or (last is not None and newest <= last):
        return False
    return now - newest > QUIET or (last is not None and now - last > AT_MOST)


def _order(settings: Settings, now: datetime) -> int:
    with transaction(settings, CITY, worker=True) as session:
        made = BorderRun(asked_by="match_borders", asked_at=now)
        session.add(made)
        session.flush()
        return made.id


def make_run(settings: Settings, run_id: int) -> str:
    """Make one run; what goes wrong is kept with it in a code. A worker that dies leaves it to the next."""
    try:
        with transaction(settings, CITY, worker=True) as session:
            if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK_SPACE, run_id % 2**31))):
                return "another worker is at it"
            done = run_matching(session, utc_now(), tell=lambda step: _note(settings, run_id, step))
            values = {**done, "state": "done", "step": "done", "percent": 100, "ended_at": utc_now()}
            session.execute(update(BorderRun).where(BorderRun.id == run_id).values(**values))
        return f"{sum(done['found'].values())} findings, {done['new']} new"
    except OperationalError:
        log.warning("border_run_interrupted", extra={"run": run_id})
        return "interrupted"
    except (SQLAlchemyError, ValueError) as failed:
        log.error("border_run_failed", extra={"run": run_id}, exc_info=failed)
        with transaction(settings, CITY, worker=True) as session:
            values = {"state": "failed", "error": type(failed).__name__, "ended_at": utc_now()}
            session.execute(update(BorderRun).where(BorderRun.id == run_id).values(**values))
        return "failed"


def _note(settings: Settings, run_id: int, step: str) -> None:
    """Write beside the long transaction, so that the page sees it at once."""
    values: dict[str, Any] = {"state": "running", "step": step, "percent": PERCENT[step]}
    if step == "read":
        values["started_at"] = utc_now()
    with transaction(settings, CITY, worker=True) as session:
        session.execute(update(BorderRun).where(BorderRun.id == run_id).values(**values))

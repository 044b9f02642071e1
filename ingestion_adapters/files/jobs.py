"""Uploads on their way in: takes waiting deliveries, one at a time, and keeps their progress."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from ingestion_adapters.checks import clean_text
from ingestion_adapters.doors import AWAY, Door
from ingestion_adapters.files.dataset_rows import comes_by_rows
from ingestion_adapters.files.judge import Judged, judge_delivery
from ingestion_adapters.files.report import report_json
from ingestion_adapters.files.rows_upload import Upload, take_upload
from ingestion_adapters.files.store import known_nodes, limits_of_city, store_delivery
from ingestion_adapters.models import ImportJob
from portal.accounts.models import User
from portal.config import Settings
from portal.core.actor import CITY, Actor, Scope
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import PortalError
from portal.core.live import announce

log = logging.getLogger(__name__)
FINDINGS_KEPT = 2000
ONE_AT_A_TIME = 727117
HALF_WAY = ("reading", "judging", "storing")


def import_waiting(session: Session, now: datetime) -> str:
    """Take in every waiting delivery; each step of each is its own transaction, so that progress shows."""
    settings, done = Settings.from_env(), 0
    if not session.scalar(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": ONE_AT_A_TIME}):
        return "another takes them in"
    _begin_again(settings)
    while (job_id := _claimed(settings)) is not None:
        _take_in_or_give_up(settings, job_id)
        done += 1
    return f"{done} deliveries"


def _begin_again(settings: Settings) -> None:
    """Let deliveries that a stopped process left half-way begin anew; what it had stored is known by its number."""
    with transaction(settings, CITY, worker=True) as session:
        left = update(ImportJob).where(ImportJob.state.in_(HALF_WAY))
        session.execute(left.values(state="waiting", step=0))


def _claimed(settings: Settings) -> int | None:
    with transaction(settings, CITY, worker=True) as session:
        wanted = select(ImportJob).where(ImportJob.state == "waiting").order_by(ImportJob.id)
        job = session.scalar(wanted.limit(1).with_for_update(skip_locked=True))
        if job is None:
            return None
        job.state, job.step = "reading", 10
        return job.id


def _take_in_or_give_up(settings: Settings, job_id: int) -> None:
    """Take one delivery in; a fault of ours ends this delivery only, a database that is away leaves it for later."""
    try:
        _take_in(settings, job_id)
    except AWAY:
        raise
    except Exception as fault:  # one file must not close the door for all others
        log.error("import_failed", exc_info=fault, extra={"job": job_id})
        with transaction(settings, CITY, worker=True) as session:
            job = session.get_one(ImportJob, job_id)
            job.state, job.step, job.note, job.finished_at = "failed", 100, "unexpected", utc_now()
            announce(session, "task", job.id, enterprise_id=job.enterprise_id, adcode=None)


def _take_in(settings: Settings, job_id: int) -> None:
    with transaction(settings, CITY, worker=True) as session:
        job = session.get_one(ImportJob, job_id)
        paths = [Path(settings.data_dir) / job.folder / name for name in job.files]
        nodes, limits = known_nodes(session, job.enterprise_id), limits_of_city(session)
        actor = _sender(session, job)
    if all(comes_by_rows(path, job.dataset) for path in paths):
        _take_rows(settings, job, paths, actor)
        return
    judged = judge_delivery(paths, job.crs_said, limits, known_nodes=nodes)
    if judged.needs_crs:
        _finish(settings, job_id, judged, "needs_crs", None)
    elif job.dry_run:
        _finish(settings, job_id, judged, "done", None)
    else:
        _note(settings, job_id, "storing", 60)
        _store(settings, job_id, judged, paths)


def _take_rows(settings: Settings, job: ImportJob, paths: list[Path], actor: Actor) -> None:
    """Take in an upload that comes row by row, each file a batch."""
    _note(settings, job.id, "judging", 40)
    own = replace(actor, scope=Scope(enterprise_ids=frozenset({job.enterprise_id})))
    upload = Upload(job.enterprise_id, job.dataset, paths, job.crs_said, job.dry_run)
    told = take_upload(Door(settings, own, utc_now()), upload)
    report = told.report(upload)
    report["findings"] = report["findings"][:FINDINGS_KEPT]
    state, note = "done", None
    if told.needs_crs:
        state = "needs_crs"
    elif told.known == len(paths):
        state, note = "failed", f"delivery_known {told.receipt_id}"
    with transaction(settings, CITY, worker=True) as session:
        found = session.get_one(ImportJob, job.id)
        found.receipt_id = None if job.dry_run else told.receipt_id
        _end(session, found, report, state, note)


def _store(settings: Settings, job_id: int, judged: Judged, paths: list[Path]) -> None:
    try:
        with transaction(settings, CITY, worker=True) as session:
            job = session.get_one(ImportJob, job_id)
            done = store_delivery(
                session, job.enterprise_id, judged, paths, door="upload", actor=_sender(session, job), now=utc_now()
            )
            job.receipt_id = done.receipt_id
    except PortalError as refused:
        log.info("import_refused", extra={"job": job_id, "code": refused.code})
        _finish(settings, job_id, judged, "failed", f"{refused.code} {refused.facts.get('receipt_id', '')}".strip())
        return
    _finish(settings, job_id, judged, "done", None)


def _sender(session: Session, job: ImportJob) -> Actor:
    user = session.get_one(User, job.user_id)
    return Actor(kind="user", id=user.id, name=user.login, role=user.role, scope=CITY, enterprise_id=user.enterprise_id)


def _note(settings: Settings, job_id: int, state: str, step: int) -> None:
    with transaction(settings, CITY, worker=True) as session:
        job = session.get_one(ImportJob, job_id)
        job.state, job.step = state, step


def _finish(settings: Settings, job_id: int, judged: Judged, state: str, note: str | None) -> None:
    report = report_json(judged)
    for kind in ("findings", "warnings", "notices"):
        report[kind] = report[kind][:FINDINGS_KEPT]
    report["preview"] = judged.preview_geojson
    report["crs_suggestions"] = judged.crs_suggestions
    with transaction(settings, CITY, worker=True) as session:
        _end(session, session.get_one(ImportJob, job_id), report, state, note)


def _end(session: Session, job: ImportJob, report: dict[str, Any], state: str, note: str | None) -> None:
    job.state, job.step, job.note, job.result, job.finished_at = state, 100, note, storable(report), utc_now()
    announce(session, "task", job.id, enterprise_id=job.enterprise_id, adcode=None)


def storable(value: Any) -> Any:
    """Return a report without signs that JSON in the database cannot hold, such as NUL in a code."""
    if isinstance(value, dict):
        return {str(name): storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    return clean_text(value, max(len(value), 1)) if isinstance(value, str) else value

"""Pages of network uploads: send files, watch them being judged, read what was found."""

from __future__ import annotations

import csv
import io
import re
import secrets
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.utils import secure_filename

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.dataset_labels import dataset_choices
from ingestion_adapters.files.preview_svg import preview_svg
from ingestion_adapters.models import ImportJob
from portal.accounts.queries import enterprises
from portal.audit.services import record
from portal.core.cells import safe_value
from portal.core.errors import Invalid, NotFound
from portal.core.paging import neighbours, newest_first, parse_cursor
from portal.core.web import current_actor, requires, settings, web_transaction

blueprint = Blueprint("imports", __name__, url_prefix="/intake")

MOST_FILES = 10
SUFFIXES = (".csv", ".xlsx", ".zip", ".geojson", ".json", ".ndjson", ".gpkg")
CRS_SAID = re.compile(r"EPSG:\d{4,6}|GCJ02|BD09")
COMMON_CRS = ("EPSG:4490", "EPSG:4326", "EPSG:4546", "EPSG:4547", "EPSG:4548", "EPSG:4549", "GCJ02", "BD09")
GOING = ("waiting", "reading", "judging", "storing")
FINDINGS_A_PAGE = 100
FINDING_KINDS = ("findings", "warnings", "notices")


@blueprint.get("/upload")
@requires("network.import")
@web_transaction
def upload_form(session: Session) -> ResponseReturnValue:
    """Show the upload form."""
    return render_template(
        "intake/upload.html",
        senders=_senders(session),
        datasets=dataset_choices(),
        systems=COMMON_CRS,
        suffixes=SUFFIXES,
    )


@blueprint.post("/upload")
@requires("network.import")
@web_transaction
def upload(session: Session) -> ResponseReturnValue:
    """Take the files of one delivery; fields `enterprise`, `dataset`, `crs`, `dry_run`, `files`."""
    actor = current_actor()
    allowed = {each.id for each in _senders(session)}
    enterprise_id = request.form.get("enterprise", type=int)
    if enterprise_id not in allowed:
        raise NotFound("enterprise")
    said = request.form.get("crs", "").strip().upper()
    if said and not CRS_SAID.fullmatch(said):
        raise Invalid("crs_unknown", crs=said[:40])
    dataset = request.form.get("dataset") or "NET"
    if dataset not in DATASETS:
        raise Invalid("E_DATASET")
    folder, names = _kept_files()
    job = ImportJob(
        enterprise_id=enterprise_id,
        user_id=actor.id,
        files=names,
        folder=folder,
        dataset=dataset,
        crs_said=said or None,
        dry_run=request.form.get("dry_run") == "1",
    )
    session.add(job)
    session.flush()
    record(
        session,
        actor,
        "network.upload",
        object_type="import_job",
        object_id=job.id,
        enterprise_id=enterprise_id,
        after={"files": names, "dataset": dataset},
    )
    return redirect(url_for(".show_import", job_id=job.id))


def _kept_files() -> tuple[str, list[str]]:
    given = [each for each in request.files.getlist("files") if each.filename]
    if not given or len(given) > MOST_FILES:
        raise Invalid("files_missing", most=MOST_FILES)
    folder = f"uploads/{secrets.token_hex(12)}"
    target = Path(settings().data_dir) / folder
    names = []
    for place, each in enumerate(given):
        name = Path(each.filename or "").name
        if not name.lower().endswith(SUFFIXES):
            raise Invalid("file_kind", name=name[:80])
        # Chinese names stay as they are; only what could leave the folder is taken out.
        kept = re.sub(r"[^\w.()（）-]", "_", name)[-100:] or secure_filename(name)
        names.append(f"{place:02d}_{kept}" if kept in names else kept)
    target.mkdir(parents=True)
    for each, name in zip(given, names, strict=True):
        each.save(target / name)
    return folder, names


@blueprint.get("/imports")
@requires("intake.read")
@web_transaction
def list_imports(session: Session) -> ResponseReturnValue:
    """List the uploads in scope, newest first, a page at a time."""
    page = newest_first(session, _visible(), (ImportJob.created_at, ImportJob.id), parse_cursor(request.args))
    jobs = [job for (job,) in page.rows]
    links = neighbours(replace(page, rows=jobs), lambda job: (job.created_at, job.id), partial(url_for, ".list_imports"))
    names = {each.id: each.short_name for each in enterprises(session)}
    return render_template("intake/imports.html", jobs=jobs, names=names, going=GOING, links=links)


@blueprint.get("/imports/<int:job_id>")
@requires("intake.read")
@web_transaction
def show_import(session: Session, job_id: int) -> ResponseReturnValue:
    """Show one upload: progress while it runs, then counts, coordinate system, map and findings."""
    job = _job(session, job_id)
    picture = preview_svg((job.result or {}).get("preview") or {})
    english = str(get_locale()) == "en"
    return render_template(
        "intake/import.html", job=job, going=GOING, picture=picture, systems=list(COMMON_CRS), english=english,
        found=[_found(job, kind) for kind in FINDING_KINDS], place=_place(job),
    )  # fmt: skip


def _place(job: ImportJob) -> tuple[float, float] | None:
    """Return longitude and latitude in the middle of what was stored, None when nothing was."""
    shown = ((job.result or {}).get("preview") or {}).get("features") or []
    if job.state != "done" or job.dry_run:
        return None
    good = [each["geometry"] for each in shown if each["properties"]["state"] == "accepted"]
    points = [each["coordinates"] if each["type"] == "Point" else each["coordinates"][0] for each in good]
    if not points:
        return None
    middle = sorted(points)[len(points) // 2]
    return middle[0], middle[1]


def _found(job: ImportJob, kind: str) -> dict[str, Any]:
    """Return one page of the findings of a kind; the address names the page of each kind, from 1."""
    rows = (job.result or {}).get(kind) or []
    last = max(1, -(-len(rows) // FINDINGS_A_PAGE))
    asked = {each: request.args.get(each, 1, type=int) for each in FINDING_KINDS}
    here = min(max(asked[kind], 1), last)

    def address(number: int) -> str | None:
        wanted: dict[str, Any] = {each: place for each, place in (asked | {kind: number}).items() if place > 1}
        return url_for(".show_import", job_id=job.id, **wanted, _anchor=kind) if 1 <= number <= last else None

    begin = (here - 1) * FINDINGS_A_PAGE
    return {
        "kind": kind, "rows": rows[begin : begin + FINDINGS_A_PAGE], "all": len(rows), "begin": begin + 1,
        "prev": address(here - 1), "next": address(here + 1),
    }  # fmt: skip


@blueprint.get("/imports/<int:job_id>/progress")
@requires("intake.read")
@web_transaction
def show_progress(session: Session, job_id: int) -> ResponseReturnValue:
    """Give the progress bar; when the job has ended, tell the page to load the result."""
    job = _job(session, job_id)
    if job.state not in GOING:
        return Response("", headers={"HX-Refresh": "true"})
    return render_template("intake/import_progress.html", job=job)


@blueprint.post("/imports/<int:job_id>/again")
@requires("network.import")
@web_transaction
def again(session: Session, job_id: int) -> ResponseReturnValue:
    """Send the same files once more: with the coordinate system now given, or to store after a trial."""
    job = _job(session, job_id)
    said = request.form.get("crs", "").strip().upper() or job.crs_said
    if said and not CRS_SAID.fullmatch(said):
        raise Invalid("crs_unknown", crs=said[:40])
    new = ImportJob(
        enterprise_id=job.enterprise_id,
        user_id=current_actor().id,
        files=job.files,
        folder=job.folder,
        dataset=job.dataset,
        crs_said=said,
        dry_run=False,
    )
    session.add(new)
    session.flush()
    record(
        session,
        current_actor(),
        "network.upload",
        object_type="import_job",
        object_id=new.id,
        enterprise_id=job.enterprise_id,
    )
    return redirect(url_for(".show_import", job_id=new.id))


@blueprint.get("/imports/<int:job_id>/findings.csv")
@requires("intake.read")
@web_transaction
def findings_csv(session: Session, job_id: int) -> ResponseReturnValue:
    """Give the findings as CSV; cells that a spreadsheet would compute are quoted."""
    job = _job(session, job_id)
    columns = ("file", "row", "object", "field", "rule", "code", "message_zh", "message_en")
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("severity", *columns))
    for kind in FINDING_KINDS:
        for row in (job.result or {}).get(kind, []):
            writer.writerow([kind.removesuffix("s"), *(safe_value(row.get(name)) for name in columns)])
    record(
        session,
        current_actor(),
        "network.findings.export",
        object_type="import_job",
        object_id=job.id,
        enterprise_id=job.enterprise_id,
    )
    return _download(out.getvalue().encode("utf-8-sig"), "text/csv", f"findings-{job.id}.csv")


@blueprint.get("/imports/<int:job_id>/report.json")
@requires("intake.read")
@web_transaction
def report_file(session: Session, job_id: int) -> ResponseReturnValue:
    """Give the report of a delivery as JSON."""
    job = _job(session, job_id)
    report = {key: value for key, value in (job.result or {}).items() if key != "preview"}
    record(
        session,
        current_actor(),
        "network.report.export",
        object_type="import_job",
        object_id=job.id,
        enterprise_id=job.enterprise_id,
    )
    return _download(orjson.dumps(report), "application/json", f"report-{job.id}.json")


def _download(body: bytes, kind: str, name: str) -> Response:
    return Response(body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _senders(session: Session) -> list[Any]:
    scope = current_actor().scope
    return [each for each in enterprises(session) if scope.whole_city or each.id in scope.enterprise_ids]


def _visible() -> Any:
    scope = current_actor().scope
    wanted = select(ImportJob)
    return wanted if scope.whole_city else wanted.where(ImportJob.enterprise_id.in_(scope.enterprise_ids))


def _job(session: Session, job_id: int) -> ImportJob:
    job: ImportJob | None = session.scalar(_visible().where(ImportJob.id == func.least(job_id, 2**31 - 1)))
    if job is None:
        raise NotFound("import_job", job_id=job_id)
    return job

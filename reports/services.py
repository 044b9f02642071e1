"""Making, archiving and verifying reports; a report is never changed, a new one is a new version."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import Actor, job_actor
from portal.core.clock import local
from portal.core.codes import words_of
from portal.core.crypto import sm3_hex
from portal.core.errors import Invalid, NotFound
from reports import archive
from reports.builders.evaluation import Evaluation, collect, snapshot_digest
from reports.document import Imprint, page_of
from reports.file_codes import codes_in
from reports.mapping import network_map
from reports.models import Report
from reports.pdf import render_pdf
from reports.photos import photos_of
from reports.queries import active_enterprises
from reports.wording import LANGUAGES, wording

KINDS = ("evaluation",)
# No 0 O 1 I: the code is read aloud and typed from paper.
CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
MAX_FILE_BYTES = 30_000_000
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Order:
    """Which report is wanted: kind, whose, of which month, in which language."""

    kind: str
    enterprise_id: int
    period: date
    language: str = "zh_CN"


@dataclass(frozen=True)
class Verdict:
    """What a file is: a true copy, a changed one, or unknown to the archive of the caller's scope."""

    result: Literal["true", "changed", "unknown"]
    file_sm3: str
    report: archive.ReportLine | None = None


def make_report(
    session: Session,
    order: Order,
    *,
    settings: Settings,
    actor: Actor,
    now: datetime,
    progress: Progress = lambda step: None,
) -> Report:
    """Collect, render and archive one report; raise Invalid for a kind, language or period that cannot be.

    `progress` hears the name of each step as it begins.
    """
    if order.kind not in KINDS:
        raise Invalid("report_kind_unknown", kind=order.kind)
    language = order.language if order.language in LANGUAGES else LANGUAGES[0]
    progress("figures")
    evaluation = collect(session, order.enterprise_id, order.period, now=now, demo=settings.demo)
    snapshot = evaluation.snapshot()
    version = archive.next_version(session, order.kind, order.enterprise_id, evaluation.period["from"])
    imprint = _imprint(evaluation, version, language=language, settings=settings, actor=actor, now=now)
    progress("map")
    drawn = network_map(
        session,
        order.enterprise_id,
        language=language,
        class_words=words_of("pressure_class", language),
    )
    progress("pages")
    _be_patient(session)
    photos = photos_of(session, snapshot["findings"])
    pdf = render_pdf(page_of(snapshot, imprint, map_svg=drawn, language=language, photos=photos))
    progress("archive")
    return _archived(session, order, evaluation, imprint, pdf, actor)


def make_monthly(session: Session, now: datetime) -> str:
    """Make the evaluation of the month before `now` for each enterprise in business that has none yet."""
    return evaluate_all(session, local(now).date().replace(day=1) - timedelta(days=1), now)


def evaluate_all(session: Session, month: date, now: datetime) -> str:
    """Make the evaluation of a month for each enterprise in business without one; say what was done."""
    settings, actor = Settings.from_env(), job_actor("report_monthly")
    done = archive.newest_of_month(session, month.replace(day=1))
    due = [each["id"] for each in active_enterprises(session) if each["id"] not in done]
    for enterprise_id in due:
        order = Order("evaluation", enterprise_id, month)
        make_report(session, order, settings=settings, actor=actor, now=now)
    return f"{len(due)} made, {len(done)} there already"


def hand_out(session: Session, report_id: int, *, actor: Actor) -> Report:
    """Return a report whose file leaves the system, and write that into the audit."""
    found = archive.report(session, report_id)
    record(
        session,
        actor,
        "report.download",
        object_type="report",
        object_id=found.id,
        enterprise_id=found.enterprise_id,
        after={"pdf_sm3": found.pdf_sm3},
    )
    return found


def verify_file(session: Session, content: bytes) -> Verdict:
    """Return whether a file is byte for byte an archived report.

    A file with another digest that carries the verification code of an archived report is a changed
    copy of that report.
    """
    digest = sm3_hex(content)
    same = archive.by_file_digest(session, digest)
    if same is not None:
        return Verdict("true", digest, same)
    _be_patient(session)
    meant = archive.by_verify_code(session, codes_in(content))
    return Verdict("changed" if meant else "unknown", digest, meant)


def enterprise_by_name(session: Session, named: str) -> int:
    """Return the number of the enterprise with this USCC or short name; raise NotFound otherwise."""
    wanted = session.query(Enterprise.id).filter((Enterprise.uscc == named) | (Enterprise.short_name == named))
    found = wanted.scalar()
    if found is None:
        raise NotFound("enterprise", enterprise=named)
    return int(found)


def month_of(words: str) -> date:
    """Return the first day of a month given as 2026-10; raise Invalid otherwise."""
    try:
        return datetime.strptime(words.strip(), "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError as wrong:
        raise Invalid("period_not_understood", period=words) from wrong


def new_code() -> str:
    """Return a fresh verification code: 60 random bits in three groups."""
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(12))
    return f"RJ-{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def _archived(
    session: Session, order: Order, evaluation: Evaluation, imprint: Imprint, pdf: bytes, actor: Actor
) -> Report:
    language = order.language if order.language in LANGUAGES else LANGUAGES[0]
    made = Report(
        kind=order.kind,
        enterprise_id=order.enterprise_id,
        period_from=evaluation.period["from"],
        period_to=evaluation.period["to"],
        version=imprint.version,
        language=language,
        title=_title(evaluation, language),
        score=evaluation.total["score"],
        snapshot=evaluation.snapshot(),
        snapshot_sm3=imprint.snapshot_sm3,
        verify_code=imprint.verify_code,
        pdf=pdf,
        pdf_sm3=sm3_hex(pdf),
        created_at=imprint.made_at,
        created_by=actor.shown_name,
    )
    session.add(made)
    session.flush()
    record(
        session,
        actor,
        "report.make",
        object_type="report",
        object_id=made.id,
        enterprise_id=order.enterprise_id,
        after={"title": made.title, "version": imprint.version, "pdf_sm3": made.pdf_sm3},
    )
    return made


def _be_patient(session: Session) -> None:
    """Let the transaction outlast the drawing or reading of a file: on a busy machine longer than the web's limit."""
    session.execute(text("set local idle_in_transaction_session_timeout = '3min'"))


def _imprint(
    evaluation: Evaluation,
    version: int,
    *,
    language: str,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> Imprint:
    return Imprint(
        number=f"PJ-{evaluation.period['from']:%Y%m}-{evaluation.enterprise['short_name']}-V{version}",
        version=version,
        verify_code=new_code(),
        snapshot_sm3=snapshot_digest(evaluation.snapshot()),
        city_name=settings.city_name,
        department=settings.city_department,
        made_at=now,
        made_by=wording(language)(actor.name) if actor.kind in ("cli", "job") else actor.shown_name,
    )


def _title(evaluation: Evaluation, language: str) -> str:
    say = wording(language)
    return f"{evaluation.enterprise['name']} {evaluation.period['from']:%Y-%m} {say('Operational evaluation report')}"

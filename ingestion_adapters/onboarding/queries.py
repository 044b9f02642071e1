"""Reading onboarding: applications in scope, their steps, documents and tries, and what the test report says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ingestion_adapters.onboarding.models import Onboarding, OnboardingDocument, OnboardingStep, SandboxRun
from ingestion_adapters.onboarding.rules import DEFAULT_DAYS, REVIEWS, Case, Run, cases_of
from portal.accounts.models import Enterprise
from portal.core.errors import NotFound
from portal.events.queries import working_calendar
from portal.events.rules import WORKING_MINUTES_A_DAY, add_working_minutes

RUNS_READ = 5000
RUNS_SHOWN = 12


def in_working_days(session: Session, begin: datetime, limit: str | None) -> datetime | None:
    """Return the end of a limit of so many working days, None without a limit."""
    if limit is None:
        return None
    given = session.scalar(text("select value from parameter where key = :k"), {"k": limit})
    minutes = round(float(given if given is not None else DEFAULT_DAYS[limit]) * WORKING_MINUTES_A_DAY)
    return add_working_minutes(begin, minutes, working_calendar(session))


def onboarding_by_id(session: Session, onboarding_id: int, *, lock: bool = False) -> Onboarding:
    """Return an application within the scope, locked when asked; raise NotFound."""
    wanted = select(Onboarding).where(Onboarding.id == onboarding_id)
    found = None
    if 0 < onboarding_id < 2**31:
        found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFound("onboarding", onboarding_id=onboarding_id)
    return found


@dataclass(frozen=True)
class Line:
    """An application with the name of its enterprise."""

    row: Onboarding
    enterprise: str


def onboardings(session: Session, *, state: str = "", limit: int = 200) -> list[Line]:
    """Return the applications in scope: those with a limit first, then the newest."""
    wanted = select(Onboarding, Enterprise.name).join(Enterprise, Enterprise.id == Onboarding.enterprise_id)
    if state:
        wanted = wanted.where(Onboarding.state == state)
    wanted = wanted.order_by(Onboarding.due_at.asc().nulls_last(), Onboarding.id.desc()).limit(limit)
    return [Line(row, name) for row, name in session.execute(wanted)]


def enterprise_of(session: Session, enterprise_id: int) -> Enterprise:
    """Return the applicant."""
    return session.get_one(Enterprise, enterprise_id)


def steps_of(session: Session, onboarding_id: int) -> list[OnboardingStep]:
    """Return the steps taken, oldest first."""
    wanted = select(OnboardingStep).where(OnboardingStep.onboarding_id == onboarding_id)
    return list(session.scalars(wanted.order_by(OnboardingStep.id)))


def reviewers_of(session: Session, onboarding_id: int) -> list[int | None]:
    """Return the accounts that reviewed an application already."""
    return [step.actor_id for step in steps_of(session, onboarding_id) if step.step in REVIEWS]


def documents_of(session: Session, onboarding_id: int) -> list[OnboardingDocument]:
    """Return the documents of an application."""
    wanted = select(OnboardingDocument).where(OnboardingDocument.onboarding_id == onboarding_id)
    return list(session.scalars(wanted.order_by(OnboardingDocument.id)))


def document_by_id(session: Session, onboarding_id: int, document_id: int) -> OnboardingDocument:
    """Return one document of an application within the scope; raise NotFound."""
    wanted = select(OnboardingDocument).where(
        OnboardingDocument.id == min(document_id, 2**31 - 1),
        OnboardingDocument.onboarding_id == min(onboarding_id, 2**31 - 1),
    )
    found = session.scalar(wanted)
    if found is None:
        raise NotFound("onboarding_document")
    return found


@dataclass(frozen=True)
class SandboxReport:
    """The required cases and the newest tries, with examples of what is still refused."""

    cases: list[Case]
    runs: list[SandboxRun]
    tried: int

    def cases_for(self, dataset: str) -> list[Case]:
        """Return the cases of one dataset, of the program as a whole for an empty one."""
        return [case for case in self.cases if case.dataset == dataset]


def sandbox_report(session: Session, row: Onboarding) -> SandboxReport:
    """Return the test report of an application from everything tried since it was made."""
    runs = _runs(session, row)
    facts = [
        Run(run.dataset, run.status, run.code, run.encoding, run.rows, run.accepted, run.rejected, run.late, run.codes)
        for run in runs
    ]
    return SandboxReport(cases_of(row.datasets, facts), list(runs[:RUNS_SHOWN]), len(runs))


def _runs(session: Session, row: Onboarding) -> Sequence[Any]:
    wanted = select(SandboxRun).where(SandboxRun.enterprise_id == row.enterprise_id, SandboxRun.at >= row.applied_at)
    return session.scalars(wanted.order_by(SandboxRun.id.desc()).limit(RUNS_READ)).all()

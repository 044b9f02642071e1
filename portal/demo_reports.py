"""The demo's first evaluation reports: made once beside the running portal, so that nobody waits for them to log in."""

from __future__ import annotations

import logging
import sys
import time
from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ingestion_adapters.demo.identity import ENTERPRISES
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import local, utc_now
from portal.core.db import transaction
from portal.core.errors import PortalError
from portal.core.logs import start_logging
from portal.processes import REPORTS_MADE
from reports.models import Report
from reports.services import Order, enterprise_by_name, make_report

KIND = "evaluation"
AGAIN_AFTER_S = 30
log = logging.getLogger(__name__)


def make_missing(settings: Settings, month: date) -> int:
    """Make this month's evaluation of each demo enterprise that has none; return how many were made."""
    made = 0
    for each in ENTERPRISES:
        with transaction(settings, CITY, worker=True) as session:
            order = Order(KIND, enterprise_by_name(session, each.short_names[0]), month)
            if not _is_made(session, order):
                make_report(session, order, settings=settings, actor=cli_actor("demo"), now=utc_now())
                made += 1
    return made


def _is_made(session: Session, order: Order) -> bool:
    wanted = select(Report.id).where(
        Report.kind == KIND, Report.enterprise_id == order.enterprise_id, Report.period_from == order.period
    )
    return session.scalar(wanted.limit(1)) is not None


def main(data: Path) -> int:
    """Make what is missing and leave a mark; return 1 after a pause when it failed, to be started again."""
    settings = Settings.from_env()
    start_logging(settings.log_level)
    try:
        made = make_missing(settings, local(utc_now()).date().replace(day=1))
    except (SQLAlchemyError, PortalError, OSError) as failed:
        log.error("demo_reports_failed", exc_info=failed)
        time.sleep(AGAIN_AFTER_S)
        return 1
    log.info("demo_reports_made", extra={"reports": made})
    (data / REPORTS_MADE).touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

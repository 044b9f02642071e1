"""One evaluation PDF of a demo enterprise: from the database to the file, against the bare rendering of the same page.

Run as `python -m bench.report [--enterprise DEMO] [--period 2026-11]`. Nothing is archived.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import sys
import time
from datetime import date

from pypdf import PdfReader
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import local, utc_now
from portal.core.codes import words_of
from portal.core.db import transaction
from portal.core.errors import PortalError
from reports.builders.evaluation import collect, snapshot_digest
from reports.document import Imprint, page_of
from reports.mapping import network_map
from reports.pdf import render_pdf
from reports.services import enterprise_by_name, month_of, new_code

ROUNDS = 3
TARGET_S = 15.0


def page_for(session: Session, enterprise_id: int, month: date, settings: Settings) -> str:
    """Return the page of an evaluation as the portal makes it."""
    now = utc_now()
    snapshot = collect(session, enterprise_id, month, now=now, demo=settings.demo).snapshot()
    imprint = Imprint(
        number="bench",
        version=1,
        verify_code=new_code(),
        snapshot_sm3=snapshot_digest(snapshot),
        city_name=settings.city_name,
        department=settings.city_department,
        made_at=now,
        made_by="bench",
    )
    words = words_of("pressure_class", "zh_CN")
    drawn = network_map(session, enterprise_id, language="zh_CN", class_words=words)
    return page_of(snapshot, imprint, map_svg=drawn, language="zh_CN")


def main() -> int:
    """Measure, print `figure=value` lines, and return 1 when the target is missed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--enterprise", default="DEMO")
    asked.add_argument("--period", default=f"{local(utc_now()):%Y-%m}")
    wanted = asked.parse_args()
    settings, whole, bare, pages = Settings.from_env(), [], [], []
    pdf = b""
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with transaction(settings, CITY, worker=True) as session:
            try:
                enterprise_id = enterprise_by_name(session, wanted.enterprise)
                page = page_for(session, enterprise_id, month_of(wanted.period), settings)
            except PortalError as refused:
                sys.stderr.write(f"{refused.code} {refused.facts}\n")
                return 1
        pages.append(time.perf_counter() - began)
        pdf = render_pdf(page)
        whole.append(time.perf_counter() - began)
        began = time.perf_counter()
        render_pdf(page)
        bare.append(time.perf_counter() - began)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, render = statistics.median(whole), statistics.median(bare)
    print(f"collect_and_draw_s={statistics.median(pages):.2f}")
    print(f"render_s={render:.2f}")
    print(f"render_cpu_s={(children.ru_utime + children.ru_stime) / (2 * ROUNDS):.2f}")
    print(f"render_peak_rss_mb={children.ru_maxrss / 1024:.0f}")
    print(f"pages={len(PdfReader(io.BytesIO(pdf)).pages)}")
    print(f"file_kb={len(pdf) / 1024:.0f}")
    print(f"report_s={seconds:.2f}")
    print(f"target_s={TARGET_S:.0f}")
    print(f"ratio={render / seconds:.2f}")
    return 0 if seconds <= TARGET_S else 1


if __name__ == "__main__":
    sys.exit(main())

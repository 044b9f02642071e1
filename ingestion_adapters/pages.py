"""Pages of the intake monitor: feeds, receipts, and the rows that were refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from ingestion_adapters.backfill.queries import asked_number, held_in_batch
from ingestion_adapters.checks import instant_of
from ingestion_adapters.contract import DATASETS
from ingestion_adapters.http.retirement import current_notice
from ingestion_adapters.mapping.queries import is_kept_as_sent
from ingestion_adapters.monitor import (
    FeedFilter,
    ReceiptFilter,
    findings_by_code,
    monitor,
    receipts_listed,
    sender_name,
    senders,
    silences,
)
from ingestion_adapters.quality.labels import short, span
from ingestion_adapters.receipts import PAGE_ROWS, findings_page, receipt_of
from portal.audit.services import record
from portal.core.cells import safe_value
from portal.core.clock import utc_now
from portal.core.codes import word_of
from portal.core.errors import NotFound
from portal.core.web import current_actor, opened, requires, web_transaction
from portal.operation.outages.labels import span_words
from portal.operation.outages.queries import widest_open
from portal.operation.telemetry.conflict_queries import second_values_of_receipt

blueprint = Blueprint("intake", __name__)
blueprint.add_app_template_filter(span, "span")
blueprint.add_app_template_filter(short, "short")
CSV_PAGE = 5000
OUTAGES_SHOWN = 10
WATCH_LATE = timedelta(seconds=60)
COLUMNS = ("file", "row", "object_code", "field", "rule", "severity", "code", "message", "raw")


@blueprint.get("/intake")
@requires("intake.read")
@web_transaction
def show_feeds(session: Any) -> ResponseReturnValue:
    """Show each feed's last 24 hours: expected, received, stored, late, refused, and who is silent."""
    now = utc_now()
    wanted = FeedFilter(
        enterprise_id=_number("enterprise") or None,
        dataset=_dataset(),
        trouble=request.args.get("trouble") == "1",
        after=request.args.get("after", "")[:80].replace("\x00", ""),
    )
    seen = monitor(session, wanted, now)
    kept = {
        "enterprise": wanted.enterprise_id,
        "dataset": wanted.dataset or None,
        "trouble": "1" if wanted.trouble else None,
    }
    return render_template(
        "intake/monitor.html",
        seen=seen,
        wanted=wanted,
        now=now,
        silent=silences(session, now),
        asked=asked_number(session),
        outages=_outages(session, wanted.enterprise_id, now),
        watch_late=seen.checked_at is not None and now - seen.checked_at > WATCH_LATE,
        enterprises=senders(session),
        datasets=list(DATASETS),
        sums={name: sum(line.sum(name) for line in seen.lines) for name in ("rows", "rejected", "late", "refused")},
        links={
            "prev": url_for(".show_feeds", **kept) if wanted.after else None,
            "next": url_for(".show_feeds", **kept, after=seen.following) if seen.following else None,
        },
    )


def _outages(session: Any, enterprise_id: int | None, now: datetime) -> list[dict[str, Any]]:
    """Return the widest open outages as the monitor shows them beside the silent feeds; none to who may not see alarms."""
    actor = current_actor()
    if not actor.may("alarm.read"):
        return []
    rows = widest_open(session, scope=actor.scope, limit=OUTAGES_SHOWN, enterprise_id=enterprise_id)
    language = str(get_locale() or "zh_CN")
    return [
        {"of": row, "level": word_of("outage_level", row.level, language), "lasted": span_words(now - row.began_at)}
        for row in rows
    ]


@blueprint.get("/intake/receipts")
@requires("intake.read")
@web_transaction
def list_receipts(session: Any) -> ResponseReturnValue:
    """List receipts, newest first."""
    wanted = ReceiptFilter(
        enterprise_id=_number("enterprise") or None,
        dataset=_dataset(),
        trouble=request.args.get("trouble") == "1",
        before=_number("before"),
        hour=_hour(),
    )
    found = receipts_listed(session, wanted)
    page, following = found[:PAGE_ROWS], None
    kept = {
        "enterprise": wanted.enterprise_id,
        "dataset": wanted.dataset or None,
        "trouble": "1" if wanted.trouble else None,
        "hour": request.args.get("hour") if wanted.hour else None,
    }
    if len(found) > PAGE_ROWS:
        following = url_for(".list_receipts", **kept, before=page[-1][0].id)
    first = url_for(".list_receipts", **kept) if wanted.before else None
    return render_template(
        "intake/receipts.html",
        page=page,
        wanted=wanted,
        enterprises=senders(session),
        datasets=list(DATASETS),
        links={"prev": first, "next": following},
        retirement=current_notice(),
    )


@blueprint.get("/intake/receipts/<int:receipt_id>")
@requires("intake.read")
@web_transaction
def show_receipt(session: Any, receipt_id: int) -> ResponseReturnValue:
    """Show one receipt with a page of its findings."""
    row = receipt_of(session, receipt_id)
    if row is None:
        raise NotFound("receipt")
    after = _number("after")
    found = findings_page(session, receipt_id, after)
    page = found[:PAGE_ROWS]
    here = url_for(".show_receipt", receipt_id=receipt_id)
    links = {
        "prev": here if after else None,
        "next": f"{here}?after={page[-1].id}" if len(found) > PAGE_ROWS else None,
    }
    return render_template(
        "intake/receipts_one.html",
        row=row,
        sender=sender_name(session, row.enterprise_id),
        findings=page,
        links=links,
        held=held_in_batch(session, receipt_id) if row.rejected else None,
        by_code=findings_by_code(session, receipt_id),
        as_sent=is_kept_as_sent(session, receipt_id),
        second_values=second_values_of_receipt(session, current_actor().scope, receipt_id),
        english=_english(),
    )


@blueprint.get("/intake/receipts/<int:receipt_id>/findings.csv")
@requires("intake.read")
def download_findings(receipt_id: int) -> ResponseReturnValue:
    """Give the findings of a receipt as CSV with a byte order mark, for spreadsheets; the export is audited."""
    with opened() as session:
        row = receipt_of(session, receipt_id)
        if row is None:
            raise NotFound("receipt")
        record(
            session,
            current_actor(),
            "receipt.export",
            object_type="receipt",
            object_id=receipt_id,
            enterprise_id=row.enterprise_id,
        )
    answer = Response(stream_with_context(_csv_lines(receipt_id)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="findings-{receipt_id}.csv"'
    return answer


def _csv_lines(receipt_id: int) -> Iterator[str]:
    words = (
        gettext("File"),
        gettext("Row"),
        gettext("Object"),
        gettext("Field"),
        gettext("Rule"),
        gettext("Severity"),
        gettext("Code"),
        gettext("Reason"),
        gettext("Row as sent"),
    )
    yield "\ufeff" + _csv_line(words)
    english, after = _english(), 0
    parts: list[str] = []
    while True:
        with opened() as session:
            found = findings_page(session, receipt_id, after, CSV_PAGE)
        for each in found[:CSV_PAGE]:
            message = each.message_en if english else each.message_zh
            values = {"message": message} | {name: getattr(each, name) for name in COLUMNS if name != "message"}
            parts.append(_csv_line([values[name] for name in COLUMNS]))
        yield from parts
        parts.clear()
        if len(found) <= CSV_PAGE:
            return
        after = found[CSV_PAGE - 1].id


def _csv_line(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([safe_value(value) for value in values])
    return line.getvalue()


def _number(name: str) -> int:
    words = request.args.get(name, "")
    return int(words) if words.isascii() and words.isdigit() and len(words) <= 9 else 0


def _dataset() -> str:
    words = request.args.get("dataset", "")
    return words if words in DATASETS else ""


def _hour() -> datetime | None:
    """Return the begin of the hour asked for; an address may carry any text there."""
    found = instant_of(request.args.get("hour", "").replace(" ", "+"))
    return found.replace(minute=0, second=0, microsecond=0) if found else None


def _english() -> bool:
    return str(get_locale()).startswith("en")

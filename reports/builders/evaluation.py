"""The monthly evaluation of one enterprise: collects every figure of the report from the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from portal.core.clock import local, month_bounds
from portal.core.crypto import sm3_hex
from portal.core.errors import Invalid, NotFound
from reports import queries
from reports.agreement_rules import with_terms
from reports.agreements import Agreement, in_force
from reports.findings import current_findings
from reports.indicators import (
    DEFINITIONS,
    GRADES,
    GROUP_WEIGHTS,
    MODEL_VERSION,
    Definition,
    Measured,
    Outcome,
    Total,
    judge,
    limits_in_force,
    total_of,
    with_agreed,
    with_shares,
)
from reports.measures import Sums, counted, linepack_change, measured, sources
from reports.queries import Row, Window

LISTED_ROWS = 8
OLD_PIPE_YEARS = 30
SAMPLE_SHARE = 0.05
SAMPLE_LEAST = 10
SAMPLE_MOST = 20
DIGITS = 6


@dataclass(frozen=True)
class Model:
    """The indicators and the time limits in force."""

    definitions: tuple[Definition, ...]
    limits: dict[str, float]
    groups: Mapping[str, float]
    grades: Sequence[tuple[float, str]]
    agreement: Agreement | None

    def judged(self, online: Mapping[str, Measured], findings: list[Row]) -> tuple[tuple[Outcome, ...], Total]:
        """Return the indicators with their shares, and the total."""
        judged = [judge(each, counted(each.id, online, findings)) for each in self.definitions]
        outcomes = with_shares(judged, self.groups)
        return outcomes, total_of(outcomes, self.groups, self.grades)


@dataclass(frozen=True)
class Evaluation:
    """Everything one evaluation says; `snapshot()` is its canonical form."""

    model: str
    kind: str
    period: Row
    enterprise: Row
    network: Row
    facilities: Row
    quality: Row
    static: Row
    alarms: Row
    cases: Row
    leaks: Row
    supply: Row
    heat: list[Row]
    daily: list[Row]
    alarms_by_day: list[Row]
    alarms_by_kind: list[Row]
    supply_by_day: list[Row]
    indicators: list[Row]
    total: Row
    previous: Row | None
    peers: Row
    diagnosis: Row
    sample: list[Row]
    findings: list[Row]
    limits: Row
    demo: bool
    grades: Row
    agreement: Row | None

    def snapshot(self) -> Row:
        """Return every figure as plain JSON values."""
        plain: Row = json.loads(canonical(asdict(self)))
        return plain


def canonical(value: Any) -> bytes:
    """Return sorted, compact UTF-8 JSON; numbers with six decimals at most, so that it is reproducible."""
    return json.dumps(
        _plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def snapshot_digest(snapshot: Row) -> str:
    """Return the SM3 of a snapshot in hex."""
    return sm3_hex(canonical(snapshot))


def month_window(enterprise_id: int, month: date, now: datetime) -> Window:
    """Return the window of a month, cut at the last full hour; raise Invalid when it lies ahead."""
    begin, end = month_bounds(month)
    until = min(end, now.astimezone(UTC).replace(minute=0, second=0, microsecond=0))
    if until <= begin:
        raise Invalid("period_not_begun", month=f"{month:%Y-%m}")
    last = local(until - timedelta(seconds=1)).date()
    return Window(enterprise_id, begin, until, month.replace(day=1), last)


def collect(session: Session, enterprise_id: int, month: date, *, now: datetime, demo: bool = False) -> Evaluation:
    """Return the evaluation of an enterprise for the month of a day; raise NotFound outside the scope."""
    window = month_window(enterprise_id, month, now)
    model = model_of(session, enterprise_id, window.day_from)
    sums = sums_of(session, window, model.limits)
    findings = current_findings(session, enterprise_id, window.day_from)
    online = measured(sums)
    outcomes, total = model.judged(online, findings)
    grid = queries.hours(session, window)
    return Evaluation(
        model=MODEL_VERSION,
        kind="evaluation",
        period={
            "from": window.day_from,
            "to": window.day_to,
            "begin": window.begin,
            "until": window.until,
        },
        enterprise=sums.enterprise,
        network=_network(session, enterprise_id),
        facilities=sums.facilities,
        quality=sums.quality,
        static=sums.static,
        alarms=sums.alarms,
        cases=sums.cases,
        leaks=_leaks(sums),
        supply=sums.supply | {"linepack_change_m3": linepack_change(sums.supply)},
        heat=_heat(grid),
        daily=_daily(grid),
        alarms_by_day=queries.alarms_by_day(session, window),
        alarms_by_kind=queries.alarms_by_kind(session, window),
        supply_by_day=queries.supply_by_day(session, window),
        indicators=[_as_row(each) | sources(each.definition.id, online, findings) for each in outcomes],
        total=asdict(total),
        previous=_previous(session, window, model, now),
        peers=_peers(session, window, total),
        diagnosis=_diagnosis(session, window),
        sample=queries.sample_points(session, window, _sample_size(sums)),
        findings=findings,
        limits=model.limits,
        demo=demo,
        grades={grade: least for least, grade in model.grades},
        agreement=model.agreement.facts() if model.agreement else None,
    )


def model_of(session: Session, enterprise_id: int, month: date) -> Model:
    """Return what an enterprise is judged by in a month: the city's figures, or what both sides agreed on."""
    figures = queries.agreed_figures(session)
    definitions, limits = with_agreed(DEFINITIONS, figures), limits_in_force(figures)
    agreed = in_force(session, enterprise_id, month)
    if agreed is None:
        return Model(definitions, limits, GROUP_WEIGHTS, GRADES, None)
    definitions, groups = with_terms(definitions, agreed.terms)
    return Model(definitions, limits, groups, agreed.terms.grades, agreed)


def sums_of(session: Session, window: Window, limits: dict[str, float]) -> Sums:
    """Return what the indicators are computed from; raise NotFound for an unknown enterprise."""
    enterprise = queries.enterprise_facts(session, window.enterprise_id)
    if enterprise is None:
        raise NotFound("enterprise", enterprise_id=window.enterprise_id)
    return Sums(
        enterprise=enterprise,
        quality=queries.data_quality(session, window),
        static=queries.static_deliveries(session, window),
        alarms=queries.alarm_counts(session, window, limits["ack_limit_min"]),
        cases=queries.case_counts(session, window),
        leaks=queries.leaks(session, window, limits["repair_limit_h"]),
        facilities=queries.facilities(
            session,
            window.enterprise_id,
            checked_since=_months_before(window.day_to, int(limits["check_interval_months"])),
            other_checked_since=_months_before(window.day_to, int(limits["check_interval_other_months"])),
        ),
        supply=queries.supply_sums(session, window),
        last_day=window.day_to,
    )


def score_window(session: Session, window: Window, model: Model) -> tuple[list[Outcome], Total]:
    """Return the indicators and the total of any window."""
    online = measured(sums_of(session, window, model.limits))
    findings = current_findings(session, window.enterprise_id, window.day_from)
    outcomes, total = model.judged(online, findings)
    return list(outcomes), total


def _previous(session: Session, window: Window, model: Model, now: datetime) -> Row | None:
    before = month_window(window.enterprise_id, window.day_from - timedelta(days=1), now)
    outcomes, total = score_window(session, before, model)
    if outcomes[0].measured.value is None:
        return None
    scores = {each.definition.id: each.score for each in outcomes}
    return {"from": before.day_from, "score": total.score, "grade": total.grade, "scores": scores}


def _peers(session: Session, window: Window, own: Total) -> Row:
    """Return rank and mean of the enterprises in business that the scope shows, each by what holds for it."""
    totals = [own.score]
    for other in queries.active_enterprises(session):
        if other["id"] != window.enterprise_id:
            theirs = Window(other["id"], window.begin, window.until, window.day_from, window.day_to)
            model = model_of(session, other["id"], window.day_from)
            totals.append(score_window(session, theirs, model)[1].score)
    scored = [score for score in totals if score is not None]
    rank = 1 + sum(score > own.score for score in scored) if own.score is not None else None
    return {"n": len(scored), "rank": rank, "mean": sum(scored) / len(scored) if scored else None}


def _diagnosis(session: Session, window: Window) -> Row:
    return {
        "weak_points": queries.weak_points(session, window, order_by="online", rows=LISTED_ROWS),
        "pressure_points": queries.weak_points(session, window, order_by="pressure", rows=LISTED_ROWS),
        "rejections": queries.rejection_causes(session, window, LISTED_ROWS),
        "late_cases": queries.late_cases(session, window, LISTED_ROWS),
        "old_pipes": queries.old_pipes(
            session,
            window.enterprise_id,
            before_year=window.day_to.year - OLD_PIPE_YEARS,
            rows=LISTED_ROWS,
        ),
    }


def _as_row(outcome: Outcome) -> Row:
    return {
        "id": outcome.definition.id,
        "group": outcome.definition.group,
        "name": outcome.definition.name,
        "formula": outcome.definition.formula,
        "measure": outcome.definition.measure,
        "unit": outcome.definition.unit,
        "direction": outcome.definition.direction,
        "target": outcome.definition.target,
        "floor": outcome.definition.floor,
        "weight": outcome.definition.weight,
        "source": outcome.definition.source,
        "numerator": outcome.measured.numerator,
        "denominator": outcome.measured.denominator,
        "value": outcome.measured.value,
        "reason": outcome.measured.reason,
        "score": outcome.score,
        "share": outcome.share,
    }


def _network(session: Session, enterprise_id: int) -> Row:
    lengths = queries.network_lengths(session, enterprise_id)
    return {
        "km": sum(float(row["km"]) for row in lengths),
        "pipes": sum(row["pipes"] for row in lengths),
        "by_class": _km_by(lengths, "pressure_class"),
        "by_material": _km_by(lengths, "material"),
        "by_decade": _km_by(lengths, "decade"),
    }


def _km_by(lengths: list[Row], key: str) -> list[Row]:
    sums: dict[int | None, float] = {}
    for row in lengths:
        sums[row[key]] = sums.get(row[key], 0.0) + float(row["km"])
    ordered = sorted(sums.items(), key=lambda item: (item[0] is None, item[0]))
    return [{"code": code, "km": km} for code, km in ordered]


def _heat(grid: list[Row]) -> list[Row]:
    """Return completeness in percent for each day, 24 figures; None where nothing was due."""
    days: dict[date, list[float | None]] = {}
    for cell in grid:
        expected = float(cell["expected"])
        share = min(100.0, 100.0 * float(cell["valid"]) / expected) if expected else None
        days.setdefault(cell["day"], [None] * 24)[cell["hour"]] = share
    return [{"day": day, "hours": shares} for day, shares in days.items()]


def _daily(grid: list[Row]) -> list[Row]:
    """Return completeness and timeliness in percent for each day."""
    sums: dict[date, list[float]] = {}
    for cell in grid:
        day = sums.setdefault(cell["day"], [0.0, 0.0, 0.0, 0.0])
        for place, name in enumerate(("expected", "valid", "readings", "in_time")):
            day[place] += float(cell[name])
    return [
        {
            "day": day,
            "complete": min(100.0, 100 * valid / expected) if expected else None,
            "timely": 100 * in_time / readings if readings else None,
        }
        for day, (expected, valid, readings, in_time) in sums.items()
    ]


def _leaks(sums: Sums) -> Row:
    hours = [float(leak["repair_h"]) for leak in sums.leaks if leak["repair_h"] is not None]
    return {
        "rows": list(sums.leaks)[:LISTED_ROWS],
        "n": len(sums.leaks),
        "mean_repair_h": sum(hours) / len(hours) if hours else None,
    }


def _sample_size(sums: Sums) -> int:
    return min(SAMPLE_MOST, max(SAMPLE_LEAST, round(SAMPLE_SHARE * sums.facilities["points"])))


def _months_before(day: date, months: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, min(day.day, 28))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | float):
        rounded = round(float(value), DIGITS)
        return int(rounded) if rounded.is_integer() else rounded
    return value

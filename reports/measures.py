"""From the sums of the database to the figures of the indicators: one short function an indicator; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from reports.indicators import Measured, lost_share, ratio

Row = dict[str, Any]


@dataclass(frozen=True)
class Sums:
    """What the statements returned for one enterprise and period."""

    enterprise: Row
    quality: Row
    static: Row
    alarms: Row
    cases: Row
    leaks: Sequence[Row]
    facilities: Row
    supply: Row
    last_day: date


def measured(sums: Sums) -> dict[str, Measured]:
    """Return the figure of every indicator, keyed by its id; without data the reason instead."""
    quality, alarms, fac = sums.quality, sums.alarms, sums.facilities
    due_leaks = [leak for leak in sums.leaks if leak["due"]]
    received = float(quality["readings"]) + float(quality["rejected"])
    return {
        "D1": _share(quality["online_min"], quality["due_min"], "no_points_due"),
        "D2": _share(quality["in_time"], quality["readings"], "no_readings"),
        "D3": _share(quality["valid_expected"], quality["expected"], "no_points_due"),
        "D4": _share(quality["valid"], received, "no_readings"),
        "D6": _share(sums.static["rows"] - sums.static["rejected"], sums.static["rows"], "no_deliveries"),
        "A1": _share(alarms["ack_in_time"], alarms["ack_due"], "no_alarms_due"),
        "A2": _share(sums.cases["on_time"], sums.cases["due"], "no_cases_due"),
        "A3": _share(
            alarms["judged_false"],
            alarms["judged_false"] + alarms["judged_true"],
            "no_alarms_judged",
        ),
        "S1": _checks(fac),
        "S5": _share(sum(bool(leak["in_time"]) for leak in due_leaks), len(due_leaks), "no_leaks"),
        "S7": _share(fac["with_detector"], fac["non_residential"], "no_such_users"),
        "O1": _share(quality["pressure_in_limits"], quality["pressure_valid"], "no_pressure_readings"),
        "O5": lost_gas(sums.supply),
        "P1": licence(sums.enterprise["licence_expire_on"], sums.last_day),
    }


def counted(indicator: str, online: Mapping[str, Measured], findings: Sequence[Row]) -> Measured:
    """Return what counts for an indicator: the newest field value that was chosen to stand for it, else the system's."""
    chosen = _chosen(indicator, findings)
    return Measured(None, None, float(chosen["field_value"])) if chosen else online[indicator]


def sources(indicator: str, online: Mapping[str, Measured], findings: Sequence[Row]) -> Row:
    """Return where the figure of an indicator comes from, the other source's value, and their difference."""
    chosen = _chosen(indicator, findings)
    named = [row for row in findings if row["indicator"] == indicator and row["field_value"] is not None]
    beside = chosen or (named[-1] if named else None)
    system = online[indicator].value
    field = float(beside["field_value"]) if beside else None
    return {
        "mark": chosen["method"] if chosen else "online",
        "finding": beside["number"] if beside else None,
        "system_value": system,
        "field_value": field,
        "difference": field - system if field is not None and system is not None else None,
    }


def _chosen(indicator: str, findings: Sequence[Row]) -> Row | None:
    standing = [row for row in findings if row["indicator"] == indicator and row["counts"]]
    return max(standing, key=lambda row: (row["found_at"], row["number"])) if standing else None


def _share(numerator: Any, denominator: Any, reason: str) -> Measured:
    return ratio(float(numerator), float(denominator), reason)


def _checks(fac: Row) -> Measured:
    if not fac["check_known"]:
        return Measured(None, float(fac["users"]), None, "no_checks_known")
    return _share(fac["checked"], fac["users"], "no_such_users")


def lost_gas(supply: Row) -> Measured:
    """Return unaccounted-for gas of the period in percent; the linepack counts when known at both ends."""
    purchased = float(supply["purchased_m3"])
    if not supply["days"] or purchased <= 0:
        return Measured(None, None, None, "no_daily_supply")
    lost = lost_share(purchased, float(supply["sold_m3"]), float(supply["own_use_m3"]), linepack_change(supply))
    return Measured(lost * purchased / 100.0, purchased, lost)


def linepack_change(supply: Row) -> float:
    """Return the change of linepack over the period in m³, 0 when one end is not known."""
    before, end = supply["linepack_before_m3"], supply["linepack_end_m3"]
    return 0.0 if before is None or end is None else float(end) - float(before)


def licence(expire_on: date | None, last_day: date) -> Measured:
    """Return 100 % when the licence is valid on the last day of the period, else 0 %."""
    if expire_on is None:
        return Measured(None, None, None, "no_licence_known")
    return ratio(1.0 if expire_on >= last_day else 0.0, 1.0, "no_licence_known")

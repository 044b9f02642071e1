"""Physics and forensics of series: meters, flat lines, copied days, digits, outliers, balances, clocks; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.quality.verdicts import Parameters, Values, Verdict

Floats = NDArray[np.float64]
NORMAL_OF_MAD = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
HOURS_A_WEEK = 168


def _series(values: Values, name: str) -> Floats:
    return np.array([np.nan if each is None else each for each in values[name]], np.float64)


def judge_meter(values: Values, parameters: Parameters) -> Verdict | None:
    """A cumulative meter must not fall; a fall from near the top to near zero is a rollover."""
    read = _series(values, "last")
    read = read[~np.isnan(read)]
    if read.size < 2:
        return None
    step = np.diff(read)
    slack = float(parameters["slack_m3"])
    top = 10.0 ** np.ceil(np.log10(np.maximum(read[:-1], 1.0)))
    near = float(parameters["rollover_share"])
    rollover = (read[:-1] >= (1 - near) * top) & (read[1:] <= near * top)
    falls = (step < -slack) & ~rollover
    worst = float(-step[falls].min()) if falls.any() else 0.0
    return Verdict(
        step.size, int(falls.sum()), bool(falls.any()), {"falls": int(falls.sum()), "largest_m3": round(worst, 3)}
    )


def same_to_digits(value: Floats, digits: int) -> Floats:
    """Return values rounded to so many significant digits."""
    size = np.where(value == 0, 1.0, np.abs(value))
    factor = 10.0 ** (digits - 1 - np.floor(np.log10(size)))
    return np.round(value * factor) / factor


def longest_flat_h(low: Floats, high: Floats, digits: int) -> int:
    """Return the longest run of hours whose lowest and highest value are one and the same to so many digits."""
    lows, highs = same_to_digits(low, digits), same_to_digits(high, digits)
    best = run = 0
    held: float | None = None
    for bottom, top in zip(lows.tolist(), highs.tolist(), strict=True):
        if bottom != top:  # also an hour without a value: nan differs from itself
            run, held = 0, None
            continue
        run = run + 1 if held == bottom else 1
        held = bottom
        best = max(best, run)
    return best


def judge_flat(values: Values, parameters: Parameters) -> Verdict | None:
    """A value that stays identical over a day while its upstream moves is not measured."""
    low, high = _series(values, "low"), _series(values, "high")
    if np.isnan(low).all() or low.size < float(parameters["hours"]):
        return None
    moved = float(values["upstream_moved"] or 0)
    if moved < float(parameters["upstream_moves"]):
        return None
    run = longest_flat_h(low, high, int(parameters["digits"]))
    wrong = run >= float(parameters["hours"])
    return Verdict(1, int(wrong), wrong, {"flat_h": run, "upstream_moved_pct": round(100 * moved, 2)})


def judge_copied(values: Values, parameters: Parameters) -> Verdict | None:
    """A day whose hourly figures equal those of an earlier day was copied; a value at rest repeats without copying."""
    if int(values["distinct"]) < int(parameters["distinct_least"]):
        return None
    same = [str(day) for day in values["same_days"]]
    return Verdict(1, int(bool(same)), bool(same), {"same_as": same[:3]} if same else {})


def judge_digits(values: Values, parameters: Parameters) -> Verdict | None:
    """The last digit of measured values is evenly spread; typed or computed ones prefer some digits.

    A gauge that shows only a few different values has none to judge.

    Instruments that resolve halves or fifths use only the digits 0 and 5, or the even ones: these are the classes then.
    """
    counts = np.array(values["digits"], np.float64)
    few = int(values["distinct"]) < int(parameters["distinct_least"])
    if few or counts.sum() < float(parameters["readings_least"]):
        return None
    for step in (5, 2):
        if counts.reshape(-1, step)[:, 1:].sum() == 0:
            counts = counts[::step]
            break
    expected = counts.sum() / counts.size
    chi2 = float(((counts - expected) ** 2 / expected).sum() / max(counts.size - 1, 1))
    share = float(counts.max() / counts.sum())
    wrong = chi2 > float(parameters["chi2_per_class"]) and share > float(parameters["share_least"])
    return Verdict(1, int(wrong), wrong, {"chi2_per_class": round(chi2, 2), "top_digit_pct": round(100 * share, 1)})


@dataclass(frozen=True)
class Hours:
    """Values with their hours since Monday 1970-01-05, city time."""

    value: Floats
    hour: NDArray[np.int64]


def robust(value: Floats) -> tuple[float, float]:
    """Return median and normal-scaled median absolute deviation."""
    middle = float(np.median(value))
    return middle, NORMAL_OF_MAD * float(np.median(np.abs(value - middle)))


def outlying(method: str, past: Hours, now: Hours, *, factor: float, floor: float) -> NDArray[np.bool_]:
    """Return which of the new values lie outside by `mad`, `iqr` or `season`; `floor` is the least width."""
    if method == "season":
        base = _seasonal_base(past)
        residual = past.value - base[past.hour % HOURS_A_WEEK]
        new = now.value - base[now.hour % HOURS_A_WEEK]
        middle, width = robust(residual)
        return np.abs(new - middle) > factor * max(width, floor)
    if method == "iqr":
        first, third = np.percentile(past.value, [25, 75])
        reach = factor * max(third - first, floor)
        return (now.value < first - reach) | (now.value > third + reach)
    middle, width = robust(past.value)
    return np.abs(now.value - middle) > factor * max(width, floor)


def _seasonal_base(past: Hours) -> Floats:
    """Return the median of each hour of the week; of the hour of the day where it came less than three times."""
    week = past.hour // HOURS_A_WEEK
    grid = np.full((int(week.max() - week.min()) + 1, HOURS_A_WEEK), np.nan)
    grid[week - week.min(), past.hour % HOURS_A_WEEK] = past.value
    by_week, seen = _medians(grid)
    by_day, known = _medians(grid.reshape(-1, 24))
    fallback = np.tile(np.where(known > 0, by_day, float(np.median(past.value))), HOURS_A_WEEK // 24)
    # Fewer than three would make the value its own measure.
    return np.where(seen >= 3, by_week, fallback)


def _medians(grid: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the median and the number of known values of each column; nan marks the unknown."""
    ranked, seen = np.sort(grid, axis=0), (~np.isnan(grid)).sum(axis=0)
    low, high = np.maximum((seen - 1) // 2, 0), np.minimum(seen // 2, grid.shape[0] - 1)
    column = np.arange(grid.shape[1])
    return (ranked[low, column] + ranked[high, column]) / 2, seen


def judge_outlier(values: Values, parameters: Parameters) -> Verdict | None:
    """Hourly means far outside of what the point showed in the weeks before; explained when an alarm tells of it."""
    past, now = _series(values, "past"), _series(values, "now")
    past_hour, now_hour = np.array(values["past_hour"], np.int64), np.array(values["now_hour"], np.int64)
    kept, new = ~np.isnan(past), ~np.isnan(now)
    if kept.sum() < 24 * float(parameters["days_least"]) or not new.any():
        return None
    size = float(np.median(np.abs(past[kept]))) or 1.0
    out = outlying(
        str(parameters["method"]), Hours(past[kept], past_hour[kept]), Hours(now[new], now_hour[new]),
        factor=float(parameters["factor"]), floor=float(parameters["floor_share"]) * size,
    )  # fmt: skip
    hours = int(out.sum())
    if hours and values.get("alarmed"):
        return Verdict(int(new.sum()), 0, False, {"hours": hours, "explained_by_alarm": True})
    figures: dict[str, Any] = {"hours": hours}
    if hours:
        worst = now[new][out]
        far = worst[np.argmax(np.abs(worst - np.median(past[kept])))]
        figures |= {"value": round(float(far), 4), "usual": round(float(np.median(past[kept])), 4)}
    return Verdict(int(new.sum()), hours, hours >= int(parameters["hours_least"]), figures)


def judge_balance(values: Values, parameters: Parameters) -> Verdict | None:
    """What stations measured in a gas day and what the daily report says must agree within a share."""
    if float(values["coverage"]) < float(parameters["coverage_least"]) or not values["reported_m3"]:
        return None
    measured, reported = float(values["measured_m3"]), float(values["reported_m3"])
    off = (reported - measured) / max(measured, 1.0)
    wrong = abs(off) > float(parameters["tolerance"])
    figures = {
        "measured_m3": round(measured, 1),
        "reported_m3": round(reported, 1),
        "difference_pct": round(100 * off, 2),
    }
    return Verdict(1, int(wrong), wrong, figures)


def judge_sold(values: Values, parameters: Parameters) -> Verdict | None:
    """Gas not accounted for below or above the band is suspect data (UFG = (in - sold - own use) / in)."""
    bought = float(values["purchased_m3"])
    if bought <= 0:
        return Verdict(1, 1, True, {"purchased_m3": bought})
    share = (
        bought - float(values["sold_m3"]) - float(values["own_use_m3"] or 0) - float(values["linepack_change_m3"] or 0)
    ) / bought
    wrong = not float(parameters["low"]) <= share <= float(parameters["high"])
    return Verdict(1, int(wrong), wrong, {"ufg_pct": round(100 * share, 2)})


def judge_order(values: Values, parameters: Parameters) -> Verdict | None:
    """Pressure falls along the flow: nothing downstream stands above all that feeds it."""
    upstream, own = float(values["upstream_kpa"]), float(values["own_kpa"])
    most = upstream * (1 + float(parameters["tolerance"])) + float(parameters["slack_kpa"])
    wrong = own > most
    return Verdict(1, int(wrong), wrong, {"upstream_kpa": round(upstream, 3), "own_kpa": round(own, 3)})


def judge_neighbour(values: Values, parameters: Parameters) -> Verdict | None:
    """Two gauges of one zone that stand near each other keep their usual ratio."""
    other, own, usual = float(values["other_kpa"]), float(values["own_kpa"]), values["usual_ratio"]
    if other <= 0 or own <= 0:
        return None
    tolerance = float(parameters["tolerance"] if usual else parameters["tolerance_unknown"])
    off = own / (other * float(usual or 1.0)) - 1
    wrong = abs(off) > tolerance
    figures = {
        "own_kpa": round(own, 3),
        "neighbour_kpa": round(other, 3),
        "neighbour": values["other"],
        "off_pct": round(100 * off, 2),
    }
    return Verdict(1, int(wrong), wrong, figures)


def judge_clock(values: Values, parameters: Parameters) -> Verdict | None:
    """A sender whose quickest readings come before their time or long after it has a wrong clock."""
    quickest = values["quickest_s"]
    ahead = int(values["from_future"])
    if quickest is None and not ahead:
        return None
    skew = float(quickest or 0)
    wrong = (
        skew < -float(parameters["ahead_s"])
        or skew > float(parameters["behind_s"])
        or ahead > float(parameters["future_rows"])
    )
    return Verdict(1, int(wrong), wrong, {"quickest_delay_s": skew, "rows_from_future": ahead})


def judge_count(values: Values, parameters: Parameters) -> Verdict | None:
    """Judge a number that should be at most `most` out of `checked`."""
    checked, found = float(values["checked"]), float(values["found"])
    if checked <= 0:
        return None
    return Verdict(
        checked,
        min(found, checked),
        found > float(parameters["most"]),
        {"found": round(found), "checked": round(checked)},
    )


def judge_problems(values: Values, parameters: Parameters) -> Verdict | None:
    """Judge an object whose problems under one rule of the network are listed."""
    found: Sequence[str] = values["problems"]
    return Verdict(1, int(bool(found)), bool(found), {"problems": list(found)[:5]} if found else {})


def judge_classes(values: Values, parameters: Parameters) -> Verdict | None:
    """Pressure classes meet only across a regulator (R15, GB 50028-2006 6.1.7)."""
    classes = sorted({int(each) for each in values["classes"]})
    wrong = len(classes) > 1 and not values["regulated"]
    return Verdict(1, int(wrong), wrong, {"classes": classes} if wrong else {})


def judge_claim(values: Values, parameters: Parameters) -> Verdict | None:
    """What the enterprise says it sent equals what was received."""
    wrong = bool(values["differs"])
    figures = {name: values[name] for name in ("sent_batches", "received_batches", "sent_rows", "received_rows")}
    return Verdict(1, int(wrong), wrong, figures)

"""Charts of the reports as SVG text: small pure functions with the portal's light colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

INK, INK_2, INK_3 = "#101c2e", "#3a4a61", "#5b6a80"
LINE, TRACK = "#dae2ee", "#e8eef7"
ACCENT, OK = "#1759d1", "#0b7a55"
LEVELS = ("#cf2a30", "#f07a13", "#f2c200", "#1f7ae0")
PRESSURE = {
    1: "#8e3fd6",
    2: "#8e3fd6",
    3: "#5a4fd0",
    4: "#5a4fd0",
    5: "#0786a0",
    6: "#0b8a63",
    7: "#66768c",
}
SERIES = ("#1759d1", "#0786a0", "#8e3fd6", "#66768c", "#0b8a63", "#5a4fd0", "#8fa3c0", "#3a4a61")
FONT = "Noto Sans CJK SC, sans-serif"
GRADE_COLOURS = {"A": OK, "B": "#0786a0", "C": "#1f7ae0", "D": "#a34a00", "E": "#cf2a30"}
HEAT = (
    (0.0, (207, 42, 48)),
    (70.0, (240, 122, 19)),
    (90.0, (246, 222, 140)),
    (100.0, (11, 122, 85)),
)


@dataclass(frozen=True)
class Frame:
    """Size of a chart and its plot area, in SVG units (1/10 mm)."""

    width: float
    height: float
    left: float = 90
    right: float = 50
    top: float = 30
    bottom: float = 60

    @property
    def plot_width(self) -> float:
        """Return the width between the axes."""
        return self.width - self.left - self.right

    @property
    def plot_height(self) -> float:
        """Return the height between the axes."""
        return self.height - self.top - self.bottom


def colour_of_score(score: float | None) -> str:
    """Return the colour that a score has in every chart."""
    if score is None:
        return "#b9c6d8"
    return OK if score >= 80 else LEVELS[1] if score >= 60 else LEVELS[0]


def ring(score: float | None, grade: str, caption: str) -> str:
    """Return the ring of the total score with its grade."""
    colour = GRADE_COLOURS.get(grade, "#b9c6d8")
    radius, width = 170.0, 30.0
    around = 2 * math.pi * radius
    filled = around * (score or 0.0) / 100
    number = "—" if score is None else f"{score:.1f}"
    return _svg(
        400,
        400,
        f'<circle cx="200" cy="200" r="{radius}" fill="none" stroke="{TRACK}" stroke-width="{width}"/>'
        f'<circle cx="200" cy="200" r="{radius}" fill="none" stroke="{colour}" stroke-width="{width}" '
        f'stroke-dasharray="{filled:.1f} {around:.1f}" transform="rotate(-90 200 200)"/>'
        + _text(200, 215, number, 96, INK, "middle", 700)
        + _text(200, 275, caption, 34, colour, "middle", 700),
    )


def bullets(rows: Sequence[tuple[str, float | None, str]], *, width: float = 1700) -> str:
    """Return one bar a row: label, score 0-100 or None, and the text at the end."""
    step, left, right = 58.0, 520.0, 300.0
    height = step * len(rows) + 50
    scale = (width - left - right) / 100
    parts = []
    for mark in (0, 60, 80, 90, 100):
        x = left + mark * scale
        parts.append(f'<line x1="{x:.1f}" y1="6" x2="{x:.1f}" y2="{height - 40}" stroke="{LINE}" stroke-width="2"/>')
        parts.append(_text(x, height - 8, str(mark), 25, INK_3, "middle"))
    for place, (label, score, said) in enumerate(rows):
        y = step * place + 16
        parts.append(_text(left - 18, y + 25, label, 29, INK, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{100 * scale:.1f}" height="30" rx="4" fill="{TRACK}"/>')
        if score is not None:
            filled = max(score * scale, 4)
            parts.append(
                f'<rect x="{left}" y="{y}" width="{filled:.1f}" height="30" rx="4" fill="{colour_of_score(score)}"/>'
            )
        parts.append(
            _text(
                width - right + 18,
                y + 25,
                said,
                28,
                INK if score is not None else INK_3,
                "start",
                600 if score is not None else 400,
            )
        )
    return _svg(width, height, "".join(parts))


def lines(
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    *,
    unit: str,
    low: float,
    high: float,
) -> str:
    """Return one line a series over equally spaced labels; gaps stay gaps."""
    frame = Frame(1700, 520)
    step = frame.plot_width / max(len(labels) - 1, 1)
    parts = [_grid(frame, low, high, unit), _labels_below(frame, labels, step, 0.0)]
    for place, (name, values) in enumerate(series):
        colour = SERIES[place]
        for run in _runs(values):
            spots = " ".join(f"{frame.left + i * step:.1f},{_y(frame, value, low, high):.1f}" for i, value in run)
            parts.append(
                f'<polyline points="{spots}" fill="none" stroke="{colour}" stroke-width="5" stroke-linejoin="round"/>'
            )
            if len(run) == 1:
                x, y = spots.split(",")
                parts.append(f'<circle cx="{x}" cy="{y}" r="6" fill="{colour}"/>')
        parts.append(_legend(frame, place, name, colour))
    return _svg(frame.width, frame.height, "".join(parts))


def stacked_bars(
    labels: Sequence[str],
    series: Sequence[tuple[str, str, Sequence[float]]],
    *,
    unit: str,
    side_by_side: bool = False,
    whole: bool = False,
) -> str:
    """Return bars over labels; each series is name, colour and values; `whole` keeps the axis to counts."""
    frame = Frame(1700, 520)
    columns = list(zip(*(values for _, _, values in series), strict=True))
    tops = [max(column) if side_by_side else sum(column) for column in columns]
    high = nice_top(max(tops, default=0.0), whole=whole)
    step = frame.plot_width / max(len(labels), 1)
    parts = [_grid(frame, 0.0, high, unit), _labels_below(frame, labels, step, step / 2)]
    wide = step * 0.66 / (len(series) if side_by_side else 1)
    bars: dict[str, list[str]] = {}
    for i, column in enumerate(columns):
        base = 0.0
        for place, value in enumerate(column):
            x = frame.left + i * step + step * 0.17 + (place * wide if side_by_side else 0.0)
            tall = value / high * frame.plot_height
            y = frame.top + frame.plot_height - base - tall
            if tall > 0:
                bars.setdefault(series[place][1], []).append(_box(x, y, wide, tall))
            base += 0.0 if side_by_side else tall
    parts.extend(_filled(bars))
    parts.extend(_legend(frame, place, name, colour) for place, (name, colour, _) in enumerate(series))
    return _svg(frame.width, frame.height, "".join(parts))


def heat(rows: Sequence[tuple[str, Sequence[float | None]]], *, caption: str) -> str:
    """Return a grid of days (rows) by hours (columns) coloured by percent; white where nothing was due."""
    left, top, wide, tall = 150.0, 60.0, 62.0, 27.0
    height = top + tall * len(rows) + 80
    parts = [_text(left + (hour + 0.5) * wide, top - 14, str(hour), 23, INK_3, "middle") for hour in range(24)]
    cells: dict[str, list[str]] = {}
    for place, (label, shares) in enumerate(rows):
        y = top + place * tall
        parts.append(_text(left - 14, y + 21, label, 23, INK_2, "end"))
        for hour, share in enumerate(shares):
            fill = "#ffffff" if share is None else heat_colour(round(share))
            cells.setdefault(fill, []).append(_box(left + hour * wide, y, wide - 2, tall - 2))
    parts.extend(_filled(cells, edge=LINE))
    y = top + tall * len(rows) + 26
    parts.append(_text(left, y + 24, caption, 24, INK_3, "start"))
    parts.extend(_rect(1130.0 + place * 20, y, 20, 24, heat_colour(place * 5.0)) for place in range(21))
    parts.append(_text(1120, y + 21, "0 %", 23, INK_3, "end"))
    parts.append(_text(1560, y + 21, "100 %", 23, INK_3, "start"))
    return _svg(1700, height, "".join(parts))


def share_bar(rows: Sequence[tuple[str, float, str]]) -> str:
    """Return one bar cut into shares, with a legend of name and km; rows are name, km, colour."""
    whole = sum(km for _, km, _ in rows) or 1.0
    parts, x = [], 0.0
    for _, km, colour in rows:
        wide = 1700 * km / whole
        parts.append(_rect(x, 0, wide, 44, colour))
        x += wide
    words = [f"{name} {km:,.1f} km · {100 * km / whole:.1f} %" for name, km, _ in rows]
    columns = 3 if any(len(said.encode()) > 28 for said in words) else 4
    wide = 1700 / columns
    for place, (said, (_, _, colour)) in enumerate(zip(words, rows, strict=True)):
        x, y = place % columns * wide, 68 + place // columns * 44
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="24" height="24" rx="4" fill="{colour}"/>')
        parts.append(_text(x + 36, y + 22, said, 27, INK_2, "start"))
    return _svg(1700, 70 + 44 * math.ceil(len(rows) / columns), "".join(parts))


def nice_top(value: float, *, whole: bool = False) -> float:
    """Return the round number at or above a value that ends an axis; `whole`: a multiple of four."""
    if whole:
        return max(4.0, 4.0 * math.ceil(value / 4))
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * size >= value)


def heat_colour(share: float) -> str:
    """Return the colour of a percentage, blended between the stops of the scale."""
    for (low, from_rgb), (high, to_rgb) in zip(HEAT, HEAT[1:], strict=False):
        if share <= high:
            part = max(0.0, (share - low) / (high - low))
            mixed = [round(a + (b - a) * part) for a, b in zip(from_rgb, to_rgb, strict=True)]
            return "#{:02x}{:02x}{:02x}".format(*mixed)
    return "#{:02x}{:02x}{:02x}".format(*HEAT[-1][1])


def _svg(width: float, height: float, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'class="chart" role="img">{body}</svg>'
    )


def _text(x: float, y: float, said: str, size: float, colour: str, anchor: str, weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-family="{FONT}" font-weight="{weight}" '
        f'fill="{colour}" text-anchor="{anchor}">{escape(said)}</text>'
    )


def _box(x: float, y: float, wide: float, tall: float) -> str:
    return f"M{x:.1f} {y:.1f}h{wide:.1f}v{tall:.1f}h-{wide:.1f}z"


def _filled(boxes: Mapping[str, Sequence[str]], *, edge: str = "none") -> list[str]:
    """Return one path a colour: a page of a thousand single boxes takes seconds to draw."""
    look = f'stroke="{edge}" stroke-width="1"'
    return [f'<path d="{"".join(shapes)}" fill="{fill}" {look}/>' for fill, shapes in boxes.items()]


def _rect(x: float, y: float, wide: float, tall: float, fill: str, *, edge: str = "none") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}"'
    return f'<rect {place} fill="{fill}" stroke="{edge}" stroke-width="1"/>'


def _y(frame: Frame, value: float, low: float, high: float) -> float:
    inside = min(max(value, low), high)
    return frame.top + frame.plot_height * (high - inside) / (high - low)


def _grid(frame: Frame, low: float, high: float, unit: str) -> str:
    parts = []
    for place in range(5):
        value = low + (high - low) * place / 4
        y = _y(frame, value, low, high)
        right = frame.width - frame.right
        parts.append(
            f'<line x1="{frame.left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{LINE}" stroke-width="2"/>'
        )
        parts.append(
            _text(
                frame.left - 12,
                y + 9,
                f"{value:,.4g}" if high < 10000 else f"{value:,.0f}",
                24,
                INK_3,
                "end",
            )
        )
    parts.append(_text(frame.left, 22, unit, 24, INK_3, "start"))
    return "".join(parts)


def _labels_below(frame: Frame, labels: Sequence[str], step: float, shift: float) -> str:
    every = max(1, math.ceil(len(labels) / 16))
    y = frame.top + frame.plot_height + 34
    return "".join(
        _text(frame.left + i * step + shift, y, label, 24, INK_3, "middle")
        for i, label in enumerate(labels)
        if i % every == 0
    )


def _legend(frame: Frame, place: int, name: str, colour: str) -> str:
    x = frame.left + 130 + place * 330
    return f'<rect x="{x:.0f}" y="2" width="22" height="22" rx="4" fill="{colour}"/>' + _text(
        x + 32, 22, name, 25, INK_2, "start"
    )


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Return the unbroken stretches of a series as (place, value)."""
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]

"""From a snapshot to the page that becomes the PDF: words, tables and drawings, without the database."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import qrcode
import qrcode.image.svg
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from portal.core.clock import CITY_ZONE
from portal.core.codes import word_of
from reports import charts
from reports.advice import maintenance, points_lost, worst_indicators
from reports.findings import METHODS, VERDICTS
from reports.indicators import GROUP_NAMES, NOT_COVERED
from reports.standards import STANDARDS
from reports.wording import Wording, wording

TEMPLATES = Path(__file__).resolve().parent.parent / "portal/templates/reports/pdf"
GRADE_WORDS = {
    "A": "Excellent",
    "B": "Good",
    "C": "Medium",
    "D": "Pass",
    "E": "Fail",
    "": "Not graded",
}
NO_PHOTOS: Mapping[int, str] = {}
PARTS = (
    "General situation",
    "Laws and standards referred to",
    "System parameters used",
    "Statistical analysis of the data",
    "Results of on-site verification (when necessary)",
    "Diagnosis of the present state and improvement measures",
    "Conclusion and advice on repair and maintenance",
)
REASONS = {
    "no_points_due": "no monitoring points in service in this period",
    "no_readings": "no readings received in this period",
    "no_deliveries": "no delivery of static data up to the end of the period",
    "no_alarms_due": "no alarm of level 1 or 2 had to be acknowledged",
    "no_cases_due": "no supervision case was due",
    "no_alarms_judged": "no alarm was judged true or false",
    "no_leaks": "no gas leak alarm was judged true",
    "no_such_users": "no such users registered",
    "no_checks_known": "dates of household checks are not delivered",
    "no_pressure_readings": "no valid pressure readings of points with limits",
    "no_daily_supply": "daily volumes are not delivered",
    "no_licence_known": "validity of the licence is not delivered",
}


@dataclass(frozen=True)
class Imprint:
    """What the cover says about the document itself."""

    number: str
    version: int
    verify_code: str
    snapshot_sm3: str
    city_name: str
    department: str
    made_at: datetime
    made_by: str


def page_of(
    snapshot: dict[str, Any], imprint: Imprint, *, map_svg: str, language: str, photos: Mapping[int, str] = NO_PHOTOS
) -> str:
    """Return the whole report as one self-contained HTML page; `photos` are addresses with the data, by evidence."""
    say = wording(language)
    drawing = Drawings(snapshot, say, language)
    return (
        environment(language)
        .get_template("evaluation.html")
        .render(
            s=snapshot,
            imprint=imprint,
            lang="en" if language.startswith("en") else "zh-CN",
            parts=PARTS,
            chart=drawing,
            map_svg=Markup(map_svg),
            qr=_qr(f"ranjian:report:{imprint.verify_code}:{imprint.snapshot_sm3}"),
            standards=STANDARDS,
            not_covered=NOT_COVERED,
            group_names=GROUP_NAMES,
            grade_word=say(GRADE_WORDS[snapshot["total"]["grade"]]),
            grade_colour=charts.GRADE_COLOURS.get(snapshot["total"]["grade"], "#5b6a80"),
            worst=worst_indicators(snapshot),
            points_lost=points_lost,
            advice=maintenance(snapshot, language),
            reasons=REASONS,
            methods=METHODS,
            verdicts=VERDICTS,
            photos=photos,
        )
    )


def environment(language: str) -> Environment:
    """Return the templates with words and formats of a language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["_"] = wording(language)
    made.globals["word"] = lambda dictionary, code: word_of(dictionary, code, language) or "—"
    made.filters.update(num=number, day=day_text, at=instant_text)
    return made


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with thousands separators, or a dash."""
    return "—" if value is None else f"{float(value):,.{digits}f}"


def day_text(value: str | None) -> str:
    """Return an ISO date as it stands, or a dash."""
    return date.fromisoformat(value).isoformat() if value else "—"


def instant_text(value: str | datetime | None) -> str:
    """Return an instant in city time to the minute, or a dash."""
    if not value:
        return "—"
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return f"{instant.astimezone(CITY_ZONE):%Y-%m-%d %H:%M}"


class Drawings:
    """The charts of one evaluation, ready for the template."""

    def __init__(self, snapshot: dict[str, Any], say: Wording, language: str) -> None:
        self.s, self.say, self.language = snapshot, say, language

    def ring(self) -> Markup:
        """Return the ring of the total score."""
        total = self.s["total"]
        caption = f"{self.say(GRADE_WORDS[total['grade']])} {total['grade']}".strip()
        return _safe(charts.ring(total["score"], total["grade"], caption), self.say("Score"))

    def groups(self) -> Markup:
        """Return one bar for each group of indicators."""
        rows = [
            (
                f"{self.say(GROUP_NAMES[group])} ({weight:g})",
                score,
                self.say("no data") if score is None else f"{score:.1f}",
            )
            for group, weight, score in self.s["total"]["groups"]
        ]
        return _safe(charts.bullets(rows), self.say("Scores of the groups, weights in brackets"))

    def indicators(self) -> Markup:
        """Return one bar for each indicator."""
        rows = [(f"{row['id']} {self.say(row['name'])}", row["score"], self._said(row)) for row in self.s["indicators"]]
        return _safe(charts.bullets(rows), self.say("Scores of the indicators (0-100), values in brackets"))

    def _said(self, row: dict[str, Any]) -> str:
        if row["score"] is None:
            return self.say("no data")
        return f"{row['score']:.1f}  ({row['value']:.2f} {row['unit']})"

    def heat(self) -> Markup:
        """Return completeness by day and hour."""
        rows = [(day["day"][5:], day["hours"]) for day in self.s["heat"]]
        return _safe(
            charts.heat(rows, caption=self.say("Completeness by day and hour; white: nothing due")),
            self.say("Completeness of readings by day and hour"),
        )

    def daily(self) -> Markup:
        """Return completeness and timeliness by day."""
        days = self.s["daily"]
        series = [
            (self.say("Completeness"), [day["complete"] for day in days]),
            (self.say("Timeliness"), [day["timely"] for day in days]),
        ]
        known = [value for _, values in series for value in values if value is not None]
        low = min(90.0, 10 * (min(known, default=90.0) // 10))
        return _safe(
            charts.lines([day["day"][5:] for day in days], series, unit="%", low=low, high=100),
            self.say("Completeness and timeliness by day"),
        )

    def alarms(self) -> Markup:
        """Return alarms by day and level."""
        days = [day["day"] for day in self.s["daily"]]
        counts = {(row["day"], row["level"]): row["n"] for row in self.s["alarms_by_day"]}
        series = [
            (
                word_of("alarm_level", level, self.language),
                charts.LEVELS[level - 1],
                [float(counts.get((day, level), 0)) for day in days],
            )
            for level in (1, 2, 3, 4)
        ]
        return _safe(
            charts.stacked_bars([day[5:] for day in days], series, unit=self.say("alarms"), whole=True),
            self.say("Alarms by day and level"),
        )

    def supply(self) -> Markup:
        """Return purchased and sold volume by day."""
        days = self.s["supply_by_day"]
        series = [
            (self.say("Taken in"), charts.SERIES[0], [day["purchased_m3"] / 1e4 for day in days]),
            (self.say("Sold"), charts.SERIES[1], [day["sold_m3"] / 1e4 for day in days]),
        ]
        labels = [day["day"][5:] for day in days]
        return _safe(
            charts.stacked_bars(labels, series, unit="10⁴ m³", side_by_side=True), self.say("Volumes by gas day")
        )

    def classes(self) -> Markup:
        """Return the mains by pressure class."""
        rows = [
            (
                word_of("pressure_class", row["code"], self.language),
                row["km"],
                charts.PRESSURE.get(row["code"], "#66768c"),
            )
            for row in self.s["network"]["by_class"]
        ]
        return _safe(charts.share_bar(rows), self.say("Mains by pressure class"))

    def materials(self) -> Markup:
        """Return the mains by material."""
        return self._shares("by_material", "Mains by material", lambda code: word_of("material", code, self.language))

    def decades(self) -> Markup:
        """Return the mains by decade of installation."""
        return self._shares(
            "by_decade",
            "Mains by decade of installation",
            lambda code: self.say("unknown") if code is None else self.say("%(decade)ss", decade=code),
        )

    def _shares(self, key: str, label: str, name: Any) -> Markup:
        rows = [
            (name(row["code"]), row["km"], charts.SERIES[place % len(charts.SERIES)])
            for place, row in enumerate(self.s["network"][key])
        ]
        return _safe(charts.share_bar(rows), self.say(label))


def _safe(svg: str, label: str) -> Markup:
    named = svg.replace('role="img"', f'role="img" aria-label="{escape(label)}"', 1)
    return Markup(named)


def _qr(words: str) -> Markup:
    image = qrcode.make(words, image_factory=qrcode.image.svg.SvgPathImage, border=1)
    buffer = io.BytesIO()
    image.save(buffer)
    return Markup(buffer.getvalue().decode().partition("?>")[2])

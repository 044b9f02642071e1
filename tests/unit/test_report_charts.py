"""Charts, words and codes of the reports: drawings are well-formed, safe and true to scale."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports import charts
from reports.builders.evaluation import canonical, snapshot_digest
from reports.document import GRADE_WORDS, PARTS, REASONS
from reports.file_codes import CODE_PATTERN, codes_in
from reports.indicators import DEFINITIONS, GROUP_NAMES, NOT_COVERED
from reports.pdf import refuse_every_address
from reports.services import month_of, new_code
from reports.standards import STANDARDS
from reports.wording import wording

TEMPLATES = Path(__file__).parents[2] / "portal" / "templates" / "reports"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    "drawn",
    [
        charts.ring(54.6, "E", "不合格 E"),
        charts.ring(None, "", "<未定级>"),
        charts.bullets([("D1 <&>", 70.4, "70.4"), ("A1", None, "无数据")]),
        charts.lines(["10-01", "10-02", "10-03"], [("完整率", [99.0, None, 97.0])], unit="%", low=90, high=100),
        charts.stacked_bars(["10-01"], [("紧急", "#cf2a30", [3.0]), ("重要", "#f07a13", [1.0])], unit="条", whole=True),
        charts.stacked_bars([], [("紧急", "#cf2a30", [])], unit="条"),
        charts.heat([("10-01", [None] * 12 + [100.0] * 12)], caption="完整率"),
        charts.share_bar([("中压A", 12.5, "#0786a0"), ("低压", 0.0, "#66768c")]),
        charts.share_bar([]),
    ],
)
def test_every_chart_is_well_formed_and_carries_no_style_attribute(drawn: str) -> None:
    root = ElementTree.fromstring(drawn)
    assert root.tag == f"{SVG}svg"
    assert "style=" not in drawn


def test_a_bar_is_as_long_as_its_score() -> None:
    root = ElementTree.fromstring(charts.bullets([("x", 50.0, "50"), ("y", 100.0, "100")]))
    filled = [float(each.get("width", "0")) for each in root.iter(f"{SVG}rect") if each.get("fill") != charts.TRACK]
    assert filled[1] == pytest.approx(2 * filled[0])


def test_heat_runs_from_red_to_green() -> None:
    assert charts.heat_colour(0) == "#cf2a30"
    assert charts.heat_colour(100) == "#0b7a55"


@pytest.mark.parametrize(("value", "top"), [(0, 1), (7, 8), (10, 10), (11, 15), (24.3, 25), (99, 100)])
def test_axes_end_at_round_numbers(value: float, top: float) -> None:
    assert charts.nice_top(value) == top


def test_every_word_of_the_pdf_has_chinese() -> None:
    used = set(PARTS) | set(REASONS.values()) | set(GRADE_WORDS.values()) | set(GROUP_NAMES.values())
    used |= {text for each in DEFINITIONS for text in (each.name, each.formula, each.measure)}
    used |= {text for _, name, reason in NOT_COVERED for text in (name, reason)}
    used |= {each.used_for for each in STANDARDS}
    for page in TEMPLATES.rglob("*.html"):
        used |= set(re.findall(r'_\("((?:[^"\\]|\\.)*)"', page.read_text("utf-8")))
    say = wording("zh_CN")
    missing = sorted(text for text in used if say(text) == text and not text.isascii() or say(text) == text)
    assert [text for text in missing if re.search("[A-Za-z]{2}", text)] == []


def test_snapshot_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert snapshot_digest({"a": 1, "b": [1.5, None]}) == snapshot_digest({"b": [1.5, None], "a": 1.0000000001})
    assert canonical({"b": 1, "a": 2.5}) == b'{"a":2.5,"b":1}'


def test_codes_match_their_pattern_and_differ() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(CODE_PATTERN.fullmatch(code) for code in codes)


def test_a_month_is_year_and_month() -> None:
    assert month_of("2026-10").isoformat() == "2026-10-01"


@pytest.mark.parametrize("url", ["http://example.com/x.png", "file:///etc/passwd", "https://a/b.css"])
def test_the_renderer_fetches_nothing(url: str) -> None:
    with pytest.raises(ValueError, match="fetches nothing"):
        refuse_every_address(url)


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7\nnothing", b"\x00" * 4096, b"%PDF-1.4\n1 0 obj<</Length 9>>stream\n"]
)
def test_a_broken_file_carries_no_code_and_breaks_nothing(content: bytes) -> None:
    assert codes_in(content) == []


def test_a_code_in_plain_bytes_is_found() -> None:
    code = new_code()
    assert codes_in(b"%PDF-1.7 " + code.encode()) == [code]

"""The picture of a delivery: everything lies in its frame, what waits is told apart, one point alone is drawn too."""

from __future__ import annotations

import re
from typing import Any

from ingestion_adapters.files.preview_svg import HEIGHT, WIDTH, preview_svg


def feature(kind: str, places: Any, state: str = "accepted") -> dict[str, Any]:
    facts = {"code": "P<1>", "file": "线表.csv", "row": 7, "state": state}
    return {"type": "Feature", "properties": facts, "geometry": {"type": kind, "coordinates": places}}


def test_lines_and_points_lie_in_the_frame_and_what_waits_stands_out() -> None:
    shown = [
        feature("LineString", [[104.0, 30.0], [104.01, 30.005], [104.02, 30.0]]),
        feature("Point", [104.01, 30.01], "quarantined"),
        {"type": "Feature", "properties": {}, "geometry": None},
    ]
    picture = preview_svg({"features": shown})
    assert picture is not None and (picture.waiting, len(picture.lines), len(picture.dots)) == (1, 1, 1)
    assert picture.dots[0].waits and not picture.lines[0].waits and picture.lines[0].title == "P<1> · 线表.csv 7"
    assert 1900 < picture.width_m < 3000
    for each in (*picture.lines, *picture.dots):
        numbers = [float(word) for word in re.findall(r"\d+\.\d+", each.path)]
        assert all(0 <= x <= WIDTH for x in numbers[::2]) and all(0 <= y <= HEIGHT for y in numbers[1::2])


def test_a_single_point_and_an_empty_delivery() -> None:
    one = preview_svg({"features": [feature("Point", [104.0, 30.0])]})
    assert one is not None and len(one.dots) == 1
    assert preview_svg({}) is None

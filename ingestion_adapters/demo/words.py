"""How each demo enterprise words its readings and alarms, and the mapping that turns them into the contract's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ingestion_adapters.demo.points import plans_of, point_codes
from ingestion_adapters.mapping.rules import PointFacts
from ingestion_adapters.mapping.services import save_mapping
from portal.core.actor import Actor
from portal.core.clock import CITY_ZONE
from portal.core.codes import words_of
from portal.core.units import linear

Row = dict[str, Any]
PRESSURE, TEMPERATURE, POTENTIAL = "1", "4", "9"
MOST_TILES = 100
UNITS: Mapping[str, Mapping[str, str]] = {
    "YCRQ": {PRESSURE: "kPa"},
    "JBRQ": {PRESSURE: "bar", TEMPERATURE: "K"},
    "KFQRQ": {PRESSURE: "kgf/cm2", POTENTIAL: "mV"},
}
_FORMATS = {"YCRQ": "%Y-%m-%d %H:%M:%S.%f", "KFQRQ": "%Y%m%d%H%M%S"}
_FLAGS = {
    "YCRQ": {"原始": "N", "补传": "B", "人工": "M", "估计": "E", "修正": "R"},
    "JBRQ": {"0": "N", "1": "B", "2": "M", "3": "E", "4": "R"},
    "KFQRQ": {"正常": "N", "续传": "B", "手录": "M", "估算": "E", "更正": "R"},
}
# Field of the contract -> theirs; what is missing here they do not send.
_RT = {
    "YCRQ": {"point": "测点编码", "t": "采集时刻", "v": "采集值", "q": "数据质量", "f": "数据来源"},
    "JBRQ": {"point": "tag", "t": "ts", "v": "val", "q": "sta", "f": "src"},
    "KFQRQ": {"point": "位号", "t": "采样时间", "v": "测量值", "q": "状态字", "f": "来源"},
}
_ALM = {
    "YCRQ": {
        "alarm_no": "告警流水号", "kind": "告警类别", "level": "告警等级", "raised_at": "告警时刻", "point": "测点编码",
        "value": "告警值", "limit": "门限", "text": "告警内容", "cleared_at": "消除时刻", "disposal": "处置说明",
    },
    "JBRQ": {
        "alarm_no": "id", "kind": "type", "level": "pri", "raised_at": "on", "point": "tag", "value": "val",
        "limit": "lim", "text": "msg", "cleared_at": "off", "disposal": "act",
    },
    "KFQRQ": {
        "alarm_no": "报警序号", "kind": "报警种类", "level": "报警优先级", "raised_at": "触发", "point": "位号",
        "value": "触发值", "limit": "报警值", "text": "报警文本", "cleared_at": "复位", "disposal": "处理结果",
    },
}  # fmt: skip


def quality_words(key: str) -> dict[str, int]:
    """Return their word -> quality code: Chinese words, English ones, or two hex digits."""
    codes = words_of("quality", "en" if key == "JBRQ" else "zh")
    if key == "KFQRQ":
        return {f"x{code:02X}": code for code in codes}
    return {word.upper().replace(" ", "_").replace(",", ""): code for code, word in codes.items()}


def kind_words(key: str) -> dict[str, int]:
    """Return their word -> kind of alarm."""
    codes = words_of("alarm_kind", "en" if key == "JBRQ" else "zh")
    return {f"K{code}" if key == "KFQRQ" else word: code for code, word in codes.items()}


def level_words(key: str) -> dict[str, int]:
    """Return their word -> level of alarm."""
    names = {"YCRQ": ("一级", "二级", "三级", "四级"), "JBRQ": ("P1", "P2", "P3", "P4"), "KFQRQ": tuple("ABCD")}
    return {name: level for level, name in enumerate(names[key], 1)}


def their_point(key: str, code: str) -> str:
    """Return a point as its enterprise writes it."""
    if key == "YCRQ":
        return code.replace(".", "#")
    if key == "JBRQ":
        return "JBSC." + code.replace("-", "_").replace("/", ".")
    return f"KFQ:{code}"


@cache
def _facts(key: str, tile: int) -> dict[str, PointFacts]:
    plans = plans_of(key)
    return {code: PointFacts(plan.measure, plan.unit) for code, plan in zip(point_codes(key, tile), plans, strict=True)}


def _facts_of(key: str, code: str) -> PointFacts | None:
    """Return measure and unit of a point, looked for tile by tile; the first is nearly always the right one."""
    return next((found[code] for tile in range(MOST_TILES) if code in (found := _facts(key, tile))), None)


def said(key: str, dataset: str, rows: Sequence[Row]) -> list[Row]:
    """Return rows of RT and ALM in an enterprise's own words; other datasets stay in the contract's."""
    names = {"RT": _RT, "ALM": _ALM}.get(dataset)
    if names is None or key not in names:
        return list(rows)
    words = {"q": quality_words(key), "f": _FLAGS[key], "kind": kind_words(key), "level": level_words(key)}
    spoken = {field: {code: word for word, code in known.items()} for field, known in words.items()}
    return [_said(key, names[key], spoken, row) for row in rows]


def _said(key: str, names: Mapping[str, str], spoken: Mapping[str, Mapping[Any, str]], row: Row) -> Row:
    scale = _scale(key, str(row.get("point", "")))
    full = {"q": 192, "f": "N"} | row if "v" in row else row
    change: dict[str, Callable[[Any], Any]] = {
        "point": lambda code: their_point(key, code),
        **{name: lambda value: _number(value * scale[0] + scale[1]) for name in ("v", "value", "limit")},
        **{name: lambda at: their_time(key, at) for name in ("t", "raised_at", "cleared_at")},
        **{name: known.__getitem__ for name, known in spoken.items()},
    }
    return {names[name]: change.get(name, _same)(value) for name, value in full.items() if value is not None}


def _same(value: Any) -> Any:
    return value


def _number(value: float) -> float:
    return float(f"{value:.12g}")


def _scale(key: str, code: str) -> tuple[float, float]:
    facts = _facts_of(key, code)
    theirs = UNITS[key].get(str(facts.measure)) if facts else None
    return (linear(facts.unit, theirs) if facts and theirs else None) or (1.0, 0.0)


def their_time(key: str, ms: int) -> Any:
    """Return an instant (ms since the epoch) as an enterprise writes it: city time, or seconds."""
    if key == "JBRQ":
        return ms / 1000
    at = datetime.fromtimestamp(ms / 1000, UTC).astimezone(CITY_ZONE)
    return at.strftime(_FORMATS[key])[: 23 if key == "YCRQ" else 14]


def mapping_body(key: str, tiles: int = 1) -> dict[str, Any]:
    """Return the mapping of a demo enterprise's words."""
    rt, alm = _RT[key], _ALM[key]
    point: Any = {"from": rt["point"], "replace": {"YCRQ": [["#", "."]], "KFQRQ": [["KFQ:", ""]]}.get(key, [])}
    points = {}
    if key == "JBRQ":
        points = {their_point(key, code): code for tile in range(tiles) for code in point_codes(key, tile)}
        point = rt["point"]
    alarm_point: Any = point | {"from": alm["point"]} if isinstance(point, dict) else alm["point"]
    return {
        "format": 1,
        "name": {"YCRQ": "云川调度平台 V5", "JBRQ": "JB-SCADA 2.1", "KFQRQ": "开发区DCS导出"}[key],
        "time": {"JBRQ": "s"}.get(key, _FORMATS.get(key)),
        "offset": "+08:00",
        "datasets": {
            "RT": {
                "fields": {
                    "point": point,
                    "t": rt["t"],
                    "v": rt["v"],
                    "q": {"from": rt["q"], "words": quality_words(key)},
                    "f": {"from": rt["f"], "words": _FLAGS[key]},
                },
                "points": points,
                "units": dict(UNITS[key]),
            },
            "ALM": {
                "fields": {name: theirs for name, theirs in alm.items() if name not in ("point", "kind", "level")}
                | {
                    "point": alarm_point,
                    "kind": {"from": alm["kind"], "words": kind_words(key)},
                    "level": {"from": alm["level"], "words": level_words(key)},
                }
            },
        },
    }


def save_words(
    session: Session, enterprises: Mapping[str, int], folder: Path, *, tiles: int, now: datetime, actor: Actor
) -> None:
    """Save the mapping of each demo enterprise, and mark beside its key that its program speaks its own words."""
    for key, enterprise_id in enterprises.items():
        file = json.dumps(mapping_body(key, tiles), ensure_ascii=False).encode()
        save_mapping(session, enterprise_id, file, note="演示企业自有写法", valid_from=now, actor=actor)
        (folder / f"{key}.words").write_text("own\n", encoding="utf-8")

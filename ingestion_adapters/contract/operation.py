"""RT and ALM: what the control systems measure and what they cry out."""

from __future__ import annotations

from typing import Annotated, Literal

from ingestion_adapters.contract.base import Code, Instant, Lat, Lon, Record, Text, coded, said


class Reading(Record, kw_only=True, frozen=True):
    """RT: one reading of one point; key point and time."""

    point: Annotated[Code, said("测点编号", "Point code")]
    t: Instant
    v: Annotated[float, said("数值", "Value")]
    q: Annotated[int, coded("quality", "质量码", "Quality code")] = 192
    f: Annotated[
        Literal["N", "B", "M", "E", "R"],
        said("标志：N 原始 B 补传 M 人工 E 估计 R 修正", "N native, B back-filled, M manual, E estimated, R revised"),
    ] = "N"


class AlarmPush(Record, kw_only=True, frozen=True):
    """ALM: an alarm of the enterprise's own system and, in later messages, what became of it; key `alarm_no`."""

    alarm_no: Annotated[Code, said("报警编号", "Alarm number")]
    kind: Annotated[int, coded("alarm_kind", "报警类型", "Alarm kind")]
    level: Annotated[int, coded("alarm_level", "级别", "Level")]
    raised_at: Annotated[Instant, said("发生时间", "Raised at")]
    point: Annotated[Code | None, said("测点编号", "Point code")] = None
    object_code: Annotated[Code | None, said("对象编号", "Object code")] = None
    value: Annotated[float | None, said("数值", "Value")] = None
    limit: Annotated[float | None, said("限值", "Limit")] = None
    text: Annotated[Text | None, said("描述", "Description")] = None
    cleared_at: Annotated[Instant | None, said("恢复时间", "Cleared at")] = None
    disposal: Annotated[Text | None, said("处置情况", "What was done")] = None
    lon: Lon | None = None
    lat: Lat | None = None

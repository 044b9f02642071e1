"""Whether the fields of one record agree with each other: rules with a number, pure.

A rule answers with the first breach it finds. Times are compared only when both are known. What a
state needs (an end, a closing date) is missed only when it is null: a field left out may be known
from an earlier message, and the store asks again with that filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import UNSET

from ingestion_adapters.contract.emergency import Drill, EmergencyPlan, EmergencySupply, EmergencyTeam, Incident
from ingestion_adapters.contract.enterprise import Certificate
from ingestion_adapters.contract.safety import HiddenDanger, HouseholdCheck, Patrol, WorksOperation, WorksSite
from ingestion_adapters.contract.supply import MonthlyReport
from ingestion_adapters.contract.times import instant_of

CITY_ZONE = ZoneInfo("Asia/Shanghai")
MAJOR, CLOSED_OUT = 3, 8
WORKS_GUARDED, WORKS_COMPLETED, WORKS_SIGNED_OFF = 5, 6, 7
PATROL_COMPLETED = 3
PASSED, DANGERS_FOUND = 1, 2
PLANNED_STOP, RESPONSE_ENDED = 3, 7
DRILL_HELD, DRILL_ASSESSED = 2, 3
# 国务院令493号 art.3: from how many dead, seriously injured and lost 万元 on a grade holds.
GRADES = ((1, 30, 100, 10_000.0), (2, 10, 50, 5_000.0), (3, 3, 10, 1_000.0))


@dataclass(frozen=True)
class Breach:
    """A rule that a record breaks: the field to blame, the code, the rule's number, and words."""

    field: str
    code: str
    rule: str
    zh: str
    en: str


Breaches = Iterator[Breach | None]


def breach_of(record: object) -> Breach | None:
    """Return the first rule a record breaks; None when its fields agree."""
    rules = RULES.get(type(record))
    return next((found for found in rules(record) if found is not None), None) if rules else None


def known(record: Any, field: str) -> Any:
    """Return a field's value; None when it was left out or is unknown."""
    value = getattr(record, field)
    return None if value is UNSET else value


def _at(record: Any, field: str) -> datetime | None:
    value = known(record, field)
    return instant_of(value) if isinstance(value, str | int) else value


def _day(record: Any, field: str) -> date | None:
    """Return the day of a field in the city: a date as it is, an instant by the city's clock."""
    value = known(record, field)
    if isinstance(value, datetime) or not isinstance(value, date | None):
        at = _at(record, field)
        return at.astimezone(CITY_ZONE).date() if at else None
    return value


def _in_order(record: Any, first: str, then: str, rule: str) -> Breach | None:
    a, b = _at(record, first), _at(record, then)
    if a is None or b is None or a <= b:
        return None
    return Breach(then, "E_TIME", rule, f"“{then}”早于“{first}”", f"{then} lies before {first}")


def _days_in_order(record: Any, first: str, then: str, rule: str) -> Breach | None:
    a, b = _day(record, first), _day(record, then)
    if a is None or b is None or a <= b:
        return None
    return Breach(then, "E_TIME", rule, f"“{then}”早于“{first}”", f"{then} lies before {first}")


def _needs(record: Any, met: bool, field: str, rule: str, words: tuple[str, str]) -> Breach | None:
    """Return a breach when the condition is met and the field is unknown; one left out may be known already."""
    value = getattr(record, field)
    if not met or value is UNSET or value not in (None, "", []):
        return None
    zh, en = words
    return Breach(field, "E_RANGE", rule, zh, en)


def _part(record: Any, part: str, whole: str, rule: str) -> Breach | None:
    """Return a breach when a part is larger than its whole."""
    a, b = known(record, part), known(record, whole)
    if a is None or b is None or a <= b:
        return None
    return Breach(part, "E_RANGE", rule, f"“{part}”大于“{whole}”", f"{part} is larger than {whole}")


def _both_or_none(record: Any, rule: str = "PLC-1") -> Breach | None:
    if (known(record, "lon") is None) == (known(record, "lat") is None):
        return None
    return Breach("lon", "E_RANGE", rule, "经度和纬度须同时给出", "Longitude and latitude go together")


def _danger(each: HiddenDanger) -> Breaches:
    yield _both_or_none(each)
    yield _days_in_order(each, "found_at", "deadline", "HAZ-1")
    yield _in_order(each, "found_at", "rectified_at", "HAZ-2")
    yield _in_order(each, "rectified_at", "verified_at", "HAZ-2")
    yield _in_order(each, "found_at", "closed_at", "HAZ-2")
    yield _in_order(each, "rectified_at", "closed_at", "HAZ-2")
    closed = each.status == CLOSED_OUT
    yield _needs(
        each, closed, "closed_at", "HAZ-3", ("已销号的隐患缺少销号时间", "A closed-out danger has no closing time")
    )
    if not closed and known(each, "closed_at") is not None:
        yield Breach(
            "status", "E_RANGE", "HAZ-3", "有销号时间但状态不是已销号", "It has a closing time but is not closed out"
        )
    major = each.level == MAJOR
    yield _needs(each, major, "measures", "HAZ-4", ("重大隐患缺少整改措施", "A major hidden danger states no measures"))
    yield _needs(each, major, "deadline", "HAZ-5", ("重大隐患缺少整改期限", "A major hidden danger states no deadline"))
    if not major and known(each, "major_item") is not None:
        words = ("填了重大隐患判定条款但等级不是重大", "It names a criterion of a major danger but is not graded major")
        yield Breach("level", "E_RANGE", "HAZ-6", *words)


def _works(each: WorksSite) -> Breaches:
    yield _both_or_none(each)
    if each.lon is None and each.object_code is None:
        yield Breach("lon", "E_RANGE", "EXC-1", "施工点须有坐标或对象编号", "A works site needs a place or an object")
    yield _days_in_order(each, "begins_on", "ends_on", "EXC-2")
    yield _in_order(each, "found_at", "completed_at", "EXC-3")
    yield _in_order(each, "completed_at", "closed_at", "EXC-3")
    done = each.status in (WORKS_COMPLETED, WORKS_SIGNED_OFF)
    yield _needs(
        each, done, "completed_at", "EXC-4", ("已完工的施工点缺少完工时间", "Completed works have no completion time")
    )
    off = each.status == WORKS_SIGNED_OFF
    yield _needs(
        each, off, "closed_at", "EXC-4", ("已销项的施工点缺少销项时间", "Signed-off works have no closing time")
    )
    if each.status == WORKS_GUARDED and known(each, "guarded") is False:
        yield Breach(
            "guarded", "E_RANGE", "EXC-5", "状态为监护但无人监护", "The state says guarded, the field says not"
        )
    for operation in known(each, "operations") or ():
        yield from _operation(operation)


def _operation(each: WorksOperation) -> Breaches:
    yield _in_order(each, "begun_at", "ended_at", "EXC-6")


def _patrol(each: Patrol) -> Breaches:
    yield _both_or_none(each)
    yield _in_order(each, "begun_at", "ended_at", "PAT-1")
    done = each.status == PATROL_COMPLETED
    yield _needs(each, done, "ended_at", "PAT-2", ("已完成的任务缺少结束时间", "A completed patrol has no end"))
    yield _part(each, "valid_km", "patrolled_km", "PAT-3")
    yield _part(each, "points_done_n", "points_planned_n", "PAT-4")


def _check(each: HouseholdCheck) -> Breaches:
    parts = ("environment_ok", "pipe_ok", "meter_ok", "appliance_ok", "safety_device_ok", "tightness_ok")
    found = known(each, "hazards_n")
    yield _part(each, "fixed_n", "hazards_n", "CHK-1")
    if each.result == PASSED and (found or any(known(each, part) is False for part in parts)):
        yield Breach(
            "result",
            "E_RANGE",
            "CHK-2",
            "结果合格但有隐患或不合格项",
            "It passed, yet dangers or failed parts are stated",
        )
    if each.result == DANGERS_FOUND and found == 0:
        yield Breach(
            "hazards_n", "E_RANGE", "CHK-3", "结果有隐患但隐患数为0", "Dangers were found, yet their number is 0"
        )
    yield _days_in_order(each, "checked_at", "next_check_on", "CHK-4")


def _incident(each: Incident) -> Breaches:
    yield _both_or_none(each)
    steps = ("occurred_at", "dispatched_at", "arrived_at", "isolated_at", "repaired_at", "restored_at", "ended_at")
    stated = [step for step in steps if known(each, step) is not None]
    if each.sort != PLANNED_STOP:
        for first, then in zip(stated, stated[1:], strict=False):
            yield _in_order(each, first, then, "EVT-1")
        yield _in_order(each, "occurred_at", "verified_at", "EVT-1")
    planned = each.sort == PLANNED_STOP
    yield _needs(
        each, planned, "planned_end_at", "EVT-2", ("计划停气缺少计划恢复时间", "A planned stop states no planned end")
    )
    yield _in_order(each, "occurred_at", "planned_end_at", "EVT-3")
    ended = each.status >= RESPONSE_ENDED
    yield _needs(each, ended, "ended_at", "EVT-4", ("响应已终止但缺少终止时间", "The response ended but states no end"))
    yield _casualties(each)
    yield _grade(each)


def _casualties(each: Incident) -> Breach | None:
    whole = known(each, "casualties_n")
    parts = [known(each, name) for name in ("dead_n", "missing_n", "serious_n", "light_n", "poisoned_n")]
    total = sum(part for part in parts if part is not None)
    complete = all(part is not None for part in parts)
    if whole is None or total == whole or (total < whole and not complete):
        return None
    words = (
        f"伤亡合计 {whole} 与分项之和 {total} 不符",
        f"Casualties in all ({whole}) do not agree with their parts ({total})",
    )
    return Breach("casualties_n", "E_RANGE", "EVT-5", *words)


def _grade(each: Incident) -> Breach | None:
    """Return a breach when the stated grade is milder than the casualties or the loss ask for."""
    stated = known(each, "grade")
    dead = (known(each, "dead_n") or 0) + (known(each, "missing_n") or 0)
    hurt = (known(each, "serious_n") or 0) + (known(each, "poisoned_n") or 0)
    loss = known(each, "loss_wan") or 0.0
    for grade, least_dead, least_hurt, least_loss in GRADES:
        if dead >= least_dead or hurt >= least_hurt or loss >= least_loss:
            if stated is None or stated <= grade:
                return None
            words = (f"按伤亡或损失至少为 {grade} 级", f"Casualties or loss make it at least grade {grade}")
            return Breach("grade", "E_RANGE", "EVT-6", *words)
    return None


def _drill(each: Drill) -> Breaches:
    yield _both_or_none(each)
    yield _in_order(each, "held_at", "ended_at", "DRL-1")
    held = each.status in (DRILL_HELD, DRILL_ASSESSED)
    yield _needs(each, held, "held_at", "DRL-2", ("已举行的演练缺少开始时间", "A drill that was held has no begin"))
    assessed = each.status == DRILL_ASSESSED
    yield _needs(each, assessed, "score", "DRL-3", ("已评估的演练缺少评分", "An assessed drill has no score"))
    yield _part(each, "improved_n", "problems_n", "DRL-4")


def _plan(each: EmergencyPlan) -> Breaches:
    yield _days_in_order(each, "effective_on", "expires_on", "PLN-1")
    filed = known(each, "filed") is True
    yield _needs(each, filed, "filed_on", "PLN-2", ("已备案的预案缺少备案日期", "A filed plan has no filing date"))


def _placed(each: EmergencySupply) -> Breaches:
    yield _both_or_none(each)


def _team(each: EmergencyTeam) -> Breaches:
    yield _both_or_none(each)
    yield _part(each, "on_duty_n", "headcount_n", "TEA-1")


def _certificate(each: Certificate) -> Breaches:
    yield _days_in_order(each, "issued_on", "expires_on", "ENT-1")


_PARTS_OF_MONTH = (
    ("users_checked_n", "users_to_check_n"),
    ("dangers_on_time_n", "dangers_due_n"),
    ("major_done_n", "major_due_n"),
    ("leaks_on_time_n", "leaks_n"),
    ("detectors_working_n", "detectors_due_n"),
    ("calls_on_time_n", "calls_n"),
    ("events_on_time_n", "events_n"),
    ("repairs_on_time_n", "repairs_n"),
    ("complaints_on_time_n", "complaints_n"),
    ("staff_certified_n", "staff_to_train_n"),
)


def _month(each: MonthlyReport) -> Breaches:
    for part, whole in _PARTS_OF_MONTH:
        yield _part(each, part, whole, "MTH-1")


RULES: dict[type, Callable[[Any], Breaches]] = {
    HiddenDanger: _danger,
    WorksSite: _works,
    WorksOperation: _operation,
    Patrol: _patrol,
    HouseholdCheck: _check,
    Incident: _incident,
    Drill: _drill,
    EmergencyPlan: _plan,
    EmergencySupply: _placed,
    EmergencyTeam: _team,
    Certificate: _certificate,
    MonthlyReport: _month,
}

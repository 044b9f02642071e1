"""The pure rules of the desk: states after ISA-18.2, one cause for many alarms, floods, bands, escalation."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from portal.core.clock import CITY_ZONE
from portal.operation.alarms.models import AlarmNow
from portal.operation.alarms.services import Happening, apply_event, condition_of
from portal.operation.alarms.states import (
    BEGIN_OF_HOLD,
    END_OF_HOLD,
    Condition,
    comes_through,
    latches,
    refusal,
    state_in,
)
from portal.operation.desk.figures import Hour
from portal.operation.desk.pictures import mix_picture, rate_picture
from portal.operation.desk.rules import Figures, Standing, band_of, chatters, distance_m, floods, joined
from portal.operation.escalation.rules import (
    Step,
    pause_after,
    plain_mail_address,
    plain_web_address,
    state_after,
    steps_due,
    week_of,
)

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
FIGURES = Figures()


def minutes(*given: float) -> list[datetime]:
    """Return instants so many minutes after NOW."""
    return [NOW + timedelta(minutes=each) for each in given]


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        (Condition(), 1),
        (Condition(acknowledged=True), 2),
        (Condition(cleared=True), 3),
        (Condition(cleared=True, acknowledged=True), 4),
        (Condition(cleared=True, latched=True), 5),
        (Condition(cleared=True, acknowledged=True, latched=True), 6),
        (Condition(hold=1), 7),
        (Condition(cleared=True, acknowledged=True, hold=2), 8),
        (Condition(acknowledged=True, hold=3), 9),
        (Condition(hold=4), 10),
    ],
)
def test_the_state_follows_from_what_is_true(condition: Condition, state: int) -> None:
    assert state_in(condition) == state


@pytest.mark.clause("7.2.7.3-3")
def test_an_alarm_is_closed_only_when_over_seen_judged_and_recorded() -> None:
    whole = {"acknowledged": True, "cleared": True, "judged": True, "recorded": True}
    assert refusal("close", Condition(**whole)) is None
    missing = {
        "acknowledged": "alarm_not_acknowledged",
        "cleared": "alarm_still_active",
        "judged": "alarm_not_judged",
        "recorded": "alarm_not_recorded",
    }
    for part, code in missing.items():
        assert refusal("close", Condition(**whole | {part: False})) == code
    assert refusal("close", Condition(**whole, latched=True)) == "alarm_latched"
    assert refusal("close", Condition(**whole, hold=1)) == "alarm_held"
    assert refusal("acknowledge", Condition(**whole, closed=True)) == "alarm_closed"


def test_only_grave_gas_latches_and_only_shelving_lets_a_graver_alarm_through() -> None:
    assert latches(16, 1, 1)
    assert not latches(16, 2, 1)
    assert not latches(11, 1, 1)
    assert not latches(16, 1, 0)
    assert comes_through(1, 2, 1)
    assert not comes_through(1, 2, 2)
    assert not comes_through(4, 2, 1)


def test_no_walk_of_transitions_reaches_an_illegal_state() -> None:
    chance = random.Random(20261125)
    holds = [*BEGIN_OF_HOLD.values(), *END_OF_HOLD.values()]
    actions = ["escalate", "acknowledge", "clear", "judge", "latch", "reset", "group", "ungroup", *holds]
    for _ in range(300):
        alarm = AlarmNow(alarm_id=1, kind=16, level=3, state=1, verdict=0, latched=False)
        for step in range(20):
            action = chance.choice(actions)
            apply_event(alarm, Happening(action, NOW, level=chance.randint(1, 4), verdict=1, ref_id=step), who="x")
            assert alarm.state == state_in(condition_of(alarm))
            assert 1 <= alarm.level <= 3
            assert (alarm.state >= 7) == (alarm.hold is not None)
            if alarm.state == 4:
                assert alarm.cleared_at
                assert alarm.acknowledged_at


def standing(number: int, minute: float, **more: object) -> Standing:
    """Return an alarm of one enterprise at a place of its own."""
    values = {"kind": 11, "level": 2, "object_code": f"O{number}", "lon_lat": (112.0 + number, 32.0)}
    return Standing(number, 1, raised_at=minutes(minute)[0], **values | more)  # type: ignore[arg-type]


def test_what_is_silent_behind_one_outage_goes_under_its_alarm() -> None:
    found = joined(
        [standing(1, 0, kind=20), *(standing(n, n, kind=21, silent_root_id=1) for n in range(2, 40))], FIGURES
    )
    assert len(found) == 38
    assert {each.root_id for each in found} == {1}
    assert {each.why for each in found} == {"silence"}


def test_same_object_and_neighbours_go_under_the_first_and_no_group_is_nested() -> None:
    first = standing(1, 0, object_code="A", lon_lat=(112.5, 32.0))
    same = standing(2, 20, object_code="A", lon_lat=None)
    late = standing(3, 45, object_code="A", lon_lat=None)
    near = standing(4, 5, kind=16, lon_lat=(112.501, 32.0))
    far = standing(5, 5, kind=16, lon_lat=(112.6, 32.0))
    found = {each.alarm_id: (each.root_id, each.why) for each in joined([first, same, late, near, far], FIGURES)}
    assert found == {2: (1, "object"), 4: (1, "near")}
    assert 90 < distance_m((112.5, 32.0), (112.501, 32.0)) < 100


def test_an_alarm_that_stands_for_others_is_not_put_under_another() -> None:
    root = standing(2, 1, object_code="A")
    assert joined([standing(1, 0, object_code="A"), root, standing(3, 2, root_id=2)], FIGURES) == []


def test_more_than_ten_in_ten_minutes_is_one_flood() -> None:
    calm = minutes(*range(0, 100, 10))
    storm = [minutes(200)[0] + timedelta(seconds=10 * each) for each in range(30)]
    assert floods(calm, FIGURES) == []
    (flood,) = floods(calm + storm, FIGURES)
    assert (flood.alarms, flood.most_in_window, flood.begin, flood.end) == (30, 30, storm[0], storm[-1])
    assert floods(storm[:10], FIGURES) == []
    assert len(floods(storm + [each + timedelta(hours=2) for each in storm], FIGURES)) == 2


def test_chattering_and_bands() -> None:
    assert chatters(minutes(0, 5, 29), FIGURES)
    assert not chatters(minutes(0, 5, 36), FIGURES)
    assert [band_of(rate, FIGURES) for rate in (6, 6.1, 12, 12.1)] == ["acceptable", "manageable", "manageable", "overloaded"]


def test_the_picture_of_rates_keeps_every_alarm_and_stays_inside() -> None:
    hours = [Hour(NOW + timedelta(hours=each), each % 20, 0, 0, 1 + each % 2) for each in range(720)]
    picture = rate_picture(hours, FIGURES)
    assert len(picture.bars) <= 168
    assert sum(bar.alarms for bar in picture.bars) == sum(each.alarms for each in hours)
    assert all(0 <= bar.y <= bar.y + bar.height <= picture.base + 0.1 for bar in picture.bars)
    shares = mix_picture({"critical": 0.5, "major": 0.25, "minor": 0.25}, FIGURES)
    assert [(each.percent, each.aim) for each in shares] == [(50, 5), (25, 15), (25, 80)]


def test_steps_come_in_order_once_and_end_with_the_acknowledgement() -> None:
    steps = [Step(1, 0, 0, 1, ("screen",)), Step(1, 1, 5, 2, ("email",)), Step(2, 0, 0, 1, ("screen",))]
    waited = timedelta(minutes=6)
    due = steps_due(steps, level=1, waited=waited, done=[0], acknowledged=False)
    assert [each.step for each in due] == [1]
    assert steps_due(steps, level=1, waited=timedelta(0), done=[0], acknowledged=False) == []
    assert steps_due(steps, level=1, waited=waited, done=[], acknowledged=True) == []


def test_an_unsent_word_waits_longer_each_time_until_a_person_must_look() -> None:
    assert [pause_after(each).seconds for each in (1, 2, 3, 99)] == [15, 30, 60, 1800]
    assert state_after(sent=True, attempts=1, most=3) == "sent"
    assert state_after(sent=False, attempts=2, most=3) == "waiting"
    assert state_after(sent=False, attempts=3, most=3) == "failed"


def test_only_plain_addresses_are_taken() -> None:
    assert plain_mail_address(" a@b.example ") == "a@b.example"
    for wrong in ("a@b@c", "a b@c", "a@b\r\nBcc: x@y", "", "@b", "a@", "<a@b>"):
        assert plain_mail_address(wrong) is None
    assert plain_web_address("http://10.0.0.5:8080/hook")
    for wrong in ("ftp://a", "http://u:p@a/", "http://a/#x", "http://", "javascript:alert(1)", "http://a b"):
        assert not plain_web_address(wrong)


def test_a_week_begins_on_monday() -> None:
    week = week_of(NOW.astimezone(CITY_ZONE).date())
    assert (week[0].isoweekday(), len(week), week[-1] - week[0]) == (1, 7, timedelta(days=6))

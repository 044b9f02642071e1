"""The demo's live programs: due readings, alarms that begin and end, answers to orders."""

from __future__ import annotations

import msgspec

from ingestion_adapters.checks import Finding, judge_row
from ingestion_adapters.demo.duty import ControlRoom, answer_delay_s, reply_text
from ingestion_adapters.demo.episodes import LIVE_SLOT_MS, live_excursion
from ingestion_adapters.demo.history import value_at
from ingestion_adapters.demo.points import first_index, plans_of

NOW_S = 1_795_600_200


def test_every_point_reads_once_a_minute() -> None:
    room = ControlRoom("JBRQ")
    list(room.readings(NOW_S))
    seen = [reading.point for step in range(3, 63, 3) for reading in room.readings(NOW_S + step)]
    assert len(seen) == len(set(seen))
    assert len(plans_of("JBRQ")) - 60 <= len(seen) <= len(plans_of("JBRQ"))


def test_live_readings_are_those_of_history_and_pass_the_checks() -> None:
    room = ControlRoom("KFQRQ")
    list(room.readings(NOW_S))
    number = {code: first_index("KFQRQ") + row for row, code in enumerate(room.codes)}
    trouble = {live_excursion(NOW_S * 1000 // LIVE_SLOT_MS + k).point_index for k in (-1, 0, 1)}
    for index, reading in enumerate(room.readings(NOW_S + 5)):
        assert not isinstance(judge_row(msgspec.to_builtins(reading), index, "RT"), Finding)
        if number[reading.point] not in trouble and reading.f == "N":
            assert reading.v == value_at(number[reading.point], int(reading.t)).value


def test_a_long_pause_is_not_caught_up_without_end() -> None:
    room = ControlRoom("KFQRQ")
    list(room.readings(NOW_S))
    assert len(list(room.readings(NOW_S + 86_400))) <= 2 * len(plans_of("KFQRQ")) + 60


def test_about_six_alarms_an_hour_each_with_its_end() -> None:
    rooms = [ControlRoom(key) for key in ("YCRQ", "JBRQ", "KFQRQ")]
    pushed = [
        a for s in range(0, 7200, 10) for room in rooms for a in room.alarms((NOW_S + s) * 1000)
    ]
    begun = {alarm.alarm_no for alarm in pushed if alarm.cleared_at is None}
    ended = {alarm.alarm_no for alarm in pushed if alarm.cleared_at is not None}
    assert 9 <= len(begun) <= 20
    assert ended <= begun
    assert len(begun - ended) <= 4
    for index, alarm in enumerate(pushed):
        assert not isinstance(judge_row(msgspec.to_builtins(alarm), index, "ALM"), Finding)


def test_an_alarming_reading_is_beyond_the_limit_the_alarm_names() -> None:
    slot = NOW_S * 1000 // LIVE_SLOT_MS
    episode = live_excursion(slot)
    rooms = [ControlRoom(key) for key in ("YCRQ", "JBRQ", "KFQRQ")]
    room = next(room for room in rooms if episode.point_index in room.index)
    middle_s = (episode.begin_ms + episode.end_ms) // 2000
    alarm = next(a for a in room.alarms(middle_s * 1000) if a.raised_at >= episode.begin_ms)
    list(room.readings(middle_s - 30))
    values = [r.v for r in room.readings(middle_s + 30) if r.point == alarm.point]
    assert values
    assert alarm.limit is not None
    if episode.kind == "low":
        assert min(values) < alarm.limit
    else:
        assert max(values) > alarm.limit


def test_an_order_is_answered_after_a_while_in_words() -> None:
    for number in ("1", "20991", "DD202611250001"):
        assert 25 <= answer_delay_s(number) <= 90
        assert "甲烷" in reply_text(number, "浓度超限 青石街") or "阀井" in reply_text(
            number, "浓度超限"
        )
        assert "调压" in reply_text(number, "压力超限 X") or "整定" in reply_text(
            number, "压力超限 X"
        )

"""One demo enterprise's control room: readings due, alarms that begin and end, replies."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ingestion_adapters.contract import AlarmPush, Reading
from ingestion_adapters.demo.demand import hashed, unit_of
from ingestion_adapters.demo.episodes import (
    HIGH,
    LEAK,
    LIVE_SLOT_MS,
    LOW_SIDE,
    Episode,
    city_points,
    episodes_between,
    live_excursion,
)
from ingestion_adapters.demo.frame import checked_scale
from ingestion_adapters.demo.history import BACKFILLED, apply_episode, values_at
from ingestion_adapters.demo.identity import enterprise_named
from ingestion_adapters.demo.points import GAS, POINTS_A_TILE, first_index, plans_of, point_codes

PRESSURE_ALARM, GAS_ALARM = 11, 16
CRITICAL, MAJOR = 1, 2
_FLAGS = {0: "N", 1: "B"}
_MAX_CATCH_UP_S = 120
_ALARMING = (LEAK, HIGH, LOW_SIDE)
_DISPOSALS = {
    LEAK: "现场检测确认阀井内法兰渗漏，已紧固密封并通风，复测浓度为零",
    HIGH: "调压器切换至备用路运行，出口压力已恢复正常",
    LOW_SIDE: "清洗过滤器并调整设定值，出口压力已恢复正常",
}
_GAS_REPLIES = (
    "抢修人员已到现场，对阀井强制通风并设置警戒；检出法兰渗漏，已紧固密封，复测浓度为零，安排24小时后复测。",
    "现场检测甲烷浓度已降至正常，渗漏点处理完毕并完成周边窨井排查，未发现扩散，申请核查。",
)
_OTHER_REPLIES = (
    "已到现场核查：调压设备主路故障，已切换备用路，压力恢复正常，主路检修完毕，申请核查。",
    "已清洗过滤器并重新整定，设备运行平稳，监测数据正常，申请核查。",
)
_GAS_WORDS = ("甲烷", "浓度", "可燃气体", "泄漏")


@dataclass
class ControlRoom:
    """The state of one enterprise's live program; pure apart from what it remembers."""

    key: str
    scale: int = 1
    period_s: int = 60
    index: np.ndarray = field(init=False)
    codes: list[str] = field(init=False)
    active: dict[Episode, AlarmPush] = field(default_factory=dict)
    held: list[tuple[int, int, Reading]] = field(default_factory=list)
    last_s: int = 0

    def __post_init__(self) -> None:
        count = len(plans_of(self.key))
        tiles = range(checked_scale(self.scale))
        self.index = np.concatenate([np.arange(count) + first_index(self.key, tile) for tile in tiles])
        self.codes = [code for tile in tiles for code in point_codes(self.key, tile)]
        self._phase = (hashed(self.index, 31) % np.uint64(self.period_s)).astype(np.int64)
        self._serial = itertools.count()

    def _troubles(self, begin_ms: int, end_ms: int) -> list[Episode]:
        """Return the live excursions and planned episodes of own points that touch a span."""
        slot = begin_ms // LIVE_SLOT_MS
        live = [live_excursion(int(number)) for number in (slot - 1, slot, slot + 1)]
        planned = [e for tile in range(self.scale) for e in episodes_between(begin_ms, end_ms, tile)]
        return [
            episode
            for episode in (*live, *planned)
            if episode.kind in _ALARMING
            and episode.begin_ms < end_ms
            and episode.end_ms > begin_ms
            and self._row(episode.point_index) >= 0
        ]

    def _row(self, point_index: int) -> int:
        row = int(np.searchsorted(self.index, point_index))
        return row if row < len(self.index) and self.index[row] == point_index else -1

    def readings(self, now_s: int) -> Iterator[Reading]:
        """Yield the readings due since the last call, and held-back ones whose time has come."""
        start = max(self.last_s or now_s - 1, now_s - _MAX_CATCH_UP_S)
        self.last_s = now_s
        for second in range(start + 1, now_s + 1):
            yield from self._at_second(second)
        while self.held and self.held[0][0] <= now_s:
            yield heapq.heappop(self.held)[2]

    def _at_second(self, second: int) -> Iterator[Reading]:
        due = np.nonzero(self._phase == second % self.period_s)[0]
        if not len(due):
            return
        t_ms = np.array([second * 1000], np.int64)
        value, quality, flag, delay_s, present = values_at(self.index[due], t_ms)
        rows = {int(self.index[row]): place for place, row in enumerate(due)}
        for episode in self._troubles(second * 1000, second * 1000 + 1):
            place = rows.get(episode.point_index)
            if place is not None and episode == live_excursion(episode.begin_ms // LIVE_SLOT_MS):
                apply_episode(value[place], t_ms, episode)
        for place, row in enumerate(due.tolist()):
            if not present[place, 0]:
                continue
            reading = Reading(
                point=self.codes[row],
                t=second * 1000,
                v=round(float(value[place, 0]), 4),
                q=int(quality[place, 0]),
                f=_FLAGS[int(flag[place, 0])],  # type: ignore[arg-type]
            )
            if flag[place, 0] == BACKFILLED:
                heapq.heappush(self.held, (second + int(delay_s[place, 0]), next(self._serial), reading))
            else:
                yield reading

    def alarms(self, now_ms: int) -> Iterator[AlarmPush]:
        """Yield alarms that begin now and, for those that end, the update with what was done."""
        going_on = self._troubles(now_ms, now_ms + 1)
        for episode in going_on:
            if episode in self.active or self._swelling(episode, now_ms):
                continue
            self.active[episode] = self._alarm(episode)
            yield self.active[episode]
        for episode in [known for known in self.active if known.end_ms <= now_ms]:
            yield self._cleared(self.active.pop(episode), episode)

    @staticmethod
    def _swelling(episode: Episode, now_ms: int) -> bool:
        return now_ms < episode.begin_ms + (episode.end_ms - episode.begin_ms) // 5

    def _alarm(self, episode: Episode) -> AlarmPush:
        plan = city_points()[episode.point_index % POINTS_A_TILE]
        _, low, high, high_high = plan.limits
        limit, side = (low, "低于") if episode.kind == LOW_SIDE else (high, "高于")
        gravest = plan.measure == GAS and high_high is not None and episode.size >= high_high
        at_ms = episode.begin_ms + (episode.end_ms - episode.begin_ms) // 5
        return AlarmPush(
            alarm_no=enterprise_named(self.key).naming.alarm(episode.begin_ms, episode.point_index),
            kind=GAS_ALARM if plan.measure == GAS else PRESSURE_ALARM,
            level=CRITICAL if gravest else MAJOR,
            raised_at=at_ms,
            point=self.codes[self._row(episode.point_index)],
            value=episode.size,
            limit=limit,
            text=f"{plan.what}{side}限值{limit}{plan.unit}",
        )

    @staticmethod
    def _cleared(alarm: AlarmPush, episode: Episode) -> AlarmPush:
        return AlarmPush(
            alarm_no=alarm.alarm_no,
            kind=alarm.kind,
            level=alarm.level,
            raised_at=alarm.raised_at,
            point=alarm.point,
            value=alarm.value,
            limit=alarm.limit,
            text=alarm.text,
            cleared_at=episode.end_ms,
            disposal=_DISPOSALS[episode.kind],
        )


def answer_delay_s(order_id: str) -> float:
    """Return how long the officer takes to answer an order: 25 to 90 s, fixed by its id."""
    return 25 + 65 * float(unit_of(hashed(*_bytes_of(order_id))))


def reply_text(order_id: str, title: str) -> str:
    """Return what the officer answers to an order, in the words of its subject."""
    replies = _GAS_REPLIES if any(word in title for word in _GAS_WORDS) else _OTHER_REPLIES
    return replies[int(hashed(*_bytes_of(order_id), 3) % np.uint64(len(replies)))]


def _bytes_of(text: str) -> list[int]:
    raw = text.encode()
    return [int.from_bytes(raw[start : start + 7], "big") for start in range(0, max(len(raw), 1), 7)]

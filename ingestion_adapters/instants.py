"""Times of many rows at once: the usual ISO 8601 forms through a byte matrix, odd ones one by one; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.checks import instant_ms

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_FEW_TIMES = 8
_WIDTHS = (20, 24, 25, 29)
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_DATE_TIME = ((4, ord("-")), (7, ord("-")), (10, ord("T")), (13, ord(":")), (16, ord(":")))


class ReadTimes(list[Any]):
    """Times of a batch with what they were read as, so that they are read once."""

    def __init__(self, values: Sequence[Any]) -> None:
        """Keep the times and read them."""
        super().__init__(values)
        self.read = instants_ms(list(self))


def instants_ms(values: Sequence[Any]) -> tuple[Numbers, Flags]:
    """Return ms since the epoch of each time, and whether it could be read."""
    if isinstance(values, ReadTimes):
        return values.read
    if isinstance(values, np.ndarray):
        return values.astype(np.int64), np.ones(values.size, bool)
    if len(values) > _FEW_TIMES:
        # One scan of a telemetry system gives all its points the same time.
        places = {value: place for place, value in enumerate(dict.fromkeys(values))} if _all_texts(values) else None
        if places is not None and len(places) <= len(values) // _FEW_TIMES:
            ms, done = _each_ms(list(places))
            which = np.fromiter(map(places.__getitem__, values), np.int64, len(values))
            return ms[which], done[which]
    return _each_ms(values)


def _all_texts(values: Sequence[Any]) -> bool:
    return {*map(type, values)} == {str}


def _each_ms(values: Sequence[Any]) -> tuple[Numbers, Flags]:
    size = len(values)
    ms, done = np.zeros(size, np.int64), np.zeros(size, bool)
    if size <= _FEW_TIMES:
        return _one_by_one(values, ms, done)
    try:
        table = np.array(values, dtype="S") if _all_texts(values) else None
    except UnicodeEncodeError:
        table = None
    if table is not None and table.itemsize in _WIDTHS:
        ms, done = _matrix_ms(table.view(np.uint8).reshape(size, table.itemsize))
    return _one_by_one(values, ms, done)


def _one_by_one(values: Sequence[Any], ms: Numbers, done: Flags) -> tuple[Numbers, Flags]:
    """Fill in the times that are not done."""
    for index in np.flatnonzero(~done).tolist():
        found = instant_ms(values[index])
        if found is not None:
            ms[index], done[index] = found, True
    return ms, done


def _number(table: Bytes, start: int, size: int, good: Flags) -> Numbers:
    total = np.zeros(table.shape[0], np.int64)
    for column in range(start, start + size):
        digit = table[:, column].astype(np.int64) - 48
        good &= (digit >= 0) & (digit <= 9)
        total = total * 10 + digit
    return total


def _matrix_ms(table: Bytes) -> tuple[Numbers, Flags]:
    """Read rows `YYYY-MM-DDTHH:MM:SS[.mmm](Z|±HH:MM)` that fill the whole width; others are left undone."""
    width = table.shape[1]
    good = np.ones(table.shape[0], bool)
    for column, sign in _DATE_TIME:
        good &= table[:, column] == sign
    year, month, day = (_number(table, start, size, good) for start, size in ((0, 4), (5, 2), (8, 2)))
    hour, minute, second = (_number(table, start, 2, good) for start in (11, 14, 17))
    milli = np.zeros(table.shape[0], np.int64)
    if width in (24, 29):
        good &= table[:, 19] == ord(".")
        milli = _number(table, 20, 3, good)
    shift = _offset_minutes(table, good) if width in (25, 29) else np.zeros(table.shape[0], np.int64)
    if width in (20, 24):
        good &= table[:, width - 1] == ord("Z")
    good &= (month >= 1) & (month <= 12) & (year >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = _MONTH_DAYS[np.clip(month, 1, 12) - 1] + (leap & (month == 2))
    good &= (day >= 1) & (day <= last)
    minutes = (_days(year, month, day) * 24 + hour) * 60 + minute - shift
    return (minutes * 60 + second) * 1000 + milli, good


def _offset_minutes(table: Bytes, good: Flags) -> Numbers:
    start = table.shape[1] - 6
    sign = table[:, start]
    good &= ((sign == ord("+")) | (sign == ord("-"))) & (table[:, start + 3] == ord(":"))
    hours, minutes = _number(table, start + 1, 2, good), _number(table, start + 4, 2, good)
    good &= (hours < 24) & (minutes < 60)
    return np.where(sign == ord("-"), -1, 1) * (hours * 60 + minutes)


def _days(year: Numbers, month: Numbers, day: Numbers) -> Numbers:
    """Return days since 1970-01-01 of Gregorian dates."""
    shifted = year - (month <= 2)
    era_day = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    return shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + era_day - 719468

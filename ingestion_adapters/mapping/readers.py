"""Rules that make one value of ours from a foreign row: the same in enterprises' mappings and in those of files; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

_SLOT = re.compile(r"\{([^{}]+)\}")
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")

Source = Mapping[str, Any]
Reader = Callable[[Source], Any]


class UnknownWord(ValueError):
    """A word that the rule's list does not hold."""

    def __init__(self, word: object) -> None:
        """Keep the word as it was sent."""
        super().__init__(str(word))
        self.word = word


def sources_of(rule: Mapping[str, Any]) -> list[str]:
    """Return the foreign columns a rule reads."""
    return [rule["from"]] if rule.get("from") else _SLOT.findall(rule.get("text") or "")


def reader_of(rule: Mapping[str, Any], *, strict: bool = False) -> Reader:
    """Return the function that reads a value by a rule: from, constant, text, words, else, times, plus, replace.

    With `strict` a word outside the list raises UnknownWord; without it the word stays as it is.
    """
    if "constant" in rule:
        value = rule["constant"]
        return lambda _: value
    if "text" in rule:
        return partial(_filled, rule["text"], _SLOT.findall(rule["text"]))
    steps = _steps(rule, strict=strict)
    name, otherwise = rule["from"], rule.get("else")

    def read(source: Source) -> Any:
        value = source.get(name)
        if value is None or value == "":  # an empty cell of a table says nothing
            return otherwise if value is None or otherwise is not None else value
        for step in steps:
            value = step(value)
        return value

    return read


def _filled(text: str, slots: list[str], source: Source) -> Any:
    if any(source.get(name) is None for name in slots):
        return None
    return _SLOT.sub(lambda slot: str(source[slot[1]]), text)


def _steps(rule: Mapping[str, Any], *, strict: bool) -> list[Callable[[Any], Any]]:
    steps: list[Callable[[Any], Any]] = []
    if rule.get("replace"):
        steps.append(partial(replaced, rule["replace"]))
    if "words" in rule:
        steps.append(partial(_worded, rule["words"], strict))
    if "times" in rule or "plus" in rule:
        steps.append(partial(scaled, float(rule.get("times", 1)), float(rule.get("plus", 0)), strict))
    if rule.get("time"):
        steps.append(time_reader(rule["time"], rule.get("offset", "+08:00")))
    if rule.get("date"):
        steps.append(partial(day_text, rule["date"]))
    return steps


def replaced(pairs: list[list[str]], value: Any) -> Any:
    """Return a text with each pair's first part replaced by its second, in order."""
    if isinstance(value, str):
        for old, new in pairs:
            value = value.replace(old, new)
    return value


def _worded(words: Mapping[str, Any], strict: bool, value: Any) -> Any:
    if isinstance(value, list):
        return [_worded(words, strict, each) for each in value]
    found = words.get(str(value), words)
    if found is words:
        if strict:
            raise UnknownWord(value)
        return value
    return found


def scaled(factor: float, offset: float, texts: bool, value: Any) -> Any:
    """Return a number times factor plus offset; with `texts` also one written as text; all else as it is."""
    if texts and isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    # Twelve digits: 0.31 MPa is 310 kPa, not 310.00000000000006.
    return float(f"{value * factor + offset:.12g}")


def zone_of(offset: str) -> timezone:
    """Return the zone of an offset such as +08:00; raise ValueError for anything else."""
    found = _OFFSET.fullmatch(offset)
    if found is None:
        raise ValueError(offset)
    span = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-span if found[1] == "-" else span)


def time_reader(form: str, offset: str) -> Callable[[Any], Any]:
    """Return the function that turns a time as they write it into ISO 8601 with offset; others stay as they are.

    `form` is `s` (seconds since 1970), `ms`, or a format of strptime; `offset` holds where the text has none.
    """
    zone = zone_of(offset)

    def read(value: Any) -> Any:
        try:
            if form in ("s", "ms"):
                number = float(value) / (1 if form == "s" else 1000)
                return datetime.fromtimestamp(number, UTC).isoformat(timespec="milliseconds")
            at = datetime.strptime(value, form)  # noqa: DTZ007  # the offset is put where the text has none
        except (ValueError, TypeError, OverflowError, OSError):
            return value
        return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()

    return read


def day_text(form: str, value: Any) -> Any:
    """Return a day as they write it as YYYY-MM-DD; anything else stays as it is."""
    try:
        return datetime.strptime(str(value), form).date().isoformat()  # noqa: DTZ007  # a day has no zone
    except (ValueError, TypeError):
        return value

"""Combined conditions as people write them: comparisons joined by AND, OR and brackets; pure.

`this > 0.35 and (PT-12 < 0.2 or FT-3 > 900)` becomes groups joined by OR, each a list joined by AND.
`this` or `本点` is the point that carries the rule; other points stand by the enterprise's own code, in
backticks where a code holds more than letters, digits, dots, dashes and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

Groups = tuple[tuple["Condition", ...], ...]
TEXT_CHARS, GROUPS_MOST, CONDITIONS_MOST = 400, 8, 16
OPERATORS = (">=", "<=", "!=", "=", ">", "<")
_TOKEN = re.compile(
    r"\s*(?:(?P<open>[(（])|(?P<close>[)）])|(?P<op>>=|<=|!=|==|≥|≤|≠|=|>|<)|`(?P<code>[^`]{1,64})`"
    r"|(?P<word>[^\s()（）<>=!≥≤≠`]{1,64}))"
)
_SAME = {"==": "=", "≥": ">=", "≤": "<=", "≠": "!="}
_AND, _OR, _THIS = {"and", "且", "并且"}, {"or", "或", "或者"}, {"this", "本点"}
_PLAIN = re.compile(r"[A-Za-z0-9._\-一-鿿]{1,64}")


@dataclass(frozen=True)
class Condition:
    """One comparison; `point` is another point's code, empty for the point that carries the rule."""

    point: str
    operator: str
    value: float

    def holds(self, value: float) -> bool:
        """Return whether a value meets the condition."""
        return bool(
            (self.operator == ">" and value > self.value)
            or (self.operator == "<" and value < self.value)
            or (self.operator == ">=" and value >= self.value)
            or (self.operator == "<=" and value <= self.value)
            or (self.operator == "=" and value == self.value)
            or (self.operator == "!=" and value != self.value)
        )


def met(groups: Groups, values: Mapping[str, float | None]) -> bool:
    """Return whether a group is met as a whole; a point without a value meets nothing."""
    for group in groups:
        found = [(each, values.get(each.point)) for each in group]
        if all(value is not None and each.holds(value) for each, value in found):
            return True
    return False


def groups_of(words: str) -> Groups:
    """Return the conditions of a text; raise ValueError for what cannot be read, or too many of them."""
    if len(words) > TEXT_CHARS:
        raise ValueError("too long")
    tokens = _tokens(words)
    groups, rest = _any(tokens, 0)
    if rest != len(tokens):
        raise ValueError(f"unexpected {tokens[rest][1]}")
    return groups


def text_of(groups: Groups) -> str:
    """Return the text of conditions, as `groups_of` reads it."""
    parts = [" and ".join(_written(each) for each in group) for group in groups]
    return " or ".join(f"({each})" if len(parts) > 1 and " and " in each else each for each in parts)


def _written(condition: Condition) -> str:
    code = condition.point
    if code and (not _PLAIN.fullmatch(code) or code.lower() in _AND | _OR | _THIS):
        code = f"`{code}`"
    return f"{code or 'this'} {condition.operator} {condition.value:.15g}"


def _tokens(words: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, words.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"unexpected {text[at:].strip()[:10]}")
        kind = str(match.lastgroup)
        word = match[kind]
        if kind == "word" and word.lower() in _AND | _OR:
            kind = "and" if word.lower() in _AND else "or"
        found.append((kind, word))
        at = match.end()
    return found


def _any(tokens: list[tuple[str, str]], at: int) -> tuple[Groups, int]:
    groups, at = _all(tokens, at)
    while at < len(tokens) and tokens[at][0] == "or":
        more, at = _all(tokens, at + 1)
        groups = _fitting(groups + more)
    return groups, at


def _all(tokens: list[tuple[str, str]], at: int) -> tuple[Groups, int]:
    groups, at = _one(tokens, at)
    while at < len(tokens) and tokens[at][0] == "and":
        more, at = _one(tokens, at + 1)
        groups = _fitting(tuple(left + right for left in groups for right in more))
    return groups, at


def _one(tokens: list[tuple[str, str]], at: int) -> tuple[Groups, int]:
    if at < len(tokens) and tokens[at][0] == "open":
        groups, at = _any(tokens, at + 1)
        if at >= len(tokens) or tokens[at][0] != "close":
            raise ValueError("a bracket is not closed")
        return groups, at + 1
    if len(tokens) - at < 3 or tokens[at][0] not in ("word", "code") or tokens[at + 1][0] != "op":
        raise ValueError("a comparison is missing")
    kind, name = tokens[at]
    value = float(tokens[at + 2][1])
    if not isfinite(value):
        raise ValueError("not a number")
    point = "" if kind == "word" and name.lower() in _THIS else name
    operator = _SAME.get(tokens[at + 1][1], tokens[at + 1][1])
    return ((Condition(point, operator, value),),), at + 3


def _fitting(groups: Groups) -> Groups:
    if len(groups) > GROUPS_MOST or sum(map(len, groups)) > CONDITIONS_MOST:
        raise ValueError("too many conditions")
    return groups

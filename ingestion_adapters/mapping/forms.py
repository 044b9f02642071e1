"""The form of a mapping: plain renames, units and code words of one dataset; whatever is more is kept as it is; pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ingestion_adapters.files.headings import record_kinds
from ingestion_adapters.mapping.form import fields_of, tags_of
from portal.core.codes import words_of
from portal.core.units import units_like

SETTINGS = ("name", "crs", "time", "date", "offset")
_PLAIN = {"from", "unit", "words", "else"}


@dataclass(frozen=True)
class FormLine:
    """One field of ours as a row of the form."""

    ours: str
    words: str
    required: bool
    unit: str
    units: list[str]
    theirs: str = ""
    their_unit: str = ""
    code_text: str = ""
    codes: dict[Any, str] = field(default_factory=dict)
    kept: str = ""


def empty_body(name: str) -> dict[str, Any]:
    """Return a mapping that says nothing yet."""
    return {"format": 1, "name": name, "datasets": {}}


def form_lines(body: Mapping[str, Any], dataset: str, tag: str, language: str) -> list[FormLine]:
    """Return the fields of a dataset, or of one of its types, as they stand in a mapping."""
    rules = body.get("datasets", {}).get(dataset, {})
    fields = rules.get("types", {}).get(tag, {}) if tag else rules.get("fields", {})
    needed, choices = _needed(dataset, tag), _choices(dataset, tag)
    lines = [
        _line(ours, marks, fields.get(ours), language, required=ours in needed, choices=choices.get(ours, ()))
        for ours, marks in _shown(dataset, tag).items()
    ]
    return sorted(lines, key=lambda line: not line.required)


def _shown(dataset: str, tag: str) -> dict[str, dict[str, Any]]:
    """Return the fields of one form: of a type, or of a dataset with several what all of them have and the type."""
    tags = tags_of(dataset)
    if tag or not tags:
        return fields_of(dataset, tag)
    common = [fields_of(dataset, each) for each in tags]
    found = {name: marks for name, marks in common[0].items() if all(name in each for each in common)}
    return {"type": {"zh": "记录类型", "en": "Kind of record", "tags": tags}} | found


def _needed(dataset: str, tag: str) -> set[str]:
    found = set()
    for kind in record_kinds(dataset):
        info: Any = msgspec.inspect.type_info(kind)
        if not tag or str(info.tag) == tag:
            found |= {item.encode_name for item in msgspec.structs.fields(kind) if item.required}
    return found


def _choices(dataset: str, tag: str) -> dict[str, tuple[str, ...]]:
    """Return field -> the words it may hold, where the contract lists them itself."""
    found = {}
    for kind in record_kinds(dataset):
        info: Any = msgspec.inspect.type_info(kind)
        for item in info.fields if not tag or str(info.tag) == tag else ():
            if isinstance(item.type, msgspec.inspect.LiteralType):
                found[item.encode_name] = tuple(map(str, item.type.values))
    return found


def _line(
    ours: str, marks: Mapping[str, Any], rule: Any, language: str, *, required: bool, choices: tuple[str, ...]
) -> FormLine:
    unit = str(marks.get("unit", ""))
    codes: dict[Any, str] = dict(words_of(marks["dict"], language)) if "dict" in marks else {}
    codes |= {each: each for each in (*marks.get("tags", ()), *choices)}
    words = str(marks.get("en" if language.startswith("en") else "zh", ""))
    facts = FormLine(ours, words, required, unit, units_like(unit) if unit else [], codes=codes)
    if rule is None:
        return facts
    if isinstance(rule, str):
        rule = {"from": rule}
    if not set(rule) <= _PLAIN or "from" not in rule:
        kept = msgspec.json.encode(rule).decode()
        return FormLine(ours, words, required, unit, facts.units, codes=facts.codes, kept=kept)
    text = "\n".join(f"{word} = {code}" for word, code in rule.get("words", {}).items())
    return FormLine(ours, words, required, unit, facts.units, rule["from"], rule.get("unit", ""), text, facts.codes)


def merged(body: Mapping[str, Any], dataset: str, tag: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Return a mapping with one dataset's plain fields as the form says; rules that are more stay."""
    made = copy.deepcopy(dict(body))
    for name in SETTINGS:
        value = form.get(name, "").strip()
        if value:
            made[name] = value
        elif name != "name":
            made.pop(name, None)
    rules = made.setdefault("datasets", {}).setdefault(dataset, {})
    fields = rules.setdefault("types", {}).setdefault(tag, {}) if tag else rules.setdefault("fields", {})
    for ours in [*fields_of(dataset, tag), *(["type"] if tags_of(dataset) and not tag else [])]:
        if f"from.{ours}" not in form or form.get(f"kept.{ours}"):
            continue
        rule = _rule_of(form, ours)
        if rule is None:
            fields.pop(ours, None)
        else:
            fields[ours] = rule
    if "ignore" in form:
        rules["ignore"] = [name for name in (part.strip() for part in form["ignore"].splitlines()) if name]
    if dataset == "RT":
        _merge_points(rules, form)
    return {name: value for name, value in made.items() if value != ""} | {"datasets": _without_empty(made["datasets"])}


def _rule_of(form: Mapping[str, str], ours: str) -> Any:
    theirs = form.get(f"from.{ours}", "").strip()
    if not theirs:
        return None
    rule: dict[str, Any] = {"from": theirs}
    if form.get(f"unit.{ours}", "").strip():
        rule["unit"] = form[f"unit.{ours}"].strip()
    words = dict(_pairs(form.get(f"words.{ours}", "")))
    if words:
        rule["words"] = {word: int(code) if code.lstrip("-").isdigit() else code for word, code in words.items()}
    return theirs if len(rule) == 1 else rule


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the lines `theirs = ours` of a text."""
    cut = (line.rpartition("=") for line in text.splitlines() if "=" in line)
    return [(left.strip(), right.strip()) for left, _, right in cut if left.strip() and right.strip()]


def points_text(body: Mapping[str, Any]) -> str:
    """Return the points of RT as lines `theirs = ours`, the unit after it where one is stated."""
    lines = []
    for theirs, rule in body.get("datasets", {}).get("RT", {}).get("points", {}).items():
        code, unit = (rule, "") if isinstance(rule, str) else (rule.get("code", theirs), rule.get("unit", ""))
        lines.append(f"{theirs} = {code}{' ; ' + unit if unit else ''}")
    return "\n".join(lines)


def _merge_points(rules: dict[str, Any], form: Mapping[str, str]) -> None:
    if "points" in form:
        points: dict[str, Any] = {}
        for theirs, ours in _pairs(form["points"]):
            code, _, unit = (part.strip() for part in ours.partition(";"))
            points[theirs] = {"code": code, "unit": unit} if unit else code
        rules["points"] = points
    units = {name.removeprefix("measure."): value for name, value in form.items() if name.startswith("measure.")}
    if units:
        rules["units"] = {measure: value.strip() for measure, value in units.items() if value.strip()}


def _without_empty(datasets: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: found
        for name, rules in datasets.items()
        if (found := {part: value for part, value in rules.items() if value and any(_flat(value))})
    }


def _flat(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)

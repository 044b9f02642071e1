"""Rows in an enterprise's words turned into ours, and findings turned back into theirs; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial
from typing import Any, get_args, get_type_hints

import msgspec

from gis.crs import CoordinateSystem, parse_crs
from ingestion_adapters.checks import (
    Finding,
    clean_text,
    field_marks,
    object_code_of,
    off_system,
    personal_fields,
    raw_text,
)
from ingestion_adapters.files.headings import field_of, record_kinds
from ingestion_adapters.mapping.form import fields_of, inner_kind, tags_of
from ingestion_adapters.mapping.places import LINES, line_placed, pair_of, pairs_placed
from ingestion_adapters.mapping.readers import Reader, UnknownWord, reader_of, scaled, sources_of
from ingestion_adapters.masking import hidden, without_numbers
from portal.core.units import linear

# Datasets that name points, and their fields in the unit of the point.
MEASURED: Mapping[str, tuple[str, ...]] = {"RT": ("v",), "ALM": ("value", "limit")}
PLACES = {"NET", "USR", "HAZ", "EXC", "EVT", "PAT", "CHK", "ALM", "DRL"}


@dataclass(frozen=True)
class PointFacts:
    """What the register knows of a point: its measure and its unit."""

    measure: int
    unit: str


@dataclass(frozen=True)
class FieldReader:
    """One field of ours: where it comes from in their words, and how it is read."""

    ours: str
    theirs: str
    sources: tuple[str, ...]
    read: Reader
    aliases: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Translation:
    """A mapping made ready for the rows of one dataset."""

    dataset: str
    common: tuple[FieldReader, ...] = ()
    types: Mapping[str, tuple[FieldReader, ...]] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    system: CoordinateSystem | None = None
    points: Mapping[str, str] = field(default_factory=dict)
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    rename: Callable[[str], str] = str
    known: frozenset[str] | None = None
    personal: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Understood:
    """Rows in our words with their places in the batch, the rows that could not be put into them, and their types."""

    rows: list[Any]
    numbers: list[int]
    refused: list[Finding]


def translation_of(
    body: Mapping[str, Any], dataset: str, points: Mapping[str, PointFacts] | None = None
) -> Translation | None:
    """Return the translation of a dataset, None when the mapping has nothing to say about it.

    `points` are the points of the register by code, needed for units of measures: those of RT hold in ALM too.
    """
    rules = body.get("datasets", {}).get(dataset)
    system = parse_crs(body["crs"]) if body.get("crs") and dataset in PLACES else None
    if rules is None and system is None:
        return None
    rules = rules or {}
    tags = tags_of(dataset)
    base = rules.get("fields", {})
    kinds = {tag: _readers(body, dataset, base | rules.get("types", {}).get(tag, {}), tag) for tag in tags}
    common = _readers(body, dataset, base, "")
    measured = body.get("datasets", {}).get("RT", {}) if dataset in MEASURED else {}
    codes, scales = _points(measured, points or {})
    return Translation(
        dataset,
        common,
        kinds,
        frozenset(rules.get("ignore", ())),
        system,
        codes,
        scales,
        _renamer(base.get("point")),
        frozenset(points) if points is not None else None,
        _personal(dataset, [*common, *(each for kind in kinds.values() for each in kind)]),
    )


def _renamer(rule: Any) -> Callable[[str], str]:
    """Return how a point that is not listed is renamed, as its field's rule says."""
    if not isinstance(rule, Mapping) or not (rule.get("replace") or rule.get("words")):
        return str
    read = reader_of({name: rule[name] for name in ("replace", "words") if name in rule} | {"from": "point"})
    return lambda code: str(read({"point": code}))


def _personal(dataset: str, readers: Sequence[FieldReader]) -> dict[str, Any]:
    """Return their field -> mask, so that what is kept of their rows is masked like ours."""
    marks = personal_fields(dataset)
    found = dict(marks)
    for each in readers:
        if each.ours in marks:
            found |= dict.fromkeys(each.sources, marks[each.ours])
    return found


def _points(
    rules: Mapping[str, Any], known: Mapping[str, PointFacts]
) -> tuple[dict[str, str], dict[str, tuple[float, float]]]:
    """Return their point -> ours, and our point -> factor and offset where the units differ."""
    codes: dict[str, str] = {}
    units: dict[str, str] = {}
    for theirs, rule in rules.get("points", {}).items():
        ours = rule if isinstance(rule, str) else rule.get("code", theirs)
        codes[theirs] = ours
        if not isinstance(rule, str) and rule.get("unit"):
            units[ours] = rule["unit"]
    scales = {}
    for code, facts in known.items():
        said = units.get(code) or rules.get("units", {}).get(str(facts.measure))
        scale = linear(said, facts.unit) if said else None
        if scale is not None and scale != (1.0, 0.0):
            scales[code] = scale
    return codes, scales


def _readers(body: Mapping[str, Any], dataset: str, fields: Mapping[str, Any], tag: str) -> tuple[FieldReader, ...]:
    marks, kinds = fields_of(dataset, tag), _time_kinds(dataset)
    made = []
    for ours, rule in fields.items():
        rule = {"from": rule} if isinstance(rule, str) else dict(rule)
        made.append(_field_reader(body, (dataset, ours), rule, str(marks.get(ours, {}).get("unit", "")), kinds))
    named = {each.ours for each in made}
    for ours, kind in kinds.items():  # the enterprise's way of writing times holds for fields it did not rename
        if body.get(kind) and ours not in named and (not tag or ours in marks):
            made.append(_field_reader(body, (dataset, ours), {"from": ours}, "", kinds))
    return tuple(made)


def _field_reader(
    body: Mapping[str, Any], place: tuple[str, str], rule: dict[str, Any], unit: str, kinds: Mapping[str, str]
) -> FieldReader:
    dataset, ours = place
    sources = tuple(sources_of(rule))
    if rule.get("each"):
        read: Reader = partial(_nested, rule["from"], _inner_readers(body, place, rule["each"]))
        return FieldReader(ours, sources[0], sources, read)
    if rule.get("unit"):
        factor, offset = linear(rule["unit"], unit) or (1.0, 0.0)
        rule |= {"times": factor * rule.get("times", 1), "plus": offset + factor * rule.get("plus", 0)}
    kind = kinds.get(ours, "")
    if kind and kind not in rule and body.get(kind):
        rule[kind] = body[kind]
    if kind == "time":
        rule.setdefault("offset", body.get("offset", "+08:00"))
    return FieldReader(
        ours, sources[0] if sources else ours, sources, reader_of(rule, strict=True), _aliases(dataset, sources)
    )


def _aliases(dataset: str, sources: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return their fields whose name is a word of the contract: doors for tables have put our name in its place."""
    found = ((name, field_of(name, dataset)) for name in sources)
    return tuple((name, alias) for name, alias in found if alias is not None and alias != name)


def _inner_readers(
    body: Mapping[str, Any], place: tuple[str, str], fields: Mapping[str, Any]
) -> tuple[FieldReader, ...]:
    kind = inner_kind(*place)
    marks = field_marks(kind) if kind else {}
    times = _times_in(kind) if kind else {}
    return tuple(
        _field_reader(
            body,
            (place[0], ours),
            {"from": rule} if isinstance(rule, str) else dict(rule),
            str(marks.get(ours, {}).get("unit", "")),
            times,
        )
        for ours, rule in fields.items()
    )


def _nested(name: str, readers: tuple[FieldReader, ...], source: Mapping[str, Any]) -> Any:
    value = source.get(name)
    if not isinstance(value, list):
        return value
    return [_converted(each, readers, frozenset()) if isinstance(each, dict) else each for each in value]


@cache
def _time_kinds(dataset: str) -> dict[str, str]:
    """Return field -> `time` for instants, `date` for days."""
    return {name: kind for record in record_kinds(dataset) for name, kind in _times_in(record).items()}


@cache
def _times_in(record: type) -> dict[str, str]:
    found = {}
    for name, hint in get_type_hints(record).items():
        parts = set(get_args(hint)) or {hint}
        if {str, int} <= parts:
            found[name] = "time"
        elif date in parts:
            found[name] = "date"
    return {item.encode_name: found[item.name] for item in msgspec.structs.fields(record) if item.name in found}


def translated(rows: Sequence[Any], spoken: Translation, numbers: Sequence[int] | None = None) -> Understood:
    """Return rows in our words; a word of theirs that nobody knows refuses its row with E_DICT."""
    places = range(len(rows)) if numbers is None else numbers
    done = Understood([], [], [])
    for number, row in zip(places, rows, strict=True):
        if not isinstance(row, dict):
            done.rows.append(row)
            done.numbers.append(number)
            continue
        readers = _readers_for(row, spoken)
        try:
            made = _converted(row, readers, spoken.ignore)
        except _Unread as unread:
            done.refused.append(_unknown_word(unread, row, spoken, number))
            continue
        except (RecursionError, OverflowError, TypeError):
            made = row
        done.rows.append(made)
        done.numbers.append(number)
    if spoken.dataset in MEASURED:
        _point_values(done.rows, spoken)
    return _placed(done, spoken, spoken.system) if spoken.system is not None else done


class _Unread(Exception):
    def __init__(self, reader: FieldReader, word: object) -> None:
        super().__init__(reader.ours)
        self.reader, self.word = reader, word


def _readers_for(row: Mapping[str, Any], spoken: Translation) -> tuple[FieldReader, ...]:
    """Return the readers of a row's type, which is read first where a dataset has several."""
    if not spoken.types:
        return spoken.common
    for each in spoken.common:
        if each.ours == "type":
            try:
                tag = each.read(row)
            except UnknownWord:
                return spoken.common
            return spoken.types.get(str(tag), spoken.common)
    return spoken.types.get(str(row.get("type")), spoken.common)


def _converted(row: Mapping[str, Any], readers: tuple[FieldReader, ...], ignore: frozenset[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    used: set[str] = set()
    for each in readers:
        used.update(each.sources)
        for name, alias in each.aliases:
            if name not in row and alias in row:
                row = {**row, name: row[alias]}
                used.add(alias)
        if each.sources and not any(name in row for name in each.sources):
            value = each.read(row)
            if value is None:
                continue  # a field left out stays left out
            made[each.ours] = value
            continue
        try:
            made[each.ours] = each.read(row)
        except UnknownWord as unknown:
            raise _Unread(each, unknown.word) from unknown
    for name, value in row.items():
        if name not in used and name not in ignore:
            made.setdefault(name, value)
    return made


def _unknown_word(unread: _Unread, row: Mapping[str, Any], spoken: Translation, number: int) -> Finding:
    theirs, ours = clean_text(unread.reader.theirs, 64), unread.reader.ours
    word = clean_text(str(unread.word), 40)
    return Finding(
        number,
        "E_DICT",
        f"“{theirs}”的取值“{word}”不在映射中（对应字段 {ours}）",
        f"{theirs}: “{word}” is not in the mapping (field {ours})",
        theirs,
        object_code_of(row),
        raw=as_sent(row, spoken),
    )


def as_sent(row: Any, spoken: Translation) -> str:
    """Return a row in their words as it is kept: personal data masked."""
    text = raw_text(hidden(row, dict(spoken.personal)))
    return text if spoken.dataset == "RT" else without_numbers(text)


def point_of(theirs: str, spoken: Translation) -> str:
    """Return our code of a point of theirs."""
    ours = spoken.points.get(theirs)
    return spoken.rename(theirs) if ours is None else ours


def _point_values(rows: list[Any], spoken: Translation) -> None:
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("point"), str):
            continue
        code = row["point"] = spoken.points.get(row["point"], row["point"])
        scale = spoken.scales.get(code)
        if scale is not None:
            row.update({name: scaled(*scale, True, row[name]) for name in MEASURED[spoken.dataset] if name in row})


def _placed(done: Understood, spoken: Translation, system: CoordinateSystem) -> Understood:
    """Return the rows with coordinates in CGCS2000; one that cannot be there is refused with E_CRS."""
    dicts = [(place, row) for place, row in enumerate(done.rows) if isinstance(row, dict)]
    spots = [(place, row, pair) for place, row in dicts if (pair := pair_of(row)) is not None]
    bad: dict[int, str] = {}
    for (place, row, _), (lon, lat) in zip(spots, pairs_placed([each[2] for each in spots], system), strict=True):
        if lon == lon and lat == lat:
            row.update(lon=lon, lat=lat)
        else:
            bad[place] = "lon"
    for place, row in dicts:
        for name in LINES:
            if not line_placed(row, name, system):
                bad[place] = name
    if not bad:
        return done
    refused = [
        replace(off_system(name), row=done.numbers[place], object_code=object_code_of(done.rows[place]))
        for place, name in bad.items()
    ]
    keep = [place for place in range(len(done.rows)) if place not in bad]
    return Understood(
        [done.rows[place] for place in keep], [done.numbers[place] for place in keep], [*done.refused, *refused]
    )


def told(found: Finding, sent: Any, spoken: Translation, *, point: tuple[str, str] | None = None) -> Finding:
    """Return a finding in the sender's words: its field, its row as sent, and `point` as (ours, theirs)."""
    names = {each.ours: each.theirs for readers in (*spoken.types.values(), spoken.common) for each in readers}
    if isinstance(sent, dict):
        names |= {each.ours: each.theirs for each in _readers_for(sent, spoken)}
    head, _, tail = (found.field or "").partition(".")
    theirs = names.get(head)
    zh, en, name = found.zh, found.en, found.field
    if theirs and theirs != head:
        name = clean_text(theirs + ("." + tail if tail else ""), 64)
        zh = zh.replace(f"“{head}”", f"“{clean_text(theirs, 64)}”（{head}）")
        en = re.sub(rf"(?<![\w“]){re.escape(head)}(?!\w)", lambda _: f"{clean_text(theirs, 64)} ({head})", en, count=1)
    code = found.object_code
    if point is not None and point[0] != point[1]:
        ours, word = point[0], clean_text(point[1], 64)
        zh, en = zh.replace(f"“{ours}”", f"“{word}”"), en.replace(f"Point {ours} ", f"Point {word} ")
        code = word
    elif isinstance(sent, dict) and names:
        code = found.object_code or object_code_of(sent)
    raw = as_sent(sent, spoken) if sent is not None else found.raw
    return replace(found, zh=zh, en=en, field=name, object_code=code, raw=raw)

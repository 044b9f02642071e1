"""The pages every register has: list with filters, export, and one record with its former states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.basemap.queries import district_names
from portal.core.clock import CITY_ZONE, utc_now
from portal.core.codes import words_of
from portal.core.exports import CsvFile
from portal.core.paging import Page, neighbours, parse_cursor, parse_number, parse_words
from portal.core.web import current_actor, note_export, requires, web_transaction
from portal.registers.queries import (
    COUNT_MOST,
    Narrowing,
    changes_of,
    enterprise_names,
    find_record,
    place_of_record,
    records_listed,
    records_page,
    states_of_record,
    view_counts,
)
from portal.registers.spec import Register
from portal.registers.words import Speech, exported, words_of_column

More = Callable[[Session, Any, Speech], dict[str, Any]]
MAP_ZOOM = 17
SHORT = 22  # words up to this width stay on one line
_WHOLE = frozenset({"enterprise_id", "adcode"})
_NARROWING = ("enterprise", "district", "since", "until", "q")
_UNSHOWN = frozenset(
    {
        "id",
        "enterprise_id",
        "receipt_id",
        "valid_from",
        "valid_to",
        "geom",
        "track",
        "object_id",
        "object_type",
        "user_id",
        "late",
        "received_at",
        "month",
    }
)


def add_register(blueprint: Blueprint, register: Register, group: Sequence[Register], more: More | None = None) -> None:
    """Give a blueprint the list, the export and the page of a register; `group` are the tabs beside it."""
    guard = requires(register.permission)
    key, path = register.key, register.path

    def show_list(session: Session) -> ResponseReturnValue:
        return _list_page(session, register, group)

    def export(session: Session) -> ResponseReturnValue:
        return _export(session, register)

    def show_one(session: Session, **given: int) -> ResponseReturnValue:
        return _record_page(session, register, given[register.lead], more)

    blueprint.add_url_rule(path, f"{key}_list", guard(web_transaction(show_list)))
    blueprint.add_url_rule(f"{path}/export.csv", f"{key}_export", guard(web_transaction(export)))
    blueprint.add_url_rule(f"{path}/<int:{register.lead}>", f"{key}_show", guard(web_transaction(show_one)))


def speech_of(session: Session) -> Speech:
    """Return the words of the caller's language."""
    language = str(get_locale() or "zh_CN")
    return Speech(language, district_names(session, language), enterprise_names(session))


def endpoint(register: Register, page: str) -> str:
    """Return the endpoint of a register's page: list, export or show."""
    return f"{register.permission.split('.')[0]}.{register.key}_{page}"


def parse_narrowing(register: Register, given: Mapping[str, str]) -> Narrowing:
    """Return what an address narrows a list to; what cannot be read narrows nothing."""
    codes = ((name, parse_number(given.get(name))) for name in register.filters)
    district = given.get("district") or ""
    until = _midnight(given.get("until"))
    views = {view.key for view in register.views}
    return Narrowing(
        view=given["view"] if given.get("view") in views else "",
        codes=tuple((name, code) for name, code in codes if code is not None and code < 2**15),
        enterprise_id=parse_number(given.get("enterprise")),
        adcode=district if district.isascii() and district.isdigit() and len(district) == 6 else None,
        since=_midnight(given.get("since")),
        until=until + timedelta(days=1) if until else None,
        words=parse_words(given.get("q")),
    )


def _midnight(text: str | None) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text or ""), time(), CITY_ZONE)
    except ValueError:
        return None


def _kept(register: Register) -> dict[str, str]:
    names = ("view", *register.filters, *_NARROWING)
    return {name: request.args[name] for name in names if request.args.get(name)}


def _list_page(session: Session, register: Register, group: Sequence[Register]) -> str:
    scope, now, speech = current_actor().scope, utc_now(), speech_of(session)
    wanted = parse_narrowing(register, request.args)
    page = records_page(session, register, wanted, cursor=parse_cursor(request.args), scope=scope, now=now)
    kept = _kept(register)
    return render_template(
        "registers/list.html",
        register=register,
        rows=[_row(register, row, speech) for row in page.rows],
        labels={name: speech.label(register.column(name)) for name in register.columns},
        numbers={name for name in register.columns if _is_number(register.column(name))},
        filters=[_choice(register, name, speech) for name in register.filters],
        counts=view_counts(session, register, scope=scope, now=now),
        count_most=COUNT_MOST,
        wanted=wanted,
        narrowed=len(kept) > ("view" in kept),
        links=_links(page, register, kept),
        tabs=_tabs(group),
        districts=speech.districts,
        enterprises=_enterprises_in_scope(speech),
        address=partial(url_for, endpoint(register, "list")),
        export_url=url_for(endpoint(register, "export"), **kept),
    )


def _tabs(group: Sequence[Register]) -> list[dict[str, Any]]:
    may = current_actor().may
    return [
        {"key": each.key, "label": each.tab or each.title, "url": url_for(endpoint(each, "list"))}
        for each in group
        if may(each.permission)
    ]


def _enterprises_in_scope(speech: Speech) -> dict[int, str]:
    scope = current_actor().scope
    if scope.enterprise_ids and not scope.adcodes:
        return {number: name for number, name in speech.enterprises.items() if number in scope.enterprise_ids}
    return speech.enterprises


def _choice(register: Register, name: str, speech: Speech) -> dict[str, Any]:
    words = words_of_column(register.column(name))
    return {
        "name": name,
        "label": words.in_language(speech.language),
        "options": words_of(words.dictionary, speech.language).items(),
        "chosen": parse_number(request.args.get(name)),
    }


def _is_number(column: Any) -> bool:
    counted = column.type.python_type in (int, float) and column.name != "enterprise_id"
    return counted and not words_of_column(column).dictionary


def _row(register: Register, row: Any, speech: Speech) -> dict[str, Any]:
    cells = []
    for name in register.columns:
        value = getattr(row, name)
        said = _said(register, name, value, speech)
        whole = isinstance(value, date) or name in _WHOLE or _width(said) <= SHORT
        cells.append({"name": name, "text": said, "tone": register.tone(name, value), "whole": whole})
    return {"url": url_for(endpoint(register, "show"), **{register.lead: row.id}), "cells": cells}


def _width(words: str) -> int:
    """Return how wide words are, a Chinese sign counted twice."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in words)


def _said(register: Register, name: str, value: Any, speech: Speech) -> str:
    if name == "late":
        return gettext("Late") if value else ""
    return speech.value(register.column(name), value)


def _links(page: Page, register: Register, kept: dict[str, str]) -> dict[str, str | None]:
    def place(row: Any) -> tuple[datetime, int]:
        at = getattr(row, register.order)
        # A date compares with the instant of its midnight in the database's zone, which is UTC.
        return (at if isinstance(at, datetime) else datetime.fromisoformat(f"{at.isoformat()}T00:00:00+00:00")), row.id

    return neighbours(page, place, partial(url_for, endpoint(register, "list"), **kept))


def _export(session: Session, register: Register) -> Response:
    scope, now, speech = current_actor().scope, utc_now(), speech_of(session)
    names = ["enterprise_id", *(name for name in register.columns if name != "enterprise_id")]
    columns = [register.column(name) for name in names]
    made = CsvFile([speech.label(column) for column in columns])
    for row in records_listed(session, register, parse_narrowing(register, request.args), scope=scope, now=now):
        made.add(exported(column, getattr(row, column.name), speech) for column in columns)
    note_export(session, register.model.__tablename__, made.rows)
    return made.answer(f"{register.key}.csv")


def _record_page(session: Session, register: Register, number: int, more: More | None) -> str:
    speech = speech_of(session)
    record = find_record(session, register, number, scope=current_actor().scope)
    place = place_of_record(session, register, number)
    stated = [
        (column, value)
        for column in register.model.__table__.columns
        if column.name not in _UNSHOWN and (value := getattr(record, column.name)) is not None
    ]
    changes = changes_of(states_of_record(session, register, record))
    return render_template(
        "registers/record.html",
        register=register,
        record=record,
        enterprise=speech.enterprises.get(record.enterprise_id, ""),
        tags=_tags(register, record, speech),
        facts=[(speech.label(column), speech.value(column, value)) for column, value in stated],
        changes=[{"at": at, "lines": _change_lines(register, moved, speech)} for at, moved in changes],
        map_url=_map_url(record, place),
        list_url=url_for(endpoint(register, "list")),
        more=more(session, record, speech) if more else {},
    )


def _tags(register: Register, record: Any, speech: Speech) -> list[tuple[str, str]]:
    tags = [
        (speech.value(register.column(name), getattr(record, name)), register.tone(name, getattr(record, name)) or "")
        for name in register.tones
        if words_of_column(register.column(name)).dictionary and getattr(record, name) is not None
    ]
    return [*tags, (gettext("Filed late"), "warn")] if record.late else tags


def _change_lines(register: Register, moved: dict[str, tuple[Any, Any]], speech: Speech) -> list[str]:
    lines = []
    for name, (old, new) in moved.items():
        if name in ("geom", "track"):
            lines.append(gettext("Position changed"))
        elif name not in _UNSHOWN:
            column = register.column(name)
            before, after = speech.value(column, old) or "–", speech.value(column, new) or "–"
            lines.append(f"{speech.label(column)}: {before} → {after}")
    return lines


def _map_url(record: Any, place: Any) -> str | None:
    kind, number = getattr(record, "object_type", None), getattr(record, "object_id", None)
    selected = f"sel={kind}:{number}" if kind and kind != "node" else ""
    if place is not None:
        at = f"z={MAP_ZOOM}&c={place.lon:.5f},{place.lat:.5f}"
        return f"/map#{at}&{selected}" if selected else f"/map#{at}"
    return f"/map#{selected}" if selected else None

"""The dictionaries: every code table with words, source and validity, search, former words and export."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from portal.core.errors import NotFound
from portal.core.exports import csv_of
from portal.core.paging import parse_words
from portal.core.web import note_export, opened, requires
from portal.jobs.queries import dictionary_codes, dictionary_facts, former_words

blueprint = Blueprint("dictionaries", __name__, url_prefix="/admin")
COLUMNS = ("dict", "code", "zh", "en", "parent", "valid_from", "valid_to", "source")


@blueprint.get("/dictionary")
@blueprint.get("/dictionaries")
@requires("dictionary.read")
def show_dictionaries() -> ResponseReturnValue:
    """Show the code tables, and the codes of the one that `name` chooses; `q` searches all of them."""
    name, words = _asked()
    with opened() as session:
        tables = dictionary_facts(session, words)
        chosen = name or (tables[0].name if tables and not words else "")
        codes = dictionary_codes(session, chosen, words) if chosen or words else []
        former = former_words(session, chosen) if chosen else []
    if name and not codes and not words:
        raise NotFound("dictionary", name=name)
    return render_template(
        "admin/dictionary.html", tables=tables, chosen=chosen, codes=codes, former=former, words=words, parents=_parents(codes)
    )


@blueprint.get("/dictionaries/export.csv")
@requires("dictionary.read")
def export() -> ResponseReturnValue:
    """Hand out one code table or, without a name, all of them."""
    name, words = _asked()
    with opened() as session:
        codes = dictionary_codes(session, name, words)
        note_export(session, "dict_entry", len(codes))
    return csv_of(COLUMNS, ([getattr(code, column) for column in COLUMNS] for code in codes), "dictionaries.csv")


def _asked() -> tuple[str, str]:
    return request.args.get("name", "").replace("\x00", "")[:80], parse_words(request.args.get("q"))


def _parents(codes: object) -> bool:
    return any(code.parent is not None for code in codes)  # type: ignore[attr-defined]

"""Sentences of what can be wrong with an upload."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "crs_must_be_given": lambda **_: gettext("The coordinate system must be given"),
    "crs_unknown": lambda crs, **_: gettext("This coordinate system is not known: %(crs)s", crs=crs),
    "files_missing": lambda most, **_: gettext("Choose one to %(most)s files", most=most),
    "file_kind": lambda name, **_: gettext("Files of this kind are not taken: %(name)s", name=name),
    "delivery_known": lambda receipt_id, **_: gettext(
        "This delivery was taken in before, receipt %(receipt_id)s", receipt_id=receipt_id
    ),
}

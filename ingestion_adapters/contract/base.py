"""The words every record of the contract is made of: kinds of fields, and the marks that give a field its meaning."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

# A code that reads differently from how it is stored names another object to the eye: no invisible signs, none that
# turn the direction of writing. `$` alone would let a line break follow.
_UNSEEN = r"\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_TURNING = r"\u202a-\u202e\u2066-\u2069"
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=rf"^[^\x00-\x1f{_UNSEEN}]+$(?!\n)")]
Text = Annotated[str, Meta(max_length=200, pattern=rf"^[^\x00-\x08\x0b-\x1f{_TURNING}]*$")]
LongText = Annotated[str, Meta(max_length=2000, pattern=rf"^[^\x00-\x08\x0b-\x1f{_TURNING}]*$")]
Photo = Annotated[str, Meta(max_length=80, pattern=r"^sm3:[0-9a-f]{64}$(?!\n)")]
Photos = Annotated[list[Photo], Meta(max_length=50)]
Uscc = Annotated[
    str,
    Meta(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$(?!\n)", extra={"zh": "统一社会信用代码", "en": "Unified social credit code"}),
]
Lon = Annotated[float, Meta(ge=-180, le=180)]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Instant = Annotated[
    str | int, Meta(extra={"zh": "时间：ISO 8601 带时区，或毫秒", "en": "ISO 8601 with offset, or ms since the epoch"})
]


def coded(dictionary: str, zh: str, en: str) -> Meta:
    """Return the mark of a field that holds a code of one dictionary."""
    return Meta(extra={"dict": dictionary, "zh": zh, "en": en})


def said(zh: str, en: str, unit: str = "") -> Meta:
    """Return the mark that gives a field its words and unit."""
    return Meta(extra={"zh": zh, "en": en, "unit": unit})


def figure(zh: str, en: str, unit: str = "", *, most: float | None = None) -> Meta:
    """Return the mark of a number that is never below zero; what breaks it is E_RANGE, not a wrong schema."""
    shape: dict[str, Any] = {"minimum": 0} if most is None else {"minimum": 0, "maximum": most}
    return Meta(extra={"zh": zh, "en": en, "unit": unit, "least": 0, "most": most}, extra_json_schema=shape)


def moment(zh: str, en: str, *, past: bool = False) -> Meta:
    """Return the mark of an instant; with `past` it may not lie in the future."""
    return Meta(extra={"zh": zh, "en": en, "instant": True, "past": past})


def personal(kind: str, zh: str, en: str) -> Meta:
    """Return the mark of personal data that is masked on arrival; `kind` is name, phone or number."""
    return Meta(extra={"zh": zh, "en": en, "mask": kind})


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A record of any dataset; fields that nobody declared are refused, not swallowed."""


class LineString(Record, tag="LineString", frozen=True):
    """A GeoJSON line: two or more [longitude, latitude] pairs."""

    coordinates: list[Annotated[list[float], Meta(min_length=2, max_length=3)]]


class Filed(Record, kw_only=True, frozen=True):
    """What is filed under a number of the enterprise and may be sent again when it changes.

    In these records a field left out keeps what was sent before, and null says that it is unknown.
    """

    changed_at: Annotated[
        Instant | None | UnsetType,
        moment(
            "状态时间：较早的状态不覆盖较新的", "Time of this state: an older one never replaces a newer", past=True
        ),
    ] = UNSET


class Placed(Filed, kw_only=True, frozen=True):
    """What is filed about a place: a place of its own, an object it is about, or both."""

    lon: Annotated[Lon | None | UnsetType, said("经度", "Longitude", "°")] = UNSET
    lat: Annotated[Lat | None | UnsetType, said("纬度", "Latitude", "°")] = UNSET
    object_code: Annotated[Code | None | UnsetType, said("对象编号", "Object code")] = UNSET
    place: Annotated[Text | None | UnsetType, said("地点", "Place")] = UNSET

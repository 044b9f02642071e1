"""What people send about stations: filters of the overview, an instrument's point, a camera."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from portal.core.errors import Invalid
from portal.core.paging import parse_number, parse_words
from portal.operation.stations.queries import StationFilter
from portal.operation.stations.services import NewCamera

CODE_MOST, NAME_MOST, ADDRESS_MOST = 64, 80, 400
KINDS = ("hls", "webrtc")
WAYS = ("kind", "enterprise", "district")
TILES = (1, 4, 9, 16)


def parse_filter(given: Mapping[str, str]) -> StationFilter:
    """Return the filter of the overview; what makes no sense narrows nothing."""
    kind, adcode = parse_number(given.get("kind")), given.get("district", "")
    return StationFilter(
        kind=kind if kind is not None and kind < 2**15 else None,
        enterprise_id=parse_number(given.get("enterprise")),
        adcode=adcode if adcode.isascii() and adcode.isdigit() and len(adcode) == 6 else None,
        words=parse_words(given.get("q")),
    )


def parse_way(given: Mapping[str, str]) -> str:
    """Return by what the overview is grouped."""
    way = given.get("by", "")
    return way if way in WAYS else WAYS[0]


def parse_page(given: Mapping[str, str]) -> int:
    """Return the number of the page, 0 the first."""
    return min(parse_number(given.get("page")) or 0, 10_000)


def parse_tiles(given: Mapping[str, str]) -> int:
    """Return how many tiles the wall shows at once."""
    number = parse_number(given.get("tiles"))
    return number if number in TILES else 4


def parse_camera(given: Mapping[str, str], hosts: frozenset[str]) -> NewCamera:
    """Return a camera as entered; raise Invalid for a missing field or an address the pages may not show."""
    words = {name: (given.get(name) or "").strip().replace("\x00", "") for name in ("code", "name", "address", "place")}
    kind = given.get("kind", "")
    most = {"code": CODE_MOST, "name": NAME_MOST, "address": ADDRESS_MOST, "place": NAME_MOST}
    if kind not in KINDS or any(len(words[name]) > most[name] for name in words):
        raise Invalid("camera_incomplete")
    if not (words["code"] and words["name"] and words["address"]):
        raise Invalid("camera_incomplete")
    check_address(words["address"], hosts)
    return NewCamera(
        code=words["code"], name=words["name"], kind=kind, address=words["address"], place=words["place"] or None,
        ordinal=parse_number(given.get("ordinal")) or 0,
    )  # fmt: skip


def check_address(address: str, hosts: frozenset[str]) -> None:
    """Raise Invalid for an address that is neither of this server nor of a host the pages may show."""
    if address.startswith("/") and not address.startswith("//"):
        return
    try:
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
    except ValueError as wrong:
        raise Invalid("camera_host", host=address[:80]) from wrong
    if parts.scheme not in ("http", "https") or parts.username or origin not in hosts:
        raise Invalid("camera_host", host=(parts.netloc or address)[:80])

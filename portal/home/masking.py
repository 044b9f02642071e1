"""What lists, search and files show of gas users: street but not house, the last signs of a number; pure."""

from __future__ import annotations

import re

SHOWN_OF_NUMBER = 4
ROUNDED_TO = 3  # decimals of degrees: some hundred metres
_HOUSE = re.compile(r"[0-9０-９一二三四五六七八九十百]+\s*(?:[号栋幢弄座]|单元|楼|室|#|$).*|[0-9０-９].*")


def masked_address(address: str | None) -> str:
    """Return an address down to its street or community; what follows is replaced by stars."""
    text = (address or "").strip()
    found = _HOUSE.search(text)
    return f"{text[: found.start()]}***" if found else text


def masked_number(number: str) -> str:
    """Return the last signs of a user's number behind stars; a short number shows fewer."""
    shown = min(SHOWN_OF_NUMBER, len(number) // 2)
    return f"****{number[len(number) - shown :]}" if shown else "****"


def rounded_place(lon: float, lat: float) -> tuple[float, float]:
    """Return a user's place as coarse as it may be handed out."""
    return round(lon, ROUNDED_TO), round(lat, ROUNDED_TO)

"""The colours of the screen for what the server draws: design tokens read from the style sheets."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

STATIC = Path(__file__).resolve().parents[1] / "static"
SHEETS = ("css/tokens.css", "css/map.css")
_BLOCK = re.compile(r"(?P<who>[^{}]*)\{(?P<body>[^{}]*)\}")
_TOKEN = re.compile(r"(--[\w-]+):\s*(#[0-9a-fA-F]{3,8}|rgba?\([^)]*\))")


@cache
def palette(theme: str) -> dict[str, str]:
    """Return name of a token -> colour in the dark or the light theme."""
    found: dict[str, str] = {}
    for name in SHEETS:
        for block in _BLOCK.finditer((STATIC / name).read_text("utf-8")):
            if f"[data-theme={theme}]" in block["who"]:
                found |= dict(_TOKEN.findall(block["body"]))
    return found


def read_asset(name: str) -> bytes:
    """Return a file of the static folder, for pages that carry everything inside."""
    return (STATIC / name).read_bytes()

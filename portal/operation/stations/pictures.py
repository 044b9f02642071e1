"""The descriptions of process pictures, one file a kind of station under `pictures/`; read once.

A description holds `size`, `pipes` (a path, its class, the slot whose flow moves it), `parts` (symbols with their
place and words) and `slots` (instruments: place, words, measure, and words of the names of points that fit).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("pictures")
USUAL = "source"


@dataclass(frozen=True)
class Slot:
    """An instrument of a picture: where it stands, and which points fit it."""

    key: str
    at: tuple[float, float]
    zh: str
    en: str
    measure: int
    names: tuple[str, ...]
    to: tuple[float, float] | None = None
    role: str = ""
    any: bool = False

    def label(self, language: str) -> str:
        """Return its words in a language."""
        return self.en if language.startswith("en") else self.zh


@dataclass(frozen=True)
class Picture:
    """A process picture as its file describes it."""

    key: str
    kinds: tuple[int, ...]
    size: tuple[int, int]
    title: Mapping[str, str]
    pipes: tuple[Mapping[str, Any], ...]
    parts: tuple[Mapping[str, Any], ...]
    slots: tuple[Slot, ...]

    def titled(self, language: str) -> str:
        """Return its title in a language."""
        return self.title["en" if language.startswith("en") else "zh"]


@cache
def pictures() -> Mapping[str, Picture]:
    """Return every picture by its key."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.json"))}


@cache
def picture_of(kind: int) -> Picture:
    """Return the picture of a kind of station; the plain one for a kind without its own."""
    return next((each for each in pictures().values() if kind in each.kinds), pictures()[USUAL])


def _read(path: Path) -> Picture:
    said = json.loads(path.read_text(encoding="utf-8"))
    return Picture(
        key=path.stem,
        kinds=tuple(said["kinds"]),
        size=(said["size"][0], said["size"][1]),
        title=said["title"],
        pipes=tuple(said["pipes"]),
        parts=tuple(said["parts"]),
        slots=tuple(_slot(each) for each in said["slots"]),
    )


def _slot(said: Mapping[str, Any]) -> Slot:
    return Slot(
        key=said["id"],
        at=(said["at"][0], said["at"][1]),
        zh=said["label"]["zh"],
        en=said["label"]["en"],
        measure=said["measure"],
        names=tuple(said["names"]),
        to=(said["to"][0], said["to"][1]) if "to" in said else None,
        role=said.get("role", ""),
        any=bool(said.get("any")),
    )

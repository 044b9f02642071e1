"""A register: records of one kind as people look through them, declared by the feature that owns the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement

Where = Callable[[Any, datetime], ColumnElement[bool]]


@dataclass(frozen=True)
class View:
    """A part of a register worth a look of its own; `tone` colours its figure when it is not zero."""

    key: str
    label: Any
    where: Where
    tone: str = ""


@dataclass(frozen=True)
class Register:
    """What a list and a record of one kind show; words are lazy texts, columns are names of the model's.

    What is `served` lies in no one district: regulators of every district its enterprise serves see it.
    """

    key: str
    path: str
    model: Any
    title: Any
    hint: Any
    permission: str
    order: str
    columns: Sequence[str]
    filters: Sequence[str] = ()
    views: Sequence[View] = ()
    search: Sequence[str] = ("record_no",)
    tones: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    icon: str = "clipboard-list"
    tab: Any = None
    served: bool = False

    @property
    def lead(self) -> str:
        """Return the name of the address's variable."""
        return f"{self.key}_id"

    def column(self, name: str) -> Any:
        """Return a column of the model."""
        return self.model.__table__.columns[name]

    def tone(self, name: str, value: Any) -> str | None:
        """Return how loudly a value is shown: ok, info, warn, bad, empty, or None for plain text."""
        tones = self.tones.get(name)
        return None if tones is None or value is None else tones.get(value, "")

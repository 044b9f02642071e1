"""What changed between two states; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[tuple[str, str, str, bool]]:
    """Return name, text before, text after and whether they differ, for every member of the two states."""
    old, new = before or {}, after or {}
    names = [*old, *(name for name in new if name not in old)]
    return [(name, as_words(old.get(name)), as_words(new.get(name)), old.get(name) != new.get(name)) for name in names]


def as_words(value: Any) -> str:
    """Return a value as people read it: texts as they are, the rest as JSON, nothing for None."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

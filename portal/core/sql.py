"""SQL files: a statement over ten lines lies beside its queries and is loaded once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import TextClause, text


@cache
def load_sql(folder: str, name: str) -> TextClause:
    """Return the statement of `<folder>/sql/<name>.sql`; call with `str(Path(__file__).parent)`."""
    return text((Path(folder) / "sql" / f"{name}.sql").read_text(encoding="utf-8"))

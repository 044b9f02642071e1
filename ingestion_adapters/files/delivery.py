"""A delivery as read: its tables, their coordinate systems and everything noticed while reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingestion_adapters.files.findings import Finding, Where, say
from ingestion_adapters.files.mapping import mapped_tables, mapping_for
from ingestion_adapters.files.raw import Note, Reply
from ingestion_adapters.files.sandbox import read_file
from ingestion_adapters.files.systems import resolve
from ingestion_adapters.files.tables import Table, table_from


@dataclass
class Delivery:
    """What a set of files holds. With `needs_crs` nothing can be judged until the sender names the system."""

    files: list[str]
    tables: list[Table]
    findings: list[Finding]
    crs: str = ""
    crs_evidence: dict[str, str] = field(default_factory=dict)
    needs_crs: bool = False
    crs_suggestions: list[str] = field(default_factory=list)


def read_delivery(paths: Sequence[Path | str], crs: str | None = None) -> Delivery:
    """Return what the files hold; `crs` is what the sender declared for files that state none.

    Bad files become findings, never exceptions.
    """
    delivery = Delivery([Path(path).name for path in paths], [], [])
    for path in map(Path, paths):
        tables, found = _tables_of(path.name, read_file(path))
        delivery.tables += tables
        delivery.findings += found
    resolved = resolve(delivery.tables, crs)
    delivery.findings += resolved.findings
    delivery.crs = " + ".join(resolved.names)
    delivery.needs_crs = resolved.needs_crs
    delivery.crs_suggestions = resolved.suggestions
    delivery.crs_evidence = {"zh": "；".join(resolved.evidence_zh), "en": "; ".join(resolved.evidence_en)}
    return delivery


def _tables_of(name: str, reply: Reply) -> tuple[list[Table], list[Finding]]:
    mapping = mapping_for(reply.grids) if len(reply.grids) > 1 else None
    if mapping is not None:
        return mapped_tables(reply.grids, mapping, name)
    tables: list[Table] = []
    found: list[Finding] = []
    unknown: list[tuple[str, Finding]] = []
    for grid in reply.grids:
        shown = f"{name}#{grid.layer}" if grid.layer and len(reply.grids) > 1 else name
        table, seen = table_from(grid, shown)
        if table is None:
            unknown += [(grid.layer, finding) for finding in seen]
            continue
        tables.append(table)
        found += seen
    if tables:
        found += [say("layer_skipped", Where(name), {"name": layer}) for layer, _ in unknown]
    else:
        found += [finding for _, finding in unknown[:1]]
    return tables, [*(_from_note(note, name) for note in reply.notes), *found]


def _from_note(note: Note, name: str) -> Finding:
    return say(note.key, Where(name, note.row, field=note.field, raw=note.raw), note.facts)

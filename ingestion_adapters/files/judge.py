"""Judging a delivery: from tables to records of the contract, with every finding on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from gis.network.rules import Limits, PipeFacts, Problem, length_problem, pipe_problems
from ingestion_adapters.contract import Node, Pipe, Regulator, Station, User, Valve
from ingestion_adapters.files.delivery import Delivery, read_delivery
from ingestion_adapters.files.devices import devices_at, mark_fittings
from ingestion_adapters.files.drafts import Draft, Judging, drafts_of
from ingestion_adapters.files.findings import Finding, Where, say
from ingestion_adapters.files.joining import Nodes, Place, check_device, join_pipes
from ingestion_adapters.files.lines import lines_of
from ingestion_adapters.files.places import (
    look_elsewhere,
    note_far,
    note_far_line,
    note_same_place,
    place_drafts,
    spread_limit,
)
from ingestion_adapters.files.preview import preview_geojson
from ingestion_adapters.files.records import record_from, record_of
from ingestion_adapters.files.whole import judge_whole
from portal.core.clock import local, utc_now
from portal.core.codes import word_of

Record = Node | Pipe | Valve | Regulator | Station | User
_POINT_KINDS = ("node", "valve", "regulator", "station", "user")
_DEVICE_NODES = {"valve": ("node",), "regulator": ("node", "outlet_node"), "station": ("node",), "user": ("node",)}


@dataclass(frozen=True)
class Counts:
    """Rows of a delivery: all, those that become records, those that wait in quarantine."""

    rows: int
    accepted: int
    quarantined: int


@dataclass
class Judged:
    """The result of judging; `kept` holds unknown columns and `rows_of` file and row, by (kind of table, code)."""

    files: list[str]
    records: list[Record]
    findings: list[Finding]
    counts: Counts
    crs: str
    crs_evidence: dict[str, str]
    needs_crs: bool = False
    crs_suggestions: list[str] = field(default_factory=list)
    preview_geojson: dict[str, Any] = field(default_factory=dict)
    kept: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    rows_of: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    @property
    def errors(self) -> list[Finding]:
        """Return the findings that refuse something."""
        return [finding for finding in self.findings if finding.severity == "error"]


def judge_delivery(
    paths: Sequence[Path | str],
    crs: str | None = None,
    limits: Limits | None = None,
    *,
    known_nodes: Mapping[str, Place] | None = None,
    today: date | None = None,
) -> Judged:
    """Return the records a delivery holds and everything found on it; never raises for what a file contains.

    `crs` is what the sender declared; `known_nodes` are the enterprise's nodes already stored, code to (lon, lat).
    """
    delivery = read_delivery(paths, crs)
    judging = Judging(limits or Limits(), today or local(utc_now()).date())
    drafts = {id(table): drafts_of(table, judging) for table in delivery.tables if not table.refused}
    by_kind: dict[str, list[Draft]] = {kind: [] for kind in (*_POINT_KINDS, "pipe")}
    for table in delivery.tables:
        by_kind[table.kind] += drafts.get(id(table), [])
    _mark_rows_refused_on_reading(delivery, by_kind)
    if delivery.needs_crs:
        return _asked(delivery, judging)
    nodes = _judge_rows(delivery, by_kind, known_nodes or {}, judging)
    return _gather(delivery, by_kind, nodes, judging)


def _mark_rows_refused_on_reading(delivery: Delivery, by_kind: Mapping[str, list[Draft]]) -> None:
    refused = {(f.file, f.row): i for i, f in enumerate(delivery.findings) if f.severity == "error" and f.row}
    if not refused:
        return
    for drafts in by_kind.values():
        for draft in drafts:
            place = refused.get((draft.table.file, draft.row))
            if place is not None:
                draft.bad = True
                finding = delivery.findings[place]
                where = Where(finding.file, finding.row, draft.code, finding.field, finding.raw)
                delivery.findings[place] = Finding(**{**finding.__dict__, "object": where.object})


def _judge_rows(
    delivery: Delivery, by_kind: dict[str, list[Draft]], known: Mapping[str, Place], judging: Judging
) -> Nodes:
    for drafts in by_kind.values():
        _note_doubles(drafts, judging)
    for table in delivery.tables:
        own = [draft for draft in by_kind[table.kind] if draft.table is table]
        if table.kind == "pipe":
            lines_of(table, own, judging)
        elif own:
            place_drafts(table, own, judging)
    _judge_places(by_kind, judging)
    for pipe in by_kind["pipe"]:
        _judge_pipe(pipe, judging)
    mark_fittings(by_kind["node"])
    given = any(table.kind == "node" for table in delivery.tables)
    nodes = Nodes(by_kind["node"], known, closed=given)
    pipes = _with_way_to_a_line(by_kind["pipe"], nodes, judging)
    join_pipes(pipes, nodes, judging)
    for kind, names in _DEVICE_NODES.items():
        for draft in by_kind[kind]:
            check_device(draft, nodes, judging, names)
    for pipe in by_kind["pipe"]:
        _judge_length(pipe, judging)
    return nodes


def _note_doubles(drafts: Sequence[Draft], judging: Judging) -> None:
    """Refuse every code after its first row (R1); the same object twice in two files is taken once."""
    first: dict[str, Draft] = {}
    for draft in drafts:
        if not draft.code:
            continue
        other = first.setdefault(draft.code, draft)
        if other is draft:
            continue
        name = "user_no" if draft.table.kind == "user" else "src_code"
        facts = {"other": other.row, "file": other.table.file}
        if other.table.file != draft.table.file and other.values == draft.values:
            judging.note(draft, "code_double_same", name, facts)
            draft.values["again"] = True
        else:
            judging.note(draft, "code_double", name, facts)


def _judge_places(by_kind: Mapping[str, list[Draft]], judging: Judging) -> None:
    points = [d for kind in _POINT_KINDS for d in by_kind[kind] if "lon" in d.values]
    lines = [d for d in by_kind["pipe"] if "line" in d.values]
    places = [np.array([[d.values["lon"], d.values["lat"]] for d in points]).reshape(-1, 2)]
    places += [d.values["line"][:1] for d in lines]
    together = np.concatenate(places)
    if not len(together):
        return
    middle = spread_limit(together[:, 0], together[:, 1], judging.limits)
    look_elsewhere(middle[:2], judging)
    note_far(points, middle, judging)
    for draft in lines:
        note_far_line(draft, draft.values["line"], middle, judging)
    note_same_place(by_kind["node"], judging)
    low, high = judging.limits.elevation_min_m, judging.limits.elevation_max_m
    for node in by_kind["node"]:
        height = node.values.get("elevation_m")
        if height is not None and not low <= height <= high:
            judging.note(node, "elevation_range", "elevation_m", {"value": f"{height:g}"})


def _with_way_to_a_line(pipes: Sequence[Draft], nodes: Nodes, judging: Judging) -> list[Draft]:
    """Return the pipes that have a line or whose nodes can give one; a table with neither is told once."""
    lost: set[str] = set()
    found: list[Draft] = []
    for pipe in pipes:
        if pipe.table.shapes is None and not nodes.drafts and not nodes.known:
            pipe.held = True
            lost.add(pipe.table.file)
        else:
            found.append(pipe)
    judging.findings += [say("points_missing", Where(file)) for file in sorted(lost)]
    return found


def _judge_pipe(pipe: Draft, judging: Judging) -> None:
    names = PipeFacts.__dataclass_fields__
    values = {name: pipe.values.get(name) for name in names}
    for problem in pipe_problems(PipeFacts(**values), judging.limits, judging.today):
        _note_problem(pipe, problem, judging)


def _note_problem(pipe: Draft, problem: Problem, judging: Judging) -> None:
    facts: dict[str, Any] = dict(problem.facts)
    if "class" in facts:
        known = int(facts["class"])
        facts |= {
            "class_zh": word_of("pressure_class", known, "zh"),
            "class_en": word_of("pressure_class", known, "en"),
        }
    judging.note(pipe, problem.key, problem.field, facts, rule=problem.rule)


def _judge_length(pipe: Draft, judging: Judging) -> None:
    stated, measured = pipe.values.get("length_m"), pipe.values.get("measured_m")
    if stated is None or measured is None:
        return
    chord = pipe.table.chord or pipe.table.shapes is None
    problem = length_problem(stated, measured, chord=chord, limits=judging.limits)
    if problem is not None:
        _note_problem(pipe, problem, judging)


def _counts(delivery: Delivery, by_kind: Mapping[str, list[Draft]]) -> Counts:
    waits: dict[tuple[str, int], bool] = {}
    for drafts in by_kind.values():
        for draft in drafts:
            key = draft.table.file, draft.row
            waits[key] = waits.get(key, False) or draft.waits
    for table in delivery.tables:
        if table.refused or delivery.needs_crs:
            waits |= {(table.file, number): True for number in table.numbers}
    for finding in delivery.findings:
        if finding.severity == "error" and finding.row and finding.code == "E_SCHEMA" and finding.rule == "F1":
            waits.setdefault((finding.file, finding.row), True)
    refused = sum(waits.values())
    return Counts(len(waits), len(waits) - refused, refused)


def _asked(delivery: Delivery, judging: Judging) -> Judged:
    return Judged(
        files=delivery.files,
        records=[],
        findings=[*delivery.findings, *judging.findings],
        counts=_counts(delivery, {}),
        crs=delivery.crs,
        crs_evidence=delivery.crs_evidence,
        needs_crs=True,
        crs_suggestions=delivery.crs_suggestions,
    )


def _gather(delivery: Delivery, by_kind: dict[str, list[Draft]], nodes: Nodes, judging: Judging) -> Judged:
    done = Judged(delivery.files, [], [], Counts(0, 0, 0), delivery.crs, delivery.crs_evidence)
    for drafts in by_kind.values():
        for draft in drafts:
            if draft.waits or "again" in draft.values:
                continue
            record = record_of(draft, judging)
            if record is not None:
                done.records.append(record)
                _keep(draft, done)
    pipes = [pipe for pipe in by_kind["pipe"] if not pipe.waits and "again" not in pipe.values]
    _add_made_nodes(pipes, nodes, done, judging)
    used = [node for node in by_kind["node"] if not node.waits and "again" not in node.values]
    done.records += [record_from(values) for values in devices_at(used, pipes, judging)]
    judge_whole(done.records, nodes, judging)
    done.findings = [*delivery.findings, *judging.findings]
    done.counts = _counts(delivery, by_kind)
    done.preview_geojson = preview_geojson([draft for drafts in by_kind.values() for draft in drafts])
    return done


def _keep(draft: Draft, done: Judged) -> None:
    key = draft.table.kind, draft.code
    done.rows_of[key] = draft.table.file, draft.row
    row = draft.table.rows[draft.index]
    extra = {name: str(row[at]) for name, at in draft.table.extra if at < len(row) and row[at] not in (None, "")}
    if extra:
        done.kept[key] = extra


def _add_made_nodes(pipes: Sequence[Draft], nodes: Nodes, done: Judged, judging: Judging) -> None:
    named = {pipe.values[name]: None for pipe in pipes for name in ("from_node", "to_node")}
    made = [code for code in named if code in nodes.made]
    for code in made:
        lon, lat = nodes.made[code]
        done.records.append(record_from({"type": "NOD", "src_code": code, "lon": lon, "lat": lat}))
    if made:
        judging.findings.append(say("node_made", Where(pipes[0].table.file), {"count": len(made)}))

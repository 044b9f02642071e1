"""Pipes and nodes joined by node number: unknown nodes, ends away from their node, two codes at one place (R13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.spatial import cKDTree

from ingestion_adapters.files.drafts import Draft, Judging
from ingestion_adapters.files.lines import draw_between
from ingestion_adapters.files.places import distance_m, plane_m

Place = tuple[float, float]
_ENDS = (("from_node", 0), ("to_node", -1))


class Nodes:
    """Every node a pipe may name: those of the delivery, those known from before, those made from line ends."""

    def __init__(self, drafts: Iterable[Draft], known: Mapping[str, Place], *, closed: bool) -> None:
        """Take the delivery's nodes and the known ones; `closed` says that no other node may be named."""
        self.drafts: dict[str, Draft] = {}
        for draft in drafts:
            self.drafts.setdefault(draft.code, draft)
        self.known = known
        self.closed = closed
        self.made: dict[str, Place] = {}

    def place(self, code: str) -> Place | None:
        """Return where a usable node lies, or None."""
        draft = self.drafts.get(code)
        if draft is not None:
            return None if draft.waits or "lon" not in draft.values else (draft.values["lon"], draft.values["lat"])
        return self.known.get(code) or self.made.get(code)


def join_pipes(pipes: Sequence[Draft], nodes: Nodes, judging: Judging) -> None:
    """Check every named node and give each pipe the line between its nodes; bad references are noted."""
    if not nodes.closed:
        _make_nodes([pipe for pipe in pipes if "line" in pipe.values], nodes, judging)
    for pipe in pipes:
        # A line that cannot be used makes no nodes; to call them unknown as well would tell one fault twice.
        if not nodes.closed and pipe.table.shapes is not None and "line" not in pipe.values:
            continue
        if _check_references(pipe, nodes, judging):
            _fit_line(pipe, nodes, judging)


def check_device(draft: Draft, nodes: Nodes, judging: Judging, names: Sequence[str] = ("node",)) -> None:
    """Check the nodes a device or user names, and give it its node's place when it has none of its own."""
    if not _check_references(draft, nodes, judging, names):
        return
    place = nodes.place(draft.values.get(names[0], ""))
    if "lon" not in draft.values and place is not None:
        draft.values["lon"], draft.values["lat"] = place


def _check_references(
    draft: Draft, nodes: Nodes, judging: Judging, names: Sequence[str] = ("from_node", "to_node")
) -> bool:
    good = True
    for name in names:
        code = draft.values.get(name)
        if code is None:
            good = good and name not in ("from_node", "to_node")
            continue
        if nodes.place(code) is not None:
            continue
        good = False
        target = nodes.drafts.get(code)
        if target is not None:
            draft.held = True
            judging.note(draft, "node_held", name, {"value": code, "other": target.row})
        else:
            judging.note(draft, "node_unknown", name, {"value": code})
    return good


def _fit_line(pipe: Draft, nodes: Nodes, judging: Judging) -> None:
    start, end = nodes.place(pipe.values["from_node"]), nodes.place(pipe.values["to_node"])
    if start is None or end is None:
        return
    line = pipe.values.get("line")
    if line is None:
        if pipe.table.shapes is None:
            draw_between(pipe, start, end, judging)
        return
    gaps = _gaps(line, start, end)
    turned = _gaps(line[::-1], start, end)
    limit = judging.limits.snap_gross_m
    if max(turned) <= limit < max(gaps):
        judging.note(pipe, "line_reversed")
        line, gaps = line[::-1].copy(), turned
    for (name, at), place, gap in zip(_ENDS, (start, end), gaps, strict=True):
        facts = {"value": pipe.values[name], "distance": f"{gap:.2f}", "limit": f"{limit:g}"}
        if gap > limit:
            judging.note(pipe, "node_far", name, facts)
            continue
        # The survey rounds points to decimetres, so a gap that small is no news.
        if gap > judging.limits.snap_m * 2:
            judging.note(pipe, "node_near", name, facts)
        line = line.copy()
        line[at] = place
    pipe.values["line"] = line


def _gaps(line: np.ndarray, start: Place, end: Place) -> tuple[float, float]:
    return distance_m((line[0, 0], line[0, 1]), start), distance_m((line[-1, 0], line[-1, 1]), end)


def _make_nodes(pipes: Sequence[Draft], nodes: Nodes, judging: Judging) -> None:
    """Place nodes that no table gives at the line ends that name them; most ends within a metre of each other win."""
    ends: dict[str, list[Place]] = {}
    for pipe in pipes:
        for name, at in _ENDS:
            code = pipe.values.get(name)
            if code and code not in nodes.drafts and code not in nodes.known:
                point = pipe.values["line"][at]
                ends.setdefault(code, []).append((float(point[0]), float(point[1])))
    for code, places in ends.items():
        nodes.made[code] = _best_place(places, judging.limits.snap_gross_m)
    _note_two_codes(pipes, nodes, Counter({code: len(places) for code, places in ends.items()}), judging)


def _best_place(places: list[Place], within_m: float) -> Place:
    if len(places) == 1:
        return places[0]
    support = [sum(distance_m(one, other) <= within_m for other in places) for one in places]
    return places[support.index(max(support))]


def _note_two_codes(pipes: Sequence[Draft], nodes: Nodes, uses: Counter[str], judging: Judging) -> None:
    """Refuse pipes that give a place a second code: the code known before, or named by more pipes, is right."""
    fixed = {**nodes.known, **{code: place for code in nodes.drafts if (place := nodes.place(code))}}
    codes = [*nodes.made, *fixed]
    if len(codes) < 2 or not nodes.made:
        return
    points = np.array([*nodes.made.values(), *fixed.values()])
    plane = np.column_stack(plane_m(points[:, 0], points[:, 1], float(np.median(points[:, 1]))))
    twins: dict[str, tuple[str, bool]] = {}
    for a, b in cKDTree(plane).query_pairs(judging.limits.snap_m * 2):
        one, other = codes[a], codes[b]
        weights = [(code not in nodes.made, uses[code]) for code in (one, other)]
        if all(fix for fix, _ in weights):
            continue
        wrong, right = (one, other) if weights[0] < weights[1] else (other, one)
        twins[wrong] = (right, weights[0] != weights[1])
    for pipe in pipes:
        for name, _ in _ENDS:
            right, sure = twins.get(pipe.values.get(name, ""), ("", False))
            if right:
                key = "node_conflict" if sure else "place_same"
                facts = {"value": pipe.values[name] if sure else right, "other": right}
                judging.note(pipe, key, name, facts)

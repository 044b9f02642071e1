"""The form of an agreement on evaluations as a browser sends it."""

from __future__ import annotations

from datetime import date

from reports.agreement_rules import first_terms
from reports.indicators import DEFINITIONS, GRADES

MONTH = date(2026, 10, 1)


def form(**changed: str) -> dict[str, str]:
    """Return the fields of what holds without an agreement, some of them changed."""
    terms = first_terms(MONTH, DEFINITIONS, str)
    given = {"note": "双方商定"} | {f"grade_{grade}": str(least) for least, grade in GRADES}
    for key, line in terms.lines.items():
        given |= {f"weight_{key}": str(line.weight), f"target_{key}": str(line.target)}
        given |= {f"floor_{key}": str(line.floor), f"node_{key}": line.node}
    return given | changed

"""The report of a delivery as a file: the shape `--report` promises."""

from __future__ import annotations

from typing import Any

from ingestion_adapters.files.findings import Finding
from ingestion_adapters.files.judge import Judged


def report_json(judged: Judged, language: str = "zh") -> dict[str, Any]:
    """Return the report; `findings` are what refused rows or files, `warnings` and `notices` stand beside them."""
    shown: dict[str, list[dict[str, Any]]] = {"error": [], "warning": [], "notice": []}
    for finding in judged.findings:
        shown[finding.severity].append(_row(finding, language))
    return {
        "files": judged.files,
        "rows": judged.counts.rows,
        "accepted": judged.counts.accepted,
        "quarantined": judged.counts.quarantined,
        "crs": judged.crs,
        "findings": shown["error"],
        "warnings": shown["warning"],
        "notices": shown["notice"],
        "crs_evidence": judged.crs_evidence,
    }


def _row(finding: Finding, language: str) -> dict[str, Any]:
    message = finding.message_en if language.startswith("en") else finding.message_zh
    return {
        "file": finding.file,
        "row": finding.row,
        "object": finding.object,
        "field": finding.field,
        "rule": finding.rule,
        "code": finding.code,
        "message": message,
        "message_zh": finding.message_zh,
        "message_en": finding.message_en,
    }

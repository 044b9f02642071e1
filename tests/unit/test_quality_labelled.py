"""The published precision and recall of the rules on series are what the labelled set gives, and good enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion_adapters.quality.ruleset import shipped
from tests.quality_labelled import CASES, measured

PAPER = (Path(__file__).parents[2] / "docs" / "quality-rules.md").read_text("utf-8")


@pytest.mark.clause("7.2.1.3-h")
@pytest.mark.parametrize("rule", list(CASES))
def test_the_paper_tells_what_a_rule_finds_of_seeded_faults(rule: str) -> None:
    found = measured(rule)
    assert found.line() in PAPER
    assert found.recall >= (0.85 if rule == "LAST-DIGIT" else 0.9) and found.false <= 0.01 * found.clean


def test_the_seasonal_residual_finds_more_than_the_two_that_know_no_season() -> None:
    recall = {name: measured(f"OUTLIER-{name}").recall for name in ("MAD", "IQR", "SEASON")}
    assert recall["SEASON"] > max(recall["MAD"], recall["IQR"])


def test_every_rule_stands_in_the_paper_with_its_weight() -> None:
    lines = [line for line in PAPER.splitlines() if line.startswith("| ")]
    for code, rule in shipped().items():
        assert any(line.startswith(f"| {code} |") and f"| {rule['weight']:g} |" in line for line in lines), code

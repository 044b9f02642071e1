"""What both sides settle about an evaluation: weights make up one, figures fit together, shares follow."""

from __future__ import annotations

from decimal import Decimal

import pytest

from portal.core.errors import Invalid
from reports.agreement_rules import HUNDRED, first_terms, parse_terms, terms_of, with_terms
from reports.indicators import DEFINITIONS, Measured, judge, total_of, with_shares
from tests.agreement_form import MONTH, form


@pytest.mark.clause("10.2-6b")
def test_the_first_draft_makes_up_a_hundred_and_says_what_held_before() -> None:
    terms = first_terms(MONTH, DEFINITIONS, str)
    assert terms.total_weight() == HUNDRED
    assert terms.lines["D1"].weight == Decimal("5.56")
    assert terms_of(MONTH, terms.content(), "") == terms
    agreed, groups = with_terms(DEFINITIONS, terms)
    assert sum(groups.values()) == pytest.approx(100) and groups["emergency"] == 0
    outcomes = [judge(each, Measured(1, 1, each.target)) for each in DEFINITIONS]
    before = {each.definition.id: each.share for each in with_shares(outcomes)}
    after = with_shares([judge(each, Measured(1, 1, each.target)) for each in agreed], groups)
    for each in after:
        assert each.share == pytest.approx(before[each.definition.id], abs=0.02)
    assert total_of(after, groups).score == pytest.approx(100)


def test_a_weight_of_nothing_leaves_an_indicator_out() -> None:
    terms = parse_terms(form(weight_O5="0", weight_O1="22.22"), MONTH)
    agreed, groups = with_terms(DEFINITIONS, terms)
    outcomes = with_shares([judge(each, Measured(1, 1, each.floor)) for each in agreed if each.id in ("O1", "O5")], groups)
    assert [round(each.share) for each in outcomes] == [100, 0]
    only = with_shares([judge(each, Measured(1, 1, 3)) for each in agreed if each.id == "O5"], groups)
    assert only[0].share == 0 and total_of(only, groups).score is None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"weight_D1": "6"}, "agreement_weights"),
        ({"weight_D1": "5.555"}, "agreement_number"),
        ({"weight_D1": "nan"}, "agreement_number"),
        ({"weight_D1": "-1"}, "agreement_number"),
        ({"target_D1": "80"}, "agreement_target"),
        ({"target_A3": "40"}, "agreement_target"),
        ({"target_D1": "inf"}, "agreement_number"),
        ({"node_D1": " "}, "agreement_node"),
        ({"note": ""}, "agreement_note"),
        ({"grade_B": "95"}, "agreement_grades"),
        ({"grade_D": "0"}, "agreement_grades"),
    ],
)
def test_terms_that_do_not_fit_are_refused_with_the_reason(changed: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_terms(form(**changed), MONTH)
    assert refused.value.code == code

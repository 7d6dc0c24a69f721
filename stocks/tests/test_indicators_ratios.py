"""Every fundamental figure against a sheet worked out by hand, and against what others have published."""

from __future__ import annotations

from fractions import Fraction

import pytest

from stocks.indicators.ratios import RATIO_IDS
from stocks.tests.ratio_cases import expectations, figures
from stocks.tests.ratio_sheet import FORWARD_DPS, FORWARD_EPS, MARKET, PAPERS, SHEET


@pytest.fixture(scope="module")
def manufacturer():
    return figures(PAPERS, **MARKET, snapshots=expectations(eps=FORWARD_EPS, dps=FORWARD_DPS))


def test_the_sheet_has_every_figure_and_no_other():
    assert set(SHEET) == set(RATIO_IDS)


@pytest.mark.parametrize("id_", RATIO_IDS)
def test_a_figure_is_that_of_the_worked_sheet(manufacturer, id_: str):
    by_hand = SHEET[id_]
    exact = by_hand.numerator / by_hand.denominator if isinstance(by_hand, Fraction) else float(by_hand)
    assert manufacturer[id_] == pytest.approx(exact, rel=1e-12)


def test_the_three_parts_of_dupont_make_the_return_on_equity(manufacturer):
    parts = manufacturer["dupont_margin"] * manufacturer["dupont_turnover"] * manufacturer["dupont_leverage"]
    assert parts == pytest.approx(manufacturer["roe"])

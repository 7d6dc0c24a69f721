"""Laws of the fundamental figures that hold for every company: scales, unknowns and signs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocks.indicators.catalog import INDICATORS
from stocks.indicators.filed import STORED
from stocks.indicators.ratios import RATIO_IDS, ratios
from stocks.tests.facts_naive import Paper
from stocks.tests.ratio_cases import ON, companies, expectations, figures, quarter, year
from stocks.tests.ratio_sheet import FORWARD_DPS, FORWARD_EPS, MARKET, PAPERS

MONEY = tuple(line for line in STORED if line != "shares_outstanding")
#: Lines that a company without such a thing leaves out.
WHERE_FILED = {"short_term_investments", "preferred_equity", "minority_interest"}
#: The lines that tell an input: without all of them it is unknown.
TOLD_BY = {
    "total_debt": ("total_debt", "short_term_debt", "long_term_debt"),
    "gross_profit": ("gross_profit", "cost_of_revenue"),
    "cost_of_revenue": ("gross_profit", "cost_of_revenue"),
    "ebit": ("ebit", "pretax_profit"),
    "eps": ("eps", "net_profit"),
    "goodwill": ("goodwill", "intangible_assets"),
    "intangible_assets": ("goodwill", "intangible_assets"),
    "share_repurchases": ("share_repurchases", "share_issuance"),
    "share_issuance": ("share_repurchases", "share_issuance"),
}
#: Inputs that no statement has, as the tests call them.
OF_MARKET = {"close": "close", "dividends": "dps_ttm", "fx_rate": "dollars"}
#: Those that are on paid dividends or expectations alone.
NOT_FILED = {
    *("per_fwd", "dividend_yield_ttm", "dividend_yield_fwd", "dps_yoy", "dps_cagr_5y", "dps_ttm"),
    *("dividend_streak_years", "dividend_growth_streak", "ex_dividend_days", "yield_on_5y_avg_price"),
}
FILED = [id_ for id_ in RATIO_IDS if id_ not in NOT_FILED]


def sheet(papers: Iterable[Paper] = PAPERS, **market: Any) -> Mapping[str, float]:
    return figures(
        tuple(papers), **{**MARKET, "snapshots": expectations(eps=FORWARD_EPS, dps=FORWARD_DPS), **market}
    )


def mapped(papers: Iterable[Paper], change: Any) -> list[Paper]:
    """The papers with each amount replaced by change(line, amount), or left out where that is None."""
    return [
        Paper(
            paper.year,
            paper.quarter,
            paper.filed_on,
            paper.currency,
            {line: new for line, old in paper.amounts.items() if (new := change(line, old)) is not None},
        )
        for paper in papers
    ]


def without(papers: Iterable[Paper], lines: Iterable[str]) -> list[Paper]:
    gone = set(lines)
    return mapped(papers, lambda line, amount: None if line in gone else amount)


def same(found: Mapping[str, float], expected: Mapping[str, float], scale: Mapping[str, float]) -> None:
    for id_ in RATIO_IDS:
        factor = scale.get(INDICATORS[id_].unit, 1.0)
        wanted = expected[id_] * factor
        assert found[id_] == pytest.approx(wanted, rel=1e-9, abs=1e-9 * factor, nan_ok=True), id_


@st.composite
def papers_of_a_company(draw: st.DrawFn) -> list[Paper]:
    """Nine years of statements of any sign, a quarter each at times, with lines missing here and there."""
    source = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    missing = draw(st.sampled_from([0.0, 0.1, 0.5]))
    loss = draw(st.sampled_from([0.0, 0.2]))

    def amounts() -> dict[str, float]:
        values = source.uniform(1, 1000, len(STORED)) * np.where(source.random(len(STORED)) < loss, -1, 1)
        told = source.random(len(STORED)) >= missing
        return {line: float(abs(v) if line == "shares_outstanding" else v)
                for line, v, is_told in zip(STORED, values, told, strict=True) if is_told}  # fmt: skip

    papers = [year(number, **amounts()) for number in range(2016, 2025)]
    if draw(st.booleans()):
        papers += [quarter(2022 + k // 4, k % 4 + 1, **amounts()) for k in range(13)]
    return papers


@given(papers_of_a_company(), st.sampled_from([0.0007, 3.0, 1350.0]))
@settings(deadline=None, max_examples=60)
def test_another_unit_of_money_changes_only_what_is_money(papers: list[Paper], unit: float):
    money = mapped(papers, lambda line, amount: amount * (unit if line in MONEY else 1.0))
    scaled = {name: MARKET[name] * unit for name in ("close", "average_close_5y", "dps_ttm")}
    found = sheet(
        money,
        **scaled,
        dividends=[amount * unit for amount in MARKET["dividends"]],
        dollars=MARKET["dollars"] / unit,
        snapshots=expectations(eps=FORWARD_EPS * unit, dps=FORWARD_DPS * unit),
    )
    same(found, sheet(papers), {"price": unit, "money": unit})


@given(papers_of_a_company(), st.sampled_from([0.5, 4.0, 50.0]))
@settings(deadline=None, max_examples=60)
def test_a_split_changes_only_what_is_per_share(papers: list[Paper], ratio: float):
    per_line = {"shares_outstanding": ratio, "eps": 1.0 / ratio}
    split = mapped(papers, lambda line, amount: amount * per_line.get(line, 1.0))
    found = sheet(
        split,
        **{name: MARKET[name] / ratio for name in ("close", "average_close_5y", "dps_ttm")},
        shares=MARKET["shares"] * ratio,
        dividends=[amount / ratio for amount in MARKET["dividends"]],
        snapshots=expectations(eps=FORWARD_EPS / ratio, dps=FORWARD_DPS / ratio),
    )
    same(found, sheet(papers), {"price": 1.0 / ratio})


@given(st.lists(papers_of_a_company(), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_a_company_is_the_same_alone_and_among_others_bit_for_bit(stocks: list[list[Paper]]):
    together = ratios(companies(stocks, **MARKET))
    for number, papers in enumerate(stocks):
        alone = ratios(companies([papers], **MARKET))
        for id_ in RATIO_IDS:
            assert alone[id_].tobytes() == together[id_][number : number + 1].tobytes(), id_


@given(papers_of_a_company())
@settings(deadline=None, max_examples=60)
def test_a_figure_is_a_finite_number_or_unknown(papers: list[Paper]):
    found = sheet(papers)
    assert list(found) == list(RATIO_IDS)
    assert not [id_ for id_, value in found.items() if math.isinf(value)]


@pytest.mark.parametrize("id_", FILED)
def test_a_figure_without_one_of_its_inputs_is_unknown(id_: str):
    lines: tuple[str, ...]
    for item in INDICATORS[id_].inputs:
        if item == "shares_outstanding":  # of the listing, or of the statements
            lines, market = (item, "share_issuance"), {"shares": math.nan}
        elif item in OF_MARKET:
            lines, market = (), {OF_MARKET[item]: math.nan}
        else:
            lines, market = TOLD_BY.get(item, (item,)), {}
        assert math.isnan(sheet(without(PAPERS, lines), **market)[id_]), item


@pytest.mark.parametrize("id_", FILED)
def test_a_figure_needs_nothing_but_its_inputs(id_: str):
    needed = set(WHERE_FILED)
    for item in INDICATORS[id_].inputs:
        needed |= {item, *TOLD_BY.get(item, ())}
    needed |= {"interest_expense"} if "pretax_profit" in needed else set()
    other = [line for line in STORED if line not in needed]
    assert sheet(without(PAPERS, other))[id_] == sheet()[id_]


@pytest.mark.parametrize("id_", [id_ for id_ in RATIO_IDS if INDICATORS[id_].min_quarters])
def test_a_figure_comes_with_exactly_its_quarters(id_: str):
    last = PAPERS[-1].amounts
    history = [
        quarter(
            2018 + k // 4,
            k % 4 + 1,
            **{line: last[line] * (1.0 + 0.002 * k * (place % 5 + 1)) for place, line in enumerate(last)},
        )
        for k in range(28)
    ]
    first = next(
        count
        for count in range(1, 29)
        if not math.isnan(figures(history[:count], **{**MARKET, "on": history[count - 1].filed_on})[id_])
    )
    assert first == INDICATORS[id_].min_quarters


def test_a_loss_makes_the_per_unknown_and_its_yield_negative():
    for profit in (0.0, -480.0):
        found = sheet(mapped(PAPERS, lambda line, amount, p=profit: p if line == "net_profit" else amount))
        unknown = ("per_ttm", "peg", "graham_number", "graham_upside", "payout_ratio", "sustainable_growth")
        assert all(math.isnan(found[id_]) for id_ in unknown)
        assert found["earnings_yield"] == profit / 50.0
        assert found["dividend_cover"] == profit / 200.0


def test_no_ratio_is_taken_on_equity_that_is_gone():
    # Thirteen times as much is lost as is there: −480 / −2,600 would read as +18 %.
    lost = {"total_equity": -1.0, "net_profit": -1.0}
    found = sheet(mapped(PAPERS, lambda line, amount: amount * lost.get(line, 1.0)))
    on_equity = (
        *("roe", "pbr", "ptbv", "debt_to_equity", "net_debt_to_equity", "liabilities_to_equity"),
        *("dupont_leverage", "financial_leverage", "roe_5y_avg", "roe_stdev_5y", "graham_number"),
        *("equity_yoy", "bps_yoy", "bps_cagr_5y", "sustainable_growth"),
    )
    assert [id_ for id_ in on_equity if not math.isnan(found[id_])] == []
    assert found["book_yield"] == -52.0


def test_growth_from_a_loss_is_unknown_and_into_one_is_a_fall():
    before = mapped(PAPERS, lambda line, amount: -amount if line == "net_profit" else amount)
    assert math.isnan(sheet(before)["net_profit_yoy"])
    last = [*PAPERS[:-2], *mapped(PAPERS[-2:], lambda line, a: -a if line == "net_profit" else a)]
    found = sheet(last)
    assert found["net_profit_yoy"] == pytest.approx((-130 - 104) / 104 * 100)
    assert math.isnan(found["net_profit_cagr_3y"])


def test_a_company_that_its_cash_would_buy_has_no_multiple_of_its_enterprise():
    found = sheet(mapped(PAPERS, lambda line, amount: 9000.0 if line == "cash" else amount))
    assert found["ev"] == 5000 + 1600 - 9000 - 300 + 100 + 100
    multiples = ("ev_sales", "ev_ebitda", "ev_ebit", "ev_fcf", "ev_ic", "acquirers_multiple")
    assert all(math.isnan(found[id_]) for id_ in multiples)


def test_statements_in_another_currency_are_never_set_against_the_price():
    found, at_home = sheet(currency="USD"), sheet()
    priced = {id_ for id_ in FILED if {"close", "dividends"} & set(INDICATORS[id_].inputs)}
    priced |= {"graham_number", "ncav_per_share"}
    assert {id_ for id_ in FILED if math.isnan(found[id_])} == priced
    assert {id_ for id_ in FILED if found[id_] != at_home[id_]} == priced
    assert math.isnan(found["per_fwd"]) and math.isnan(found["dividend_yield_fwd"])


def test_taxes_on_the_operating_profit_are_held_between_nothing_and_all_of_it():
    def roic(**amounts: float) -> float:
        """Of what it would be without taxes."""
        papers = mapped(PAPERS, lambda line, amount: amounts.get(line, amount))
        return sheet(papers)["roic"] / (686 / 3500 * 100)

    assert roic() == pytest.approx(0.75)
    assert roic(income_tax=-50.0) == pytest.approx(1.0)
    assert roic(income_tax=2000.0) == 0.0
    assert roic(pretax_profit=-10.0) == pytest.approx(1.0)


def test_a_line_that_only_one_of_two_years_has_makes_the_change_unknown():
    last = [*PAPERS[:-1], *without(PAPERS[-1:], ["short_term_investments"])]
    found = sheet(last)
    assert math.isnan(found["sloan_accruals"]) and math.isnan(found["accruals_ratio"])
    neither = sheet(without(PAPERS, ["short_term_investments"]))
    assert not math.isnan(neither["sloan_accruals"]) and not math.isnan(neither["incremental_roic"])


def test_earnings_per_share_are_compared_with_ones_of_their_kind():
    # The year before files none: both are then net profit over shares outstanding, 4.80 against 380 / 104.
    bare = [paper if paper.year != 2023 else without([paper], ["eps"])[0] for paper in PAPERS]
    assert sheet(bare)["eps_ttm_yoy"] == pytest.approx((4.8 / (380 / 104) - 1) * 100)


def test_ohlsons_score_waits_for_a_price_level():
    early = [Paper(p.year - 30, p.quarter, date(p.year - 29, 3, 20), "KRW", p.amounts) for p in PAPERS[-3:]]
    found = figures(early, **{**MARKET, "on": date(ON.year - 30, 6, 30)})
    assert math.isnan(found["ohlson_o"]) and found["roe"] == pytest.approx(480 / 2600 * 100)

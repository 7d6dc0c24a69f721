"""Facts by hand: what a filing says, from which day on, and on which shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from stocks.indicators.facts import Facts
from stocks.indicators.filed import FLOWS, ITEMS, LEVELS, STORED
from stocks.indicators.periods import MAX_AGE_DAYS
from stocks.indicators.published import FORWARD_MAX_AGE_DAYS, Snapshots
from stocks.tests.facts_cases import columns, days, splits
from stocks.tests.facts_naive import Paper
from stocks.types import STATEMENT_LINES

ON = date(2025, 6, 2)


def facts(papers: Sequence[Paper], on: date = ON, **given) -> Facts:
    return Facts.of(columns([papers]), on=days([on]), **given)


def paper(year: int, quarter: int, filed_on: date, **amounts: float) -> Paper:
    return Paper(year, quarter, filed_on, amounts=amounts)


# 기신정기 (092440) as filed with DART, the years to March 2023, 2024 and 2025.
KISHIN = [
    paper(2023, 0, date(2023, 6, 8), revenue=144440857401, net_profit=4378917213, total_equity=251146199319),
    paper(2024, 0, date(2024, 6, 13), revenue=137860488679, net_profit=1715138867, total_equity=249284656369),
    paper(2025, 0, date(2025, 6, 12), revenue=131315525932, net_profit=3113404250, total_equity=249969268041),
]


def test_filed_years_give_the_published_return_on_equity_and_growth():
    found = facts(KISHIN, date(2025, 12, 30))
    assert round(float(found.ttm("net_profit")[0] / found.balance("total_equity")[0]) * 100, 2) == 1.25
    assert round(float(found.period("revenue")[0] / found.period("revenue", 1)[0] - 1) * 100, 2) == -4.75
    assert found.year("net_profit", 2)[0] == 4378917213
    assert found.currency.tolist() == ["KRW"]


def test_a_statement_counts_from_the_day_it_was_filed_and_not_too_long():
    assert not facts(KISHIN, date(2023, 6, 7)).known[0]
    assert facts(KISHIN, date(2024, 6, 12)).ttm("net_profit")[0] == 4378917213
    assert facts(KISHIN, date(2024, 6, 13)).ttm("net_profit")[0] == 1715138867
    last = KISHIN[-1].filed_on + timedelta(days=MAX_AGE_DAYS)
    assert facts(KISHIN, last).known[0]
    late = facts(KISHIN, last + timedelta(days=1))
    assert not late.known[0] and late.currency[0] == ""
    assert math.isnan(late.ttm("net_profit")[0]) and math.isnan(late.balance("total_equity")[0])


def test_a_restatement_replaces_from_its_own_day_on_and_also_in_the_past():
    restated = replace(KISHIN[1], filed_on=date(2025, 1, 20), amounts={"net_profit": 7.0})
    filed = [restated, *KISHIN]
    assert facts(filed, date(2025, 1, 19)).ttm("net_profit")[0] == 1715138867
    assert facts(filed, date(2025, 1, 20)).ttm("net_profit")[0] == 7.0
    # What it leaves out is not known any more; the first filing is void.
    assert math.isnan(facts(filed, date(2025, 1, 20)).ttm("revenue")[0])
    assert facts(filed, date(2025, 6, 12)).ttm("net_profit", 1)[0] == 7.0


def quarters(*amounts: float, year: int = 2023, **rest: float) -> list[Paper]:
    """Quarters in a row, filed 45 days after their end."""
    found = []
    for number, amount in enumerate(amounts):
        ends = date(year + number // 4, 1, 1) + timedelta(days=91 * (number % 4 + 1))
        of = {"net_profit": amount, "total_equity": 1000.0 + number, **rest}
        filed_on = ends + timedelta(days=45)
        found.append(Paper(year + number // 4, number % 4 + 1, filed_on, amounts=of))
    return found


def test_twelve_months_are_four_quarters_and_a_year_before_the_four_before():
    filed = quarters(1, 2, 3, 4, 10, 20, 30, 40, 100)
    found = facts(filed, filed[-1].filed_on)
    assert (found.ttm("net_profit")[0], found.ttm("net_profit", 1)[0]) == (190.0, 19.0)
    assert math.isnan(found.ttm("net_profit", 2)[0])
    assert [found.quarter("net_profit", back)[0] for back in (0, 1, 4, 8)] == [100.0, 40.0, 10.0, 1.0]
    assert (found.balance("total_equity")[0], found.balance("total_equity", 2)[0]) == (1008.0, 1000.0)
    assert found.average("total_equity")[0] == 1006.0
    assert (found.year("net_profit")[0], found.year("net_profit", 1)[0]) == (100.0, 10.0)
    assert (found.period("net_profit")[0], found.period("net_profit", 1)[0]) == (100.0, 10.0)


def test_a_fourth_quarter_is_the_rest_of_its_year_and_ends_as_the_year_does():
    filed = quarters(10, 20, 30)
    year = paper(2023, 0, date(2024, 3, 20), net_profit=100.0, total_equity=500.0)
    found = facts([*filed, year], date(2024, 3, 20))
    assert (found.quarter("net_profit")[0], found.quarter("net_profit", 1)[0]) == (40.0, 30.0)
    assert (found.quarter("total_equity")[0], found.ttm("net_profit")[0]) == (500.0, 100.0)
    assert math.isnan(facts([*filed, year], date(2024, 3, 19)).ttm("net_profit")[0])


def test_a_year_tells_what_one_of_its_quarters_does_not():
    filed = quarters(10, 20, 30, 40)
    filed[1] = replace(filed[1], amounts={"total_equity": 1.0})
    year = paper(2023, 0, date(2024, 3, 20), net_profit=100.0)
    assert math.isnan(facts(filed, date(2024, 3, 20)).ttm("net_profit")[0])
    assert facts([*filed, year], date(2024, 3, 20)).ttm("net_profit")[0] == 100.0


def test_quarters_before_a_year_that_ends_later_say_nothing_of_the_last_quarter():
    filed = [*quarters(1, 2, 3, 4, 5), paper(2024, 0, date(2025, 3, 20), net_profit=50.0)]
    found = facts(filed)
    assert found.ttm("net_profit")[0] == 50.0
    assert math.isnan(found.quarter("net_profit")[0])
    # The year before is told by its quarters.
    assert (found.ttm("net_profit", 1)[0], found.year("net_profit", 1)[0]) == (10.0, 10.0)


def test_amounts_of_two_currencies_are_never_added_or_compared():
    filed = quarters(1, 2, 3, 4, 5, 6, 7, 8)
    filed = [replace(one, currency="USD") if one.year == 2024 else one for one in filed]
    found = facts(filed, filed[-1].filed_on)
    assert found.currency.tolist() == ["USD"]
    assert found.ttm("net_profit")[0] == 26.0
    for before in (found.ttm("net_profit", 1), found.quarter("net_profit", 4), found.year("net_profit", 1)):
        assert math.isnan(before[0])
    assert math.isnan(found.balance("total_equity", 1)[0]) and math.isnan(found.period("net_profit")[0])
    third = facts(filed, filed[6].filed_on)
    assert math.isnan(third.ttm("net_profit")[0])


def test_lines_that_are_not_filed_follow_from_those_that_are():
    told = {
        "revenue": 100.0,
        "cost_of_revenue": 60.0,
        "pretax_profit": 20.0,
        "interest_expense": 5.0,
        "depreciation_amortization": 8.0,
        "operating_cash_flow": 30.0,
        "capital_expenditure": 12.0,
        "total_debt": 50.0,
        "long_term_debt": 35.0,
        "total_assets": 200.0,
        "total_liabilities": 120.0,
        "total_equity": 75.0,
    }
    found = facts([paper(2024, 0, date(2025, 3, 20), **told)])
    flows = {item: found.ttm(item)[0] for item in ("gross_profit", "ebit", "ebitda", "free_cash_flow")}
    assert flows == {"gross_profit": 40.0, "ebit": 25.0, "ebitda": 33.0, "free_cash_flow": 18.0}
    assert (found.balance("short_term_debt")[0], found.balance("minority_interest")[0]) == (15.0, 5.0)


def test_a_filed_line_comes_before_one_that_follows():
    told = {"revenue": 100.0, "cost_of_revenue": 60.0, "gross_profit": 39.0, "ebit": 24.0}
    more = {"pretax_profit": 20.0, "interest_expense": 5.0, "depreciation_amortization": 8.0}
    found = facts([paper(2024, 0, date(2025, 3, 20), **told, **more)])
    assert (found.ttm("gross_profit")[0], found.ttm("ebit")[0], found.ttm("ebitda")[0]) == (39.0, 24.0, 32.0)


def test_debts_are_added_up_and_a_rest_below_nothing_is_unknown():
    found = facts([paper(2024, 0, date(2025, 3, 20), short_term_debt=1.0, long_term_debt=2.0)])
    assert found.balance("total_debt")[0] == 3.0
    found = facts([paper(2024, 0, date(2025, 3, 20), total_debt=1.0, long_term_debt=2.0)])
    assert math.isnan(found.balance("short_term_debt")[0])


SPLIT = date(2025, 2, 3)


def test_figures_per_share_are_on_the_shares_of_the_day():
    filed = [
        replace(one, basis_on=one.filed_on - timedelta(days=45))
        for one in quarters(1, 1, 1, 1, 1, 1, 1, 1, eps=10.0, shares_outstanding=100.0)
    ]
    split = splits([(0, SPLIT, 5.0)])
    before = facts(filed, date(2025, 1, 31), splits=split)
    assert (before.ttm("eps")[0], before.balance("shares_outstanding")[0]) == (40.0, 100.0)
    after = facts(filed, date(2025, 3, 3), splits=split)
    assert (after.ttm("eps")[0], after.ttm("eps", 1)[0]) == (8.0, 8.0)
    assert after.balance("shares_outstanding")[0] == 500.0
    assert after.quarter("eps", 3)[0] == 2.0


def test_what_a_vendor_has_restated_is_not_divided_twice():
    restated = replace(
        paper(2023, 0, date(2024, 3, 20), eps=2.0, shares_outstanding=500.0), basis_on=date(2025, 5, 1)
    )
    split = splits([(0, SPLIT, 5.0)])
    after = facts([restated], date(2025, 3, 3), splits=split)
    assert (after.ttm("eps")[0], after.balance("shares_outstanding")[0]) == (2.0, 500.0)
    # On a day before the split its shares were fewer.
    before = facts([restated], date(2025, 1, 31), splits=split)
    assert (before.ttm("eps")[0], before.balance("shares_outstanding")[0]) == (10.0, 100.0)


def test_splits_of_one_day_and_after_another_are_multiplied_and_other_stocks_keep_theirs():
    found = splits([(1, date(2025, 3, 3), 2.0), (0, SPLIT, 5.0), (1, SPLIT, 3.0), (1, SPLIT, 0.5)])
    stock = np.array([0, 1, 1, 1, 2, 0])
    day = days([date(2025, 1, 1), date(2025, 1, 1), SPLIT, date(2025, 3, 3), date(2020, 1, 1), SPLIT])
    assert found.factor(stock, day).tolist() == [5.0, 3.0, 2.0, 1.0, 1.0, 1.0]


def snapshot(as_of: date, stock: int = 0, currency: str = "USD", **values: float) -> tuple:
    return stock, as_of, currency, values


def snapshots(*rows: tuple) -> Snapshots:
    names = {name for *_, values in rows for name in values}
    return Snapshots(
        stock=np.array([row[0] for row in rows], dtype=np.int64),
        as_of=days([row[1] for row in rows]),
        currency=np.array([row[2] for row in rows]),
        values={name: np.array([row[3].get(name, np.nan) for row in rows]) for name in names},
    )


# A. O. Smith as published for 2018-02-08.
AOS = snapshot(
    date(2018, 2, 8),
    price=60.24,
    eps=1.70,
    per=27.76,
    pbr=6.35,
    psr=3.5754826,
    dividend_yield=1.1479592,
    market_cap=10783419933.0,
    ebitda=601000000.0,
)


def published(*rows: tuple, on: date = date(2018, 2, 8), papers: Sequence[Paper] = (), **given) -> Facts:
    return facts(papers, on, snapshots=snapshots(*rows), **given)


def test_ratios_of_a_vendor_stand_in_for_statements_per_share():
    found = published(AOS)
    assert found.known[0] and found.per_share[0] and found.currency[0] == "USD"
    assert found.ttm("net_profit")[0] == found.ttm("eps")[0] == 1.70
    assert found.balance("total_equity")[0] == pytest.approx(60.24 / 6.35)
    assert found.ttm("revenue")[0] == pytest.approx(60.24 / 3.5754826)
    shares = 10783419933 / 60.24
    assert found.ttm("ebitda")[0] == pytest.approx(601000000 / shares)
    assert found.published.shares[0] == pytest.approx(shares)
    assert found.published.dividends[0] == pytest.approx(0.69153, abs=1e-5)
    assert math.isnan(found.ttm("net_profit", 1)[0]) and math.isnan(found.balance("total_assets")[0])
    worth = found.worth(np.array([50.0]), np.array([9e9]), np.array(["USD"]))
    assert worth.tolist() == [50.0]


def test_statements_come_before_the_ratios_of_a_vendor():
    papers = [replace(paper(2017, 0, date(2018, 2, 1), net_profit=5.0), currency="USD")]
    found = published(AOS, papers=papers)
    assert not found.per_share[0] and found.ttm("net_profit")[0] == 5.0
    assert found.published.eps[0] == 1.70
    assert math.isnan(found.ttm("revenue")[0])
    assert found.worth(np.array([50.0]), np.array([9e9]), np.array(["USD"])).tolist() == [9e9]
    assert math.isnan(found.worth(np.array([50.0]), np.array([9e9]), np.array(["KRW"]))[0])


def test_a_ratio_of_nothing_says_nothing_and_earnings_follow_from_the_per_where_they_are_not_told():
    found = published(snapshot(date(2018, 2, 8), price=60.0, per=20.0, pbr=0.0, market_cap=0.0))
    assert found.ttm("net_profit")[0] == 3.0
    assert math.isnan(found.balance("total_equity")[0]) and math.isnan(found.published.shares[0])
    assert math.isnan(published(snapshot(date(2018, 2, 8), price=60.0, per=0.0)).ttm("net_profit")[0])


def test_a_split_since_the_publication_is_taken_into_account():
    halved = snapshot(date(2018, 1, 2), price=60.0, eps=3.0, dividend_yield=2.0, market_cap=600.0)
    found = published(halved, splits=splits([(0, date(2018, 1, 15), 2.0), (0, date(2018, 3, 1), 7.0)]))
    assert found.ttm("net_profit")[0] == 1.5
    assert found.published.dividends[0] == pytest.approx(0.6)
    assert found.published.shares[0] == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("on", "lead_days", "known"),
    [
        (date(2018, 2, 8), 0, True),
        (date(2018, 2, 7), 0, False),
        (date(2018, 2, 7), 1, True),
        (date(2019, 3, 15), 0, True),  # 400 days later
        (date(2019, 3, 16), 0, False),
    ],
)
def test_a_snapshot_speaks_only_for_prices_near_it(on: date, lead_days: int, known: bool):
    assert published(AOS, on=on, lead_days=lead_days).known[0] == known


def test_the_newest_snapshot_that_states_something_is_taken():
    older, empty = snapshot(date(2018, 1, 2), price=5.0, eps=1.0), snapshot(date(2018, 2, 8), forward_eps=9.0)
    found = published(empty, older)
    assert found.ttm("net_profit")[0] == 1.0
    assert (found.published.forward_eps[0], found.published.forward_currency[0]) == (9.0, "USD")


def test_an_estimate_speaks_until_the_next_quarter_would_have_renewed_it():
    given = snapshot(date(2018, 2, 8), forward_eps=2.0, forward_dps=0.5)
    last = date(2018, 2, 8) + timedelta(days=FORWARD_MAX_AGE_DAYS)
    split = splits([(0, date(2018, 3, 1), 2.0)])
    found = published(given, on=last, splits=split).published
    assert (found.forward_eps[0], found.forward_dps[0]) == (1.0, 0.25)
    late = published(given, on=last + timedelta(days=1)).published
    assert math.isnan(late.forward_eps[0]) and late.forward_currency[0] == ""


def test_every_line_of_a_statement_can_be_asked_for():
    assert set(STATEMENT_LINES) <= ITEMS == {*FLOWS, *LEVELS}
    assert set(STORED) == {*STATEMENT_LINES, "eps", "shares_outstanding"}
    assert not set(FLOWS) & set(LEVELS)
    nothing = facts([])
    assert all(math.isnan(nothing.ttm(item)[0]) for item in FLOWS)
    assert all(math.isnan(nothing.balance(item)[0]) for item in LEVELS)


def test_no_company_has_no_facts():
    assert len(Facts.of(columns([]), on=days([])).ttm("revenue")) == 0

"""The adapter before its stand-in: what an answer costs, and what becomes of codes that it cannot place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from stocks.providers.errors import Malformed, NotFound
from stocks.providers.http import Unlimited
from stocks.providers.mesh.shared import RedisStore
from stocks.providers.protocol import HasFxHistory
from stocks.providers.tools import Rate, Tools
from stocks.providers.yahoo import PATIENCE_SECONDS, RATES, build
from stocks.providers.yahoo.tests import standin
from stocks.providers.yahoo.tests.case import opened
from stocks.tests.standin import StandIn
from stocks.types import StockKey

APPLE = StockKey("AAPL", "NASDAQ", "USD")
SAMSUNG = StockKey("005930", "KOSPI", "KRW")


@pytest.fixture
def pair() -> Iterator[tuple[Any, StandIn]]:
    with opened() as one:
        assert one.upstream is not None
        yield one.provider, one.upstream


@pytest.fixture
def provider(pair) -> Any:
    return pair[0]


@pytest.fixture
def upstream(pair) -> StandIn:
    return pair[1]


def _paths(upstream: StandIn) -> list[str]:
    return [request.path.rpartition("/")[2] for request in upstream.requests]


def test_it_works(provider):
    (tick,) = provider.quotes([APPLE])
    assert (tick.code, tick.price, tick.source) == ("AAPL", Decimal("273.47"), "yahoo")


def test_a_batch_of_quotes_is_one_call(provider, upstream):
    keys = [StockKey(f"{number:06}", "KOSPI", "KRW") for number in range(5_900, 6_100)]
    assert len(keys) == provider.quote_batch
    assert [tick.code for tick in provider.quotes(keys)] == ["005930"]
    assert _paths(upstream) == ["", "getcrumb", "quote"]


def test_stocks_that_yahoo_cannot_have_cost_no_call(provider, upstream):
    strangers = [StockKey("0101", "KONEX", "KRW"), StockKey("삼성전자")]
    assert not any(provider.covers(key) for key in strangers)
    assert provider.quotes(strangers) == []
    assert provider.daily_bars(strangers[0], date(2025, 1, 1), date(2025, 2, 1)) == []
    assert provider.search("  ") == []
    assert provider.fx_rates("USD", ["USD"]) == []
    assert upstream.requests == []


def test_prices_of_zero_of_the_future_or_in_another_currency_are_left_out(provider):
    keys = [
        StockKey("ZERO", "NASDAQ", "USD"),
        StockKey("LATER", "NASDAQ", "USD"),
        StockKey("AAPL", "NASDAQ", "KRW"),
    ]
    assert provider.quotes(keys) == []


def test_bars_are_as_traded_on_both_sides_of_a_split(provider):
    bars = provider.daily_bars(APPLE, date(2020, 8, 27), date(2020, 8, 31))
    assert [(bar.close, bar.volume) for bar in bars] == [
        (Decimal("500.04"), 38_888_100),
        (Decimal("499.23"), 46_787_900),
        (Decimal("129.04"), 225_702_700),
    ]


def test_bars_that_end_before_a_split_know_of_it(provider, upstream):
    (bar,) = provider.daily_bars(APPLE, date(2020, 8, 28), date(2020, 8, 28))
    assert bar.open == Decimal("504.05")
    assert int(upstream.requests[-1].query["period2"]) > standin.NOW.timestamp()


def test_a_halted_day_and_an_old_price_in_won(provider):
    before, halted = provider.daily_bars(SAMSUNG, date(2018, 4, 27), date(2018, 4, 30))
    assert (before.open, before.close, before.volume) == (2_669_000, 2_650_000, 606_216)
    assert (halted.open, halted.close, halted.volume) == (None, 2_650_000, 0)


def test_a_dividend_is_what_was_paid_on_a_share_of_then(provider):
    paid = [
        action for action in provider.actions(APPLE, date(2020, 1, 1), date(2025, 12, 31)) if action.amount
    ]
    assert [(action.ex_date, action.amount) for action in paid] == [
        (date(2020, 8, 7), Decimal("0.82")),
        (date(2025, 11, 10), Decimal("0.26")),
    ]


def test_days_to_come_are_not_asked_for(provider, upstream):
    assert provider.daily_bars(APPLE, date(2026, 1, 1), date(2026, 2, 1)) == []
    assert upstream.requests == []


def test_days_before_the_first_are_an_answer_and_no_failure(provider, upstream):
    upstream.scripted.append(
        standin.refusal("chart", "Bad Request", "Data doesn't exist for startDate = 1, endDate = 2", 400)
    )
    assert provider.daily_bars(APPLE, date(1960, 1, 1), date(1960, 2, 1)) == []


def test_a_korean_code_of_an_unknown_board_is_asked_on_both(provider, upstream):
    company = provider.company(StockKey("247540"))
    assert (company.listing.code, company.listing.market, company.listing.currency) == (
        "247540",
        "KOSDAQ",
        "KRW",
    )
    assert _paths(upstream)[-2:] == ["247540.KS", "247540.KQ"]


def test_an_unknown_code_of_a_known_board_has_its_bars(provider):
    assert provider.daily_bars(StockKey("005930"), date(2025, 11, 1), date(2025, 11, 12))
    (tick,) = provider.quotes([StockKey("005930")])
    assert tick.price == 103_100


def test_a_company_elsewhere_is_not_found(provider):
    with pytest.raises(NotFound):
        provider.company(StockKey("NOSUCH"))
    with pytest.raises(NotFound):
        provider.company(StockKey("삼성전자"))


def test_a_reply_about_another_symbol_or_currency_is_refused(provider):
    for ask in (provider.daily_bars, provider.actions):
        with pytest.raises(Malformed):
            ask(StockKey("AAPL", "NASDAQ", "KRW"), date(2025, 1, 1), date(2025, 11, 12))
    with pytest.raises(Malformed):
        provider.company(StockKey("AAPL", "NASDAQ", "KRW"))


def test_a_reply_about_another_stock_is_refused(provider, upstream):
    upstream.answer = _instead(upstream.answer, "BRK-B", "AAPL")
    key = StockKey("BRK.B", "NYSE", "USD")
    for ask in (provider.daily_bars, provider.actions, provider.statements):
        with pytest.raises(Malformed):
            ask(key, date(2020, 1, 1), date(2025, 11, 12))
    with pytest.raises(Malformed):
        provider.company(key)


def _instead(answer: Any, asked: str, given: str) -> Any:
    """Answers about ``given`` when asked about ``asked``."""

    def other(request: Any) -> Any:
        return answer(type(request)(**{**vars(request), "path": request.path.replace(asked, given)}))

    return other


def test_a_year_that_may_not_be_filed_yet_is_held_back(provider):
    found = provider.statements(APPLE, date(2020, 1, 1), date(2030, 1, 1))
    assert max(one.filed_on for one in found) <= standin.NOW.date()
    assert ("annual", 2025) not in {(one.period_type, one.fiscal_year) for one in found}
    assert ("annual", 2024) in {(one.period_type, one.fiscal_year) for one in found}


def test_a_statement_has_every_line_that_yahoo_tells(provider):
    found = provider.statements(APPLE, date(2020, 1, 1), date(2030, 1, 1))
    (year,) = [one for one in found if (one.period_type, one.fiscal_year) == ("annual", 2024)]
    million = Decimal(1_000_000)
    assert year.cost_of_revenue == year.revenue - year.gross_profit == 210_352 * million
    assert year.sga_expense + year.rnd_expense == year.gross_profit - year.operating_profit
    assert year.pretax_profit - year.income_tax == year.net_profit == 93_736 * million
    assert year.short_term_investments == 35_228 * million
    assert year.total_debt == year.short_term_debt + year.long_term_debt == 106_629 * million
    assert (year.capital_expenditure, year.share_repurchases) == (9_447 * million, 94_949 * million)
    assert (year.retained_earnings, year.preferred_equity) == (-19_154 * million, 0)
    assert year.goodwill is year.interest_expense is None
    assert {one.basis_on for one in found} == {standin.NOW.date()}


def test_statements_cost_one_call(provider, upstream):
    provider.statements(APPLE, date(2020, 1, 1), date(2025, 11, 12))
    assert len(upstream.requests) == 1


def test_a_search_that_yahoo_calls_invalid_finds_nothing(provider, upstream):
    upstream.scripted.append(standin.refusal("finance", "Bad Request", "Invalid Search Query", 400))
    assert provider.search("삼성") == []


def test_news_in_general_need_no_stock(provider):
    articles = provider.news(None, datetime(2025, 11, 1, tzinfo=UTC))
    assert [article.title for article in articles][:2] == ["Apple and Samsung report", "Apples are in season"]


def test_rates_of_many_currencies_are_one_call(provider, upstream):
    rates = provider.fx_rates("USD", ["KRW", "INR", "XXX", "USD"])
    assert {rate.quote: rate.rate for rate in rates} == {"KRW": Decimal("1468.73"), "INR": Decimal("88.6265")}
    assert _paths(upstream).count("quote") == 1


def test_a_small_rate_keeps_its_digits(provider):
    (rate,) = provider.fx_rates("KRW", ["USD"])
    assert rate.rate == Decimal("0.00068086")


def test_rates_have_a_past(provider):
    assert isinstance(provider, HasFxHistory)
    rates = provider.fx_history("USD", "KRW", date(2025, 11, 11), date(2025, 11, 12))
    assert [(rate.as_of.date(), rate.rate) for rate in rates] == [
        (date(2025, 11, 11), Decimal("1455.41")),
        (date(2025, 11, 12), Decimal("1468.73")),
    ]
    assert provider.fx_history("USD", "XXX", date(2025, 11, 1), date(2025, 11, 12)) == []
    assert provider.fx_history("USD", "USD", date(2025, 11, 1), date(2025, 11, 12)) == []


def test_the_budget_is_that_of_one_address_for_all_processes():
    asked: list[tuple[str, str, tuple[Rate, ...], float]] = []

    def budget(provider: str, key: str, rates: Any, patience: float) -> Any:
        asked.append((provider, key, tuple(rates), patience))
        return Unlimited()

    build(Tools(budget=budget, store=RedisStore()))
    assert asked == [("yahoo", "", RATES, PATIENCE_SECONDS)]

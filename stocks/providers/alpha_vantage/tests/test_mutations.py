"""Whatever is wrong in an answer, the outcome is a figure that can be true or an error of the tree."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from stocks.folds import why_refused
from stocks.providers.alpha_vantage.parse import company, money, news, prices, statements
from stocks.providers.alpha_vantage.tests.standin import payload
from stocks.providers.tests.mutations import told_or_refused
from stocks.sessions import schedule
from stocks.types import StockKey

NOW = datetime(2025, 11, 14, 22, 0, tzinfo=UTC)
AAPL = StockKey("AAPL", "NASDAQ", "USD")
SPAN = (date(2000, 1, 1), date(2026, 12, 31))
NAMES = ("INCOME_STATEMENT", "BALANCE_SHEET", "CASH_FLOW")


def test_a_quote_is_sane_or_refused():
    told, refused = told_or_refused(
        payload("GLOBAL_QUOTE.AAPL"),
        lambda answer: prices.tick(
            answer, "AAPL", now=NOW, sessions=schedule("XNYS"), source="alpha_vantage"
        ),
    )
    assert refused > 60
    assert all(why_refused(tick, NOW) is None for tick in told if tick is not None)


def test_bars_are_sane_or_refused():
    told, refused = told_or_refused(
        payload("TIME_SERIES_DAILY.AAPL"),
        lambda answer: prices.bars(answer, "AAPL", *SPAN, now=NOW, sessions=schedule("XNYS")),
    )
    assert refused > 100
    bars = [bar for bars in told for bar in bars]
    assert all(0 < bar.low <= min(bar.open, bar.close) <= bar.high for bar in bars)
    assert all(bar.volume >= 0 and bar.date <= NOW.date() for bar in bars)


def test_actions_are_sane_or_refused():
    told, _ = told_or_refused(
        payload("SPLITS.AAPL"), lambda answer: prices.splits(answer, "AAPL", date(2000, 1, 1), SPAN[1])
    )
    assert all(0 < action.ratio < 1_000_000 for actions in told for action in actions)
    told, _ = told_or_refused(
        payload("DIVIDENDS.AAPL"), lambda answer: prices.dividends(answer, "AAPL", *SPAN, "USD")
    )
    assert all(action.amount > 0 for actions in told for action in actions)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_statements_are_sane_or_refused(place):
    whole = [payload(f"{name}.AAPL") for name in NAMES]

    def parse(answer):
        return statements.statements([*whole[:place], answer, *whole[place + 1 :]], "AAPL", *SPAN)

    told, refused = told_or_refused(whole[place], parse)
    assert refused > 10
    assert all(one.period_end < one.filed_on for found in told for one in found)
    assert all(one.currency == "USD" for found in told for one in found if one.period_end.year == 2023)


@pytest.mark.parametrize(
    ("name", "parse"),
    [
        ("OVERVIEW.AAPL", lambda one: company.company(one, AAPL, now=NOW, source="alpha_vantage")),
        ("SYMBOL_SEARCH.apple", company.found),
        (
            "NEWS_SENTIMENT.AAPL",
            lambda one: news.articles(one, "AAPL", datetime(2025, 1, 1, tzinfo=UTC), now=NOW, source="x"),
        ),
        ("CURRENCY_EXCHANGE_RATE.USD.KRW", lambda one: money.rate(one, "USD", "KRW", now=NOW)),
        ("FX_DAILY.USD.KRW", lambda one: money.daily_rates(one, "USD", "KRW", *SPAN, now=NOW, source="x")),
    ],
)
def test_everything_else_is_told_or_refused(name, parse):
    told, refused = told_or_refused(payload(name), parse)
    assert told
    assert refused

"""Whatever is wrong in a reply, the outcome is a figure that can be stored, or an error of the tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from stocks.folds import why_refused
from stocks.models.fields import MAX_MONEY, MAX_PRICE
from stocks.providers.json import MAX_COUNT, MIN_PRICE
from stocks.providers.tests.mutations import told_or_refused
from stocks.providers.yahoo.parse import charts, companies, latest, replies, statements
from stocks.providers.yahoo.tests.standin import NOW, payload
from stocks.types import STATEMENT_LINES, Bar, StatementData, StockKey

APPLE = StockKey("AAPL", "NASDAQ", "USD")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def _told(reply: Any, parse: Callable[[Any], Any]) -> list[Any]:
    """What is made of every mutation of a reply, or of the payload of that name, decoded as replies are."""

    def read(changed: Any) -> Any:
        return parse(replies.read(json.dumps(changed, default=float).encode()))

    told, refused = told_or_refused(payload(reply) if isinstance(reply, str) else reply, read)
    assert told
    assert refused
    return told


def _is_price(value: Decimal | None) -> bool:
    return value is None or MIN_PRICE <= value < MAX_PRICE


def test_prices_are_sane_or_left_out():
    keys = {"AAPL": APPLE, "BRK-B": StockKey("BRK.B")}
    for ticks in _told("quote", lambda reply: latest.ticks(reply, keys, NOW)):
        for tick in ticks:
            # The adapter leaves out what is of the future or too large for a column.
            assert tick.price > 0
            assert why_refused(tick, NOW) in (None, *_LEFT_OUT)


_LEFT_OUT = (
    *("the time lies in the future", "the time is out of range"),
    *("a price is out of range", "the volume is out of range"),
)


def _is_sane(bar: Bar) -> bool:
    if not _is_price(bar.close) or not 0 <= bar.volume <= MAX_COUNT:
        return False
    if bar.open is None or bar.high is None or bar.low is None:
        return bar.open is bar.high is bar.low is None
    return (
        MIN_PRICE <= bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high < MAX_PRICE
    )


def test_bars_and_actions_are_sane_or_refused():
    def parse(reply: Any) -> Any:
        chart = charts.chart(reply, ["AAPL"], "USD")
        charts.refuse_unsettled(chart, NOW.date())
        return charts.bars(chart, date.min, date.max), charts.actions(chart, date.min, date.max)

    for bars, actions in _told("chart_AAPL", parse):
        assert all(_is_sane(bar) for bar in bars)
        for action in actions:
            assert (action.ratio is None) != (action.amount is None)
            assert _is_price(action.amount)
            assert action.ratio is None or 0 < action.ratio < 1_000_000


def test_rates_are_sane_or_left_out():
    def past(reply: Any) -> Any:
        chart = charts.chart(reply, ["KRW=X"], "KRW")
        return charts.rates(chart, "USD", date.min, date.max, NOW)

    pairs = {"USDKRW=X": ("USD", "KRW")}
    told = _told("chart_KRW=X", past)
    assert all(rate.as_of <= NOW for found in told for rate in found)
    rows = [row for row in payload("quote")["quoteResponse"]["result"] if row["symbol"] in pairs]
    told += _told({"quoteResponse": {"result": rows}}, lambda reply: latest.rates(reply, pairs, NOW))
    assert all(0 < rate.rate < 10**10 for found in told for rate in found)


def _fits(one: StatementData) -> bool:
    amounts = [getattr(one, line) for line in STATEMENT_LINES]
    return (
        all(amount is None or abs(amount) < MAX_MONEY for amount in amounts)
        and (one.eps is None or abs(one.eps) < MAX_PRICE)
        and (one.shares_outstanding is None or 0 < one.shares_outstanding <= MAX_COUNT)
        and one.period_end is not None
        and 1900 <= one.period_end.year < one.filed_on.year + 1 <= 2202
    )


def test_statements_fit_their_columns_or_are_refused():
    names = (
        *(["annualTotalRevenue"], ["annualDilutedEPS"], ["annualOrdinarySharesNumber"]),
        *(["annualCashAndCashEquivalents"], ["annualCashCashEquivalentsAndShortTermInvestments"]),
        ["annualCapitalExpenditure"],
    )
    rows = [row for row in payload("series_AAPL")["timeseries"]["result"] if row["meta"]["type"] in names]
    reply = {"timeseries": {"result": rows, "error": None}}
    told = _told(reply, lambda one: statements.statements(one, "AAPL", date.min, date.max))
    assert all(_fits(one) for found in told for one in found)


def test_companies_fit_their_columns_or_are_refused():
    for company in _told("summary_AAPL", lambda reply: companies.company(reply, "AAPL", APPLE, NOW)):
        assert company.market_cap is None or 0 < company.market_cap < MAX_MONEY
        assert company.employees is None or company.employees < 2**31
        assert "\x00" not in company.description


@pytest.mark.parametrize("parse", [companies.listings, lambda reply: _news(reply)])
def test_hits_and_news_are_told_or_refused(parse):
    _told("search", parse)


def _news(reply: Any) -> Any:
    return companies.articles(reply, "AAPL", APPLE, LONG_AGO, NOW)


def test_texts_hold_nothing_that_a_database_refuses():
    body = b'{"news": [{"title": "half \\ud83d a\\u0000 pair", "link": "https://n.example/", '
    body += b'"providerPublishTime": 1762981200, "relatedTickers": ["AAPL"]}]}'
    (article,) = _news(replies.read(body))
    assert article.title == "half  a pair"

"""Whatever is wrong in an answer, the outcome is a figure that can be true or an error of the tree."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from stocks.folds import why_refused
from stocks.providers.finnhub.parse import company, news, prices, trades
from stocks.providers.finnhub.tests.standin import payload
from stocks.providers.tests.mutations import told_or_refused
from stocks.types import StockKey

NOW = datetime(2025, 11, 14, 22, 0, tzinfo=UTC)
AAPL = StockKey("AAPL", "NASDAQ", "USD")
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def test_a_quote_is_sane_or_refused():
    told, refused = told_or_refused(payload("quote", "AAPL"), lambda one: prices.quote(one, now=NOW))
    assert refused > 60
    ticks = [quote.tick("AAPL", received_at=NOW, source="finnhub") for quote in told if quote is not None]
    assert all(why_refused(tick, NOW) is None for tick in ticks)


def test_trades_are_sane_or_left_out():
    row = {"c": ["1"], "p": 278.5, "s": "AAPL", "t": 1763154000123, "v": 10}
    message = {"data": [row, row], "type": "trade"}
    told, refused = told_or_refused(
        message, lambda one: trades.frame(json.dumps(one, default=float), now=NOW)
    )
    assert refused
    found = [trade for frame in told for trade in frame.trades]
    assert len(found) > len(told)
    assert all(trade.price > 0 and trade.at <= NOW for trade in found)


@pytest.mark.parametrize(
    ("what", "name", "parse"),
    [
        ("profile2", "AAPL", lambda one: company.company(one, AAPL, now=NOW, source="finnhub")),
        ("search", "apple", company.found),
        ("company-news", "AAPL", lambda one: news.articles(one, "AAPL", LONG_AGO, now=NOW, source="x")),
        ("rates", "USD", lambda one: prices.rates(one, "USD", ["KRW", "EUR"], now=NOW, source="x")),
        ("symbol", "coinbase", prices.pairs),
    ],
)
def test_everything_else_is_told_or_refused(what, name, parse):
    told, refused = told_or_refused(payload(what, name), parse)
    assert told
    assert refused

"""Our codes and Yahoo's symbols, both ways."""

from __future__ import annotations

import pytest

from stocks.providers.yahoo.symbols import PLACES, code, currency_pair, spellings
from stocks.reference import MARKETS
from stocks.types import StockKey


@pytest.mark.parametrize(
    ("key", "symbols"),
    [
        (StockKey("005930", "KOSPI"), ("005930.KS",)),
        (StockKey("00104K", "KOSPI"), ("00104K.KS",)),
        (StockKey("247540", "KOSDAQ"), ("247540.KQ",)),
        (StockKey("AAPL", "NASDAQ"), ("AAPL",)),
        (StockKey("BRK.B", "NYSE"), ("BRK-B",)),
        (StockKey("BF.B", "US"), ("BF-B",)),
        (StockKey("TCS.NS", "NSE"), ("TCS.NS",)),
        (StockKey("M&M.NS", "NSE"), ("M&M.NS",)),
        (StockKey("^NSEI", "NSE"), ("^NSEI",)),
        (StockKey("^KS11", "KOSPI"), ("^KS11",)),
        (StockKey("005930"), ("005930.KS", "005930.KQ")),
        (StockKey("TCS.NS"), ("TCS.NS",)),
        (StockKey("BRK.B"), ("BRK-B",)),
    ],
)
def test_a_code_has_the_spelling_of_its_market(key, symbols):
    assert spellings(key) == symbols


@pytest.mark.parametrize(
    "key",
    [
        StockKey("0101", "KONEX"),
        StockKey("SAMSUNG", "KOSPI"),
        StockKey("삼성전자"),
        StockKey("../v1/test/getcrumb"),
        StockKey("AAPL,MSFT", "NASDAQ"),
        StockKey("A" * 40),
        StockKey(""),
    ],
)
def test_what_yahoo_cannot_have_is_not_asked_for(key):
    assert spellings(key) == ()


@pytest.mark.parametrize(
    ("symbol", "ours"),
    [
        ("005930.KS", "005930"),
        ("247540.KQ", "247540"),
        ("AAPL", "AAPL"),
        ("BRK-B", "BRK.B"),
        ("TCS.NS", "TCS.NS"),
        ("^NSEI", "^NSEI"),
        ("APC.DE", None),
        ("USDKRW=X", None),
        ("BTC-USD", None),
        ("ABC.KS", None),
        ("", None),
    ],
)
def test_a_symbol_has_the_code_that_we_use(symbol, ours):
    assert code(symbol) == ours


@pytest.mark.parametrize(
    "key",
    [
        StockKey("005930", "KOSPI"),
        StockKey("BRK.B", "NYSE"),
        StockKey("TCS.NS", "NSE"),
        StockKey("^KS11", "KOSPI"),
    ],
)
def test_a_spelling_leads_back_to_its_code(key):
    assert [code(symbol) for symbol in spellings(key)] == [key.code]


def test_every_exchange_is_one_of_our_markets_with_its_currency():
    ours = {market.code: market.currency for market in MARKETS}
    assert {place.market: place.currency for place in PLACES.values()}.items() <= ours.items()


def test_a_pair_of_the_dollar_has_a_short_name_too():
    assert currency_pair("USD", "KRW") == ("USDKRW=X", "KRW=X")
    assert currency_pair("EUR", "KRW") == ("EURKRW=X",)

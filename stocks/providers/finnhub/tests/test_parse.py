"""What Finnhub says, as our types: pure, from recorded answers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from stocks.providers.errors import AuthFailed, Malformed, NotFound, Premium, RateLimited, Upstream
from stocks.providers.finnhub.parse import company, news, prices, trades
from stocks.providers.finnhub.parse.answers import answer
from stocks.providers.finnhub.symbols import code_of, exchange_for
from stocks.providers.finnhub.tests.standin import LIMIT, NO_ACCESS, UNKNOWN_QUOTE, payload
from stocks.types import StockKey

NOW = datetime(2025, 11, 14, 22, 0, tzinfo=UTC)
AAPL = StockKey("AAPL", "NASDAQ", "USD")


def quote(**changed):
    return {**payload("quote", "AAPL"), **changed}


def test_it_works():
    found = prices.quote(quote(), now=NOW)
    assert found is not None
    assert found.price == Decimal("278.5")
    assert (found.open, found.high, found.low) == (Decimal("277.3"), Decimal("280.03"), Decimal("277.03"))
    assert found.previous_close == Decimal("277.89")
    assert found.as_of == datetime(2025, 11, 14, 21, 0, tzinfo=UTC)
    tick = found.tick("AAPL", received_at=NOW, source="finnhub")
    assert (tick.code, tick.volume, tick.seq) == ("AAPL", None, int(NOW.timestamp() * 1_000_000))


def test_a_quote_of_zeros_is_of_an_unknown_symbol():
    assert prices.quote(UNKNOWN_QUOTE, now=NOW) is None


@pytest.mark.parametrize("bad", [0, -1, None, "NaN", [], True])
def test_a_price_that_cannot_be_one_is_refused(bad):
    with pytest.raises(Malformed):
        prices.quote(quote(c=bad), now=NOW)


@pytest.mark.parametrize(
    ("time", "why"),
    [
        (0, "in seconds"),
        (None, "in seconds"),
        (1_763_154_000_000, "in seconds"),  # milliseconds
        (1_763_154, "in seconds"),
        (1_763_157_606, "future"),
        (Decimal("1763154000.5"), "whole"),
    ],
)
def test_a_time_that_is_missing_to_come_or_in_another_unit_is_refused(time, why):
    with pytest.raises(Malformed, match=why):
        prices.quote(quote(t=time), now=NOW)


def test_a_figure_of_0_beside_a_price_is_unknown():
    found = prices.quote(quote(o=0, h=0, l=0, pc=0), now=NOW)
    assert found is not None
    assert found.open is found.high is found.low is found.previous_close is None
    with pytest.raises(Malformed, match="pc"):
        prices.quote(quote(pc=Decimal("-0.1")), now=NOW)


def profile(**changed):
    return {**payload("profile2", "AAPL"), **changed}


def described(value, key=AAPL):
    return company.company(value, key, now=NOW, source="finnhub")


def test_counts_and_capitalization_come_in_millions():
    found = described(profile())
    assert found.market_cap == Decimal(4_106_200_590_000)
    assert found.listing.shares_outstanding == 14_776_353_000
    assert found.listing.listed_on == date(1980, 12, 12)
    assert (found.listing.name, found.listing.industry) == ("Apple Inc", "Technology")
    assert (found.website, found.country) == ("https://www.apple.com/", "US")
    noisy = described(profile(marketCapitalization=Decimal("255485.58578525551"), shareOutstanding=0))
    assert noisy.market_cap == Decimal(255_485_585_785)
    assert noisy.listing.shares_outstanding is None


def test_a_capitalization_in_the_currency_of_filings_is_none_of_the_stock():
    found = described(profile(currency="TWD"))
    assert found.market_cap is None
    assert found.listing.currency == "USD"


@pytest.mark.parametrize(
    ("exchange", "market"),
    [
        ("NASDAQ NMS - GLOBAL MARKET", "NASDAQ"),
        ("NEW YORK STOCK EXCHANGE, INC.", "NYSE"),
        ("New York Stock Exchange", "NYSE"),
        ("NYSE MKT LLC", "US"),
        ("NYSE ARCA", "US"),
        ("OTC MARKETS", "US"),
    ],
)
def test_an_exchange_is_one_of_our_markets(exchange, market):
    assert described(profile(exchange=exchange)).listing.market == market


@pytest.mark.parametrize("exchange", ["TORONTO STOCK EXCHANGE", "NASDAQ OMX NORDIC", "LONDON STOCK EXCHANGE"])
def test_what_is_listed_in_another_country_is_not_found(exchange):
    with pytest.raises(NotFound):
        described(profile(exchange=exchange))


def test_a_profile_of_another_symbol_is_refused_and_an_empty_one_is_not_found():
    with pytest.raises(Malformed, match="another symbol"):
        described(profile(ticker="AAPU"))
    with pytest.raises(NotFound):
        described({})
    with pytest.raises(Malformed):
        described(profile(ipo="in 1980"))


def test_a_search_finds_stocks_and_funds_of_the_united_states():
    found = company.found(payload("search", "apple"))
    assert [(one.code, one.kind, one.market) for one in found] == [
        ("AAPL", "equity", "US"),
        ("APLE", "equity", "US"),
        ("AAPU", "etf", "US"),
    ]
    assert company.found({"count": 0, "result": []}) == []


def test_news_name_the_stock_and_come_newest_first():
    found = news.articles(
        payload("company-news", "AAPL"), "AAPL", NOW - timedelta(days=30), now=NOW, source="finnhub"
    )
    assert [(one.title, one.codes) for one in found] == [
        ("Apple sells more", ("AAPL", "BRK.B")),
        ("Phones in autumn", ("AAPL",)),
    ]


def test_news_without_title_or_address_or_of_a_time_to_come_are_left_out():
    (item,) = payload("news", "general")
    since = NOW - timedelta(days=30)
    changes = ({"headline": ""}, {"url": ""}, {"url": "javascript:x"}, {"datetime": 1_763_999_999})
    bad = [{**item, **change} for change in changes]
    (kept,) = news.articles([*bad, item], None, since, now=NOW, source="finnhub")
    assert kept.codes == ()
    with pytest.raises(Malformed):
        news.articles([{**item, "datetime": None}], None, since, now=NOW, source="finnhub")


def test_rates_are_those_asked_for_as_of_now():
    value = payload("rates", "USD")
    found = prices.rates(value, "USD", ["KRW", "XXX", "KRW"], now=NOW, source="finnhub")
    assert [(one.quote, one.rate, one.as_of) for one in found] == [("KRW", Decimal("1457.35"), NOW)]
    with pytest.raises(Malformed, match="another currency"):
        prices.rates(value, "EUR", ["KRW"], now=NOW, source="finnhub")
    with pytest.raises(Malformed, match="KRW"):
        prices.rates({"base": "USD", "quote": {"KRW": 0}}, "USD", ["KRW"], now=NOW, source="finnhub")


def test_dollars_are_asked_for_where_pairs_are_traded_against_dollars():
    assert exchange_for("USD") == "coinbase"
    assert exchange_for("USDT") == "binance"
    assert prices.pairs(payload("symbol", "binance"))["BTC/USDT"] == "BINANCE:BTCUSDT"


@pytest.mark.parametrize(("symbol", "code"), [("AAPL", "AAPL"), ("BRK.B", "BRK.B"), ("APC.DE", None)])
def test_symbols_of_elsewhere_are_none_of_our_codes(symbol, code):
    assert code_of(symbol) == code


@pytest.mark.parametrize("status", [200, 401, 403, 422, 500])
@pytest.mark.parametrize(("said", "error"), [(LIMIT, RateLimited), (NO_ACCESS, Premium)])
def test_the_body_is_heard_before_the_status(said, error, status):
    with pytest.raises(error):
        answer(status, json.dumps(said).encode())


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (200, "Invalid API key", AuthFailed),
        (200, "Symbol not supported", NotFound),
        (500, "whatever", Upstream),
        (403, "whatever", Premium),
        (401, "whatever", AuthFailed),
    ],
)
def test_other_words_are_told_by_what_they_say_or_by_the_status(status, said, error):
    with pytest.raises(error):
        answer(status, json.dumps({"error": said}).encode())


def message(**trade):
    row = {"c": None, "p": 7296.89, "s": "AAPL", "t": 1763154000123, "v": 0.011467, **trade}
    return json.dumps({"data": [row], "type": "trade"})


def test_a_trade_keeps_its_digits_and_its_milliseconds():
    (trade,) = trades.frame(message(), now=NOW).trades
    assert trade == ("AAPL", Decimal("7296.89"), datetime(2025, 11, 14, 21, 0, 0, 123000, tzinfo=UTC))


def test_trades_of_a_message_come_in_the_order_of_their_time():
    rows = [
        {"p": price, "s": "AAPL", "t": 1763154000000 + at, "v": 1} for price, at in ((1, 5), (2, 3), (3, 5))
    ]
    found = trades.frame(json.dumps({"data": rows, "type": "trade"}), now=NOW)
    assert [trade.price for trade in found.trades] == [2, 1, 3]


@pytest.mark.parametrize(
    "bad",
    [{"p": 0}, {"p": -1}, {"p": None}, {"s": ""}, {"t": 1763154000}, {"t": None}, {"t": 1763157606000}],
)
def test_a_trade_that_cannot_be_true_is_left_out_with_its_reason(bad):
    found = trades.frame(message(**bad), now=NOW)
    assert found.trades == ()
    assert len(found.refused) == 1


def test_a_ping_says_nothing_and_an_error_says_why():
    assert trades.frame('{"type":"ping"}', now=NOW) == trades.Frame()
    assert trades.frame('{"type":"error","msg":"Subscribing to too many symbols"}', now=NOW).error == (
        "Subscribing to too many symbols"
    )


@pytest.mark.parametrize(
    "bad", ["", "hello", "[1]", "{}", b"\xff", '{"type":"trade"}', '{"type":"trade","data":{}}']
)
def test_what_is_no_message_of_theirs_is_refused(bad):
    with pytest.raises(Malformed):
        trades.frame(bad, now=NOW)

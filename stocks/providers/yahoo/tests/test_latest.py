"""Latest prices: what cannot be true, or is about something else, is left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from stocks.providers.errors import NotFound
from stocks.providers.yahoo.parse import latest
from stocks.providers.yahoo.tests.standin import NOW, frame
from stocks.types import StockKey

APPLE = {"AAPL": StockKey("AAPL", "NASDAQ", "USD")}
AT = int(NOW.timestamp()) - 3600


def _row(**fields: Any) -> dict[str, Any]:
    return {
        "symbol": "AAPL",
        "quoteType": "EQUITY",
        "currency": "USD",
        "regularMarketPrice": Decimal("273.4700012207031"),
        "regularMarketTime": AT,
        "regularMarketVolume": 100,
        "priceHint": 2,
        **fields,
    }


def _reply(*rows: Any) -> Any:
    return {"quoteResponse": {"result": list(rows), "error": None}}


def test_it_works():
    (tick,) = latest.ticks(_reply(_row(regularMarketOpen=0)), APPLE, NOW)
    assert (tick.code, tick.price, tick.open, tick.volume) == ("AAPL", Decimal("273.47"), None, 100)
    assert tick.as_of == NOW - timedelta(hours=1)
    assert tick.seq == int(NOW.timestamp()) * 1_000_000


@pytest.mark.parametrize(
    "fields",
    [
        {"symbol": "MSFT"},
        {"currency": "KRW"},
        {"currency": None},
        {"regularMarketPrice": 0},
        {"regularMarketPrice": -1},
        {"regularMarketPrice": None},
        {"regularMarketPrice": "273.47"},
        {"regularMarketPrice": True},
        {"regularMarketPrice": Decimal("1E+40")},
        {"regularMarketTime": None},
        {"regularMarketTime": 0},
        {"regularMarketTime": AT * 1000},
    ],
)
def test_a_price_that_cannot_be_true_costs_no_other_price(fields):
    other = _row(symbol="MSFT", regularMarketPrice=500)
    keys = {**APPLE, "MSFT2": StockKey("MSFT2")}
    found = latest.ticks(_reply(_row(**fields), {**other, "symbol": "MSFT2"}), keys, NOW)
    assert [tick.code for tick in found] == ["MSFT2"]


def test_pence_become_pounds():
    keys = {"BARC.L": StockKey("BARC.L", "LSE", "GBP")}
    row = _row(symbol="BARC.L", currency="GBp", regularMarketPrice=Decimal("412.55"), regularMarketDayLow=400)
    (tick,) = latest.ticks(_reply(row), keys, NOW)
    assert (tick.price, tick.low) == (Decimal("4.1255"), Decimal(4))


def test_of_two_symbols_of_a_stock_the_newer_price_counts():
    key = StockKey("035720")
    keys = {"035720.KS": key, "035720.KQ": key}
    stale = _row(symbol="035720.KQ", currency="KRW", regularMarketPrice=1, regularMarketTime=AT - 10**8)
    live = _row(symbol="035720.KS", currency="KRW", regularMarketPrice=50_000)
    for rows in ((stale, live), (live, stale)):
        (tick,) = latest.ticks(_reply(*rows), keys, NOW)
        assert tick.price == 50_000


def test_a_rate_is_of_its_currency_and_a_currency():
    pairs = {"USDKRW=X": ("USD", "KRW")}
    row = _row(
        symbol="USDKRW=X",
        quoteType="CURRENCY",
        currency="KRW",
        regularMarketPrice=Decimal("1468.72998046875"),
    )
    (rate,) = latest.rates(_reply(row), pairs, NOW)
    assert (rate.base, rate.quote, rate.rate) == ("USD", "KRW", Decimal("1468.73"))
    for wrong in ({"currency": "USD"}, {"quoteType": "EQUITY"}, {"regularMarketPrice": 0}):
        assert latest.rates(_reply({**row, **wrong}), pairs, NOW) == []


def test_a_stock_whose_symbol_looks_like_a_coin_is_none():
    row = _row(symbol="BRK-B", currency="B")
    with pytest.raises(NotFound):
        latest.coin(_reply(row), "BRK-B", ("BRK", "B"), NOW)


def test_a_frame_of_the_stream_is_a_tick():
    text = frame("AAPL", 273.47, NOW, day_volume=100, day_high=275.73, previous_close=275.25)
    tick = latest.frame(text, APPLE, NOW, 7)
    assert tick is not None
    assert (tick.price, tick.high, tick.previous_close) == (
        Decimal("273.47"),
        Decimal("275.73"),
        Decimal("275.25"),
    )
    assert (tick.open, tick.low, tick.volume, tick.seq, tick.as_of) == (None, None, 100, 7, NOW)


def test_a_frame_keeps_its_milliseconds():
    when = datetime(2025, 11, 12, 21, 0, 0, 123_000, tzinfo=UTC)
    tick = latest.frame(frame("AAPL", 1.5, when), APPLE, NOW, 1)
    assert tick is not None
    assert tick.as_of == when


@pytest.mark.parametrize(
    "text",
    [
        frame("MSFT", 1.0, NOW),
        frame("AAPL", 0.0, NOW),
        frame("AAPL", -1.0, NOW),
        frame("AAPL", float("nan"), NOW),
        frame("AAPL", float("inf"), NOW),
        frame("AAPL", 1.0, NOW, currency="KRW"),
        frame("AAPL", 1.0, NOW, market_hours=0),
        frame("AAPL", 1.0, NOW, market_hours=2),
        frame("AAPL", 1.0, datetime(1970, 1, 2, tzinfo=UTC)),
        json.dumps({"type": "pricing", "message": "not base64!"}),
        json.dumps({"type": "pricing", "message": "AAAA"}),
        json.dumps({"type": "pricing", "message": None}),
        json.dumps({"type": "other", "message": ""}),
        "[" * 10_000,
        "no JSON",
        b"\xff\xfe",
        "",
    ],
)
def test_a_frame_that_cannot_be_used_is_passed_over(text):
    assert latest.frame(text, APPLE, NOW, 1) is None

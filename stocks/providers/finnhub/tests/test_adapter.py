"""Finnhub against its stand-in: what the adapter asks, what it may spend, what it keeps to itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from stocks.providers.errors import NotFound, ProviderError, RateLimited
from stocks.providers.finnhub import build
from stocks.providers.finnhub.quotas import PATIENCE_SECONDS, RATES
from stocks.providers.finnhub.tests import standin
from stocks.providers.finnhub.tests.case import AAPL, BERKSHIRE, NOW, opened
from stocks.providers.mesh.quota import Quota
from stocks.providers.mesh.shared import shared_tools
from stocks.providers.protocol import PROTOCOLS, Capability
from stocks.tests.provider_case import Opened
from stocks.tests.standin import FAILURES, Request, StandIn, json_answer
from stocks.types import StockKey

pytestmark = pytest.mark.usefixtures("redis_client")


@pytest.fixture
def at_work() -> Iterator[Opened]:
    with opened() as one:
        yield one


def _requests(at_work: Opened) -> list[Request]:
    assert at_work.upstream is not None
    return at_work.upstream.requests


def paths(at_work: Opened) -> list[str]:
    return [request.path for request in _requests(at_work)]


def test_it_works(at_work):
    (tick,) = at_work.provider.quotes([BERKSHIRE])
    assert tick.code == "BRK.B"
    assert at_work.upstream.requests[0].query == {"symbol": "BRK.B"}


def test_it_does_not_claim_a_history_that_it_could_only_give_adjusted(at_work):
    assert not isinstance(at_work.provider, PROTOCOLS[Capability.HISTORY])
    assert not isinstance(at_work.provider, PROTOCOLS[Capability.ACTIONS])


def test_what_it_does_not_cover_costs_no_call(at_work):
    for key in (StockKey("005930", "KOSPI", "KRW"), StockKey("TCS.NS"), StockKey("^NSEI")):
        assert not at_work.provider.covers(key)
        assert list(at_work.provider.quotes([key])) == []
        assert list(at_work.provider.news(key, NOW)) == []
        with pytest.raises(NotFound):
            at_work.provider.company(key)
    assert at_work.upstream.requests == []


def test_an_unknown_symbol_is_left_out_and_never_worth_0(at_work):
    ticks = at_work.provider.quotes([StockKey("NOSUCH", "NASDAQ", "USD"), AAPL])
    assert [tick.code for tick in ticks] == ["AAPL"]
    at_work.upstream.always = json_answer({"error": "Symbol not supported"})
    assert list(at_work.provider.quotes([AAPL])) == []
    assert list(at_work.provider.search("nothing")) == []


def test_a_coin_is_asked_for_where_it_trades_against_what_was_asked(at_work):
    provider = at_work.provider
    assert provider.crypto("BTC", "USD").price.as_tuple() != provider.crypto("BTC", "USDT").price.as_tuple()
    symbols = [one.query["symbol"] for one in at_work.upstream.requests if one.path == "/quote"]
    assert symbols == ["COINBASE:BTC-USD", "BINANCE:BTCUSDT"]
    for symbol, currency in (("BTC", "KRW"), ("BT", "CUSDT"), ("ETH", "USDT")):
        with pytest.raises(NotFound):
            provider.crypto(symbol, currency)


def test_the_pairs_of_an_exchange_are_asked_for_once(at_work):
    for _ in range(3):
        at_work.provider.crypto("BTC", "USD")
    assert paths(at_work) == ["/crypto/symbol", "/quote", "/quote", "/quote"]


def test_news_of_markets_in_general_are_another_list(at_work):
    (article,) = at_work.provider.news(None, NOW - timedelta(days=1))
    assert article.title == "Markets close higher"
    at_work.provider.news(AAPL, NOW - timedelta(days=1))
    assert at_work.upstream.requests[-1].query == {"symbol": "AAPL", "from": "2025-11-13", "to": "2025-11-14"}


def test_the_key_travels_in_a_header_and_is_in_no_address_no_error_and_no_log(at_work, caplog):
    caplog.set_level(logging.DEBUG)
    echoes = [json_answer({"error": f"Your key {standin.KEY} is odd"}, status) for status in (200, 401, 422)]
    for answer in [*echoes, *(answer for answer, _ in FAILURES.values())]:
        at_work.upstream.scripted.append(answer)
        with pytest.raises(ProviderError) as refused:
            at_work.provider.quotes([AAPL])
        shown = [str(refused.value), repr(refused.value.__cause__), caplog.text]
        assert not any(standin.KEY in text for text in shown)
    for request in at_work.upstream.requests:
        assert request.headers["x-finnhub-token"] == standin.KEY
        assert standin.KEY not in repr(request.query)


def test_without_a_key_it_is_not_built(settings):
    settings.FINNHUB_API_KEY = ""
    with pytest.raises(ImproperlyConfigured, match="FINNHUB_API_KEY"):
        build(shared_tools())


def test_what_it_is_built_with_counts_its_calls(settings):
    with StandIn(standin.answer) as server:
        settings.FINNHUB_API_KEY = standin.KEY
        settings.FINNHUB_URL = server.url
        build(shared_tools()).search("apple")
        assert Quota("finnhub", standin.KEY, RATES).spent() == [1, 1]


def test_ten_simulated_minutes_of_asking_never_cost_more_than_60_calls_a_minute_and_30_a_second():
    clock = [0.0]
    quota = Quota(
        "finnhub",
        "another key",
        RATES,
        PATIENCE_SECONDS,
        now=lambda: 1_760_000_000 + clock[0],
        sleep=lambda seconds: clock.__setitem__(0, clock[0] + seconds),
    )
    taken: list[float] = []
    while clock[0] < 600:
        try:
            quota.take()
        except RateLimited as error:
            clock[0] += error.retry_after or 1.0
        else:
            taken.append(clock[0])
    assert len(taken) >= 590
    assert all(later - earlier >= 60 for earlier, later in zip(taken, taken[60:], strict=False))
    assert all(later - earlier >= 1 for earlier, later in zip(taken, taken[30:], strict=False))

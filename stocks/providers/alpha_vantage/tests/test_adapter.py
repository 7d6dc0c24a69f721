"""Alpha Vantage against its stand-in: what the adapter asks, what it may spend, what it keeps to itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.core.exceptions import ImproperlyConfigured

from stocks.providers.alpha_vantage import build
from stocks.providers.alpha_vantage.quotas import PATIENCE_SECONDS, RATES
from stocks.providers.alpha_vantage.symbols import code_of, symbol_of
from stocks.providers.alpha_vantage.tests import standin
from stocks.providers.alpha_vantage.tests.case import AAPL, BERKSHIRE, NOW, opened
from stocks.providers.errors import Malformed, NotFound, ProviderError, RateLimited
from stocks.providers.mesh.quota import Quota
from stocks.providers.mesh.shared import shared_tools
from stocks.tests.provider_case import Opened
from stocks.tests.standin import FAILURES, Answer, Request, StandIn, json_answer
from stocks.types import StockKey

pytestmark = pytest.mark.usefixtures("redis_client")


@pytest.fixture
def at_work() -> Iterator[Opened]:
    with opened() as one:
        yield one


def _requests(at_work: Opened) -> list[Request]:
    assert at_work.upstream is not None
    return at_work.upstream.requests


def functions(at_work: Opened) -> list[str]:
    return [request.query["function"] for request in _requests(at_work)]


def test_it_works(at_work):
    (tick,) = at_work.provider.quotes([AAPL])
    assert tick.code == "AAPL"
    assert functions(at_work) == ["GLOBAL_QUOTE"]


def test_a_class_of_share_is_asked_for_in_their_spelling(at_work):
    (tick,) = at_work.provider.quotes([BERKSHIRE])
    assert tick.code == "BRK.B"
    assert at_work.upstream.requests[0].query["symbol"] == "BRK-B"


@pytest.mark.parametrize(
    ("code", "symbol"), [("AAPL", "AAPL"), ("BRK.B", "BRK-B"), ("F", "F"), ("MOG.A", "MOG-A")]
)
def test_symbols_go_there_and_back(code, symbol):
    assert symbol_of(code) == symbol
    assert code_of(symbol) == code


@pytest.mark.parametrize("symbol", ["CRYPTO:BTC", "FOREX:USD", "AAPL34.SAO", "0R2V.LON", "TSCO.L", ""])
def test_a_symbol_of_elsewhere_is_none_of_our_codes(symbol):
    assert code_of(symbol) is None


@pytest.mark.parametrize(
    ("key", "covered"),
    [
        (AAPL, True),
        (BERKSHIRE, True),
        (StockKey("SPY", "US", "USD"), True),
        (StockKey("NEWCODE"), False),
        (StockKey("NEW"), True),
        (StockKey("005930", "KOSPI", "KRW"), False),
        (StockKey("005930"), False),
        (StockKey("HDFCBANK.NS", "NSE", "INR"), False),
        (StockKey("TCS.NS"), False),
        (StockKey("VOD.L"), False),
        (StockKey("^NSEI"), False),
        (StockKey("AAPL", "NASDAQ", "EUR"), False),
    ],
)
def test_it_covers_what_is_listed_in_the_united_states(at_work, key, covered):
    assert at_work.provider.covers(key) is covered


def test_what_it_does_not_cover_costs_no_call(at_work):
    key = StockKey("005930", "KOSPI", "KRW")
    provider, day = at_work.provider, date(2025, 11, 14)
    assert list(provider.quotes([key])) == []
    assert list(provider.daily_bars(key, day, day)) == []
    assert list(provider.actions(key, day, day)) == []
    assert list(provider.statements(key, day, day)) == []
    assert list(provider.news(key, NOW)) == []
    with pytest.raises(NotFound):
        provider.company(key)
    assert at_work.upstream.requests == []


def test_statements_cost_three_calls_and_one_where_there_are_none(at_work):
    provider, unknown = at_work.provider, StockKey("NOSUCH", "NASDAQ", "USD")
    assert provider.statements(AAPL, date(2024, 1, 1), date(2025, 11, 14))
    assert functions(at_work) == ["INCOME_STATEMENT", "BALANCE_SHEET", "CASH_FLOW"]
    at_work.upstream.requests.clear()
    assert list(provider.statements(unknown, date(2024, 1, 1), date(2025, 11, 14))) == []
    assert functions(at_work) == ["INCOME_STATEMENT"]


def test_a_statement_is_not_told_before_the_day_on_which_it_was_filed_for_certain(at_work):
    found = at_work.provider.statements(AAPL, date(2024, 1, 1), date(2027, 1, 1))
    # That of September is out, but by the law it need not be before January.
    assert max(one.filed_on for one in found) <= NOW.date()
    assert date(2025, 9, 30) not in {one.period_end for one in found}


def test_actions_are_splits_and_dividends_by_their_day(at_work):
    found = at_work.provider.actions(AAPL, date(2020, 1, 1), date(2025, 11, 14))
    assert [(one.ex_date.year, one.kind.value) for one in found][:2] == [(2020, "split"), (2024, "dividend")]
    assert found[-1].ex_date == date(2025, 11, 10)
    assert functions(at_work) == ["SPLITS", "DIVIDENDS"]


def test_bars_are_asked_for_in_the_size_that_a_free_key_may_have(at_work):
    at_work.provider.daily_bars(AAPL, date(2000, 1, 1), date(2025, 11, 14))
    assert at_work.upstream.requests[0].query["outputsize"] == "compact"


def test_news_of_markets_in_general_name_no_stock(at_work):
    (article,) = at_work.provider.news(None, NOW - timedelta(days=1))
    assert article.codes == ()
    assert "tickers" not in at_work.upstream.requests[0].query
    at_work.upstream.scripted.append(json_answer(standin.NO_ARTICLES))
    assert list(at_work.provider.news(AAPL, NOW - timedelta(days=1))) == []


def test_each_rate_costs_a_call_and_unknown_ones_are_left_out(at_work):
    rates = at_work.provider.fx_rates("USD", ["XXX", "KRW"])
    assert [rate.quote for rate in rates] == ["KRW"]
    assert len(at_work.upstream.requests) == 2


def test_rates_of_days_gone_by_come_in_one_call(at_work):
    found = at_work.provider.fx_history("USD", "KRW", date(2025, 11, 12), date(2025, 11, 13))
    assert [one.as_of.date() for one in found] == [date(2025, 11, 12), date(2025, 11, 13)]
    assert list(at_work.provider.fx_history("USD", "XXX", date(2025, 11, 12), date(2025, 11, 13))) == []


def test_a_reply_about_another_symbol_is_refused(at_work):
    other = (standin.PAYLOADS / "GLOBAL_QUOTE.BRK-B.json").read_bytes()
    at_work.upstream.scripted.append(Answer(other))
    with pytest.raises(Malformed, match="another symbol"):
        at_work.provider.quotes([AAPL])


def test_the_key_is_in_no_error_and_no_log(at_work, caplog):
    caplog.set_level(logging.DEBUG)
    sentences = [standin.DAY, standin.BURST, {"Information": f"Your key {standin.KEY} is fine."}]
    answers = [json_answer(one) for one in sentences] + [answer for answer, _ in FAILURES.values()]
    for answer in answers:
        at_work.upstream.scripted.append(answer)
        with pytest.raises(ProviderError) as refused:
            at_work.provider.quotes([AAPL])
        shown = [str(refused.value), repr(refused.value), repr(refused.value.__cause__), caplog.text]
        assert not any(standin.KEY in text for text in shown)
        assert (
            refused.value.__context__ is None
            or refused.value.__suppress_context__
            or "GET" not in repr(refused.value.__context__)
        )
    assert all(request.query["apikey"] == standin.KEY for request in at_work.upstream.requests)


def test_without_a_key_it_is_not_built(settings):
    settings.ALPHA_VANTAGE_API_KEY = ""
    with pytest.raises(ImproperlyConfigured, match="ALPHA_VANTAGE_API_KEY"):
        build(shared_tools())


def test_what_it_is_built_with_counts_its_calls(settings):
    with StandIn(standin.answer) as server:
        settings.ALPHA_VANTAGE_API_KEY = standin.KEY
        settings.ALPHA_VANTAGE_URL = server.url
        provider = build(shared_tools())
        assert provider.quotes([StockKey("NOSUCH", "NASDAQ", "USD")]) == []
        budget = Quota("alpha_vantage", standin.KEY, RATES)
        assert budget.spent() == [1, 1]
        with pytest.raises(RateLimited):
            budget.take()
        assert len(server.requests) == 1


def test_the_three_calls_of_statements_wait_for_their_turns(settings):
    with StandIn(standin.answer) as server:
        settings.ALPHA_VANTAGE_API_KEY = standin.KEY
        settings.ALPHA_VANTAGE_URL = server.url
        began = time.monotonic()
        assert build(shared_tools()).statements(AAPL, date(2024, 1, 1), date(2025, 11, 14))
        assert 2.0 <= time.monotonic() - began < 8.0
        assert len(server.requests) == 3


def test_a_simulated_day_of_asking_never_costs_more_than_25_calls():
    clock = [0.0]
    quota = Quota(
        "alpha_vantage",
        "another key",
        RATES,
        PATIENCE_SECONDS,
        now=lambda: 1_760_000_000 + clock[0],
        sleep=lambda seconds: clock.__setitem__(0, clock[0] + seconds),
    )
    taken: list[float] = []
    while clock[0] < 86_400:
        try:
            quota.take()
        except RateLimited:
            clock[0] += 600
        else:
            taken.append(clock[0])
    assert len(taken) == 25
    assert all(later - earlier >= 1 for earlier, later in pairwise(taken))

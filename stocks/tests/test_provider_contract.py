"""What every provider owes to the protocol, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from stocks.folds import why_refused
from stocks.providers.errors import NotFound, ProviderError
from stocks.providers.protocol import PROTOCOLS, Capability, Provider
from stocks.tests.provider_cases import CASES, Case, Opened
from stocks.tests.standin import FAILURES, Answer, StandIn

pytestmark = pytest.mark.usefixtures("redis_client")


def _able(capability: Capability) -> list[Case]:
    """The cases whose provider has a capability; the others are not asked for it."""
    return [case for case in CASES if _has(case.kind, capability)]


def _has(kind: type[Provider], capability: Capability) -> bool:
    return all(hasattr(kind, name) for name in _members(PROTOCOLS[capability]) if name != "name")


def _members(kind: type) -> set[str]:
    return set(getattr(kind, "__protocol_attrs__", ())) or {
        name for base in kind.__mro__ for name in vars(base) if not name.startswith("_")
    }


@pytest.fixture
def opened(case: Case) -> Iterator[Opened]:
    with case.open() as one:
        yield one


@pytest.fixture
def provider(opened: Opened) -> Any:
    return opened.provider


def having(capability: Capability) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", _able(capability), ids=lambda case: case.name)


def _ask(provider: Any, case: Case, capability: Capability) -> Any:
    """Use a capability once, about the first stock of the case."""
    key = case.keys[0]
    match capability:
        case Capability.LISTINGS:
            return provider.listings()
        case Capability.QUOTES:
            return provider.quotes([key])
        case Capability.HISTORY:
            return provider.daily_bars(key, case.start, case.end)
        case Capability.ACTIONS:
            return provider.actions(key, case.start, case.end)
        case Capability.STATEMENTS:
            return provider.statements(key, case.start, case.end)
        case Capability.ORDER_BOOK:
            return provider.order_book(key)
        case Capability.COMPANY:
            return provider.company(key)
        case Capability.SEARCH:
            return provider.search(case.search)
        case Capability.NEWS:
            return provider.news(key, case.now - timedelta(days=30))
        case Capability.FX:
            return provider.fx_rates(case.fx[0], [case.fx[1]])
        case Capability.CRYPTO:
            return provider.crypto(*case.crypto)
    raise AssertionError(capability)


def _asked(case: Case) -> list[Capability]:
    """What its provider has and `_ask` uses."""
    return [one for one in Capability if one is not Capability.STREAM and _has(case.kind, one)]


#: Those that ask a server.
ASKING = [case for case in CASES if case.name != "sandbox"]
UPSTREAM = [
    pytest.param(case, capability, id=f"{case.name}-{capability}")
    for case in ASKING
    for capability in _asked(case)
]
#: KIS has one quota for all, and a clock of its own each time that it is opened.
SIDE_BY_SIDE = [
    *(pytest.param(case, _asked(case), id=case.name) for case in ASKING if case.name != "kis"),
    *(
        pytest.param(case, [one], id=f"kis-{one}")
        for case in ASKING
        if case.name == "kis"
        for one in _asked(case)
    ),
]
OWN_FAILURES = [
    pytest.param(case, capability, failure, id=f"{case.name}-{capability}-{name}")
    for case in CASES
    for name, failure in case.failures.items()
    for capability in _asked(case)
    if failure.capabilities is None or capability in failure.capabilities
]


def _upstream(opened: Opened) -> StandIn:
    assert opened.upstream is not None
    return opened.upstream


def _fails(opened: Opened, case: Case, capability: Capability, answer: Answer, error: Any, name: str) -> None:
    _upstream(opened).always = answer
    with pytest.raises(error) as refused:
        _ask(opened.provider, case, capability)
    assert isinstance(refused.value, ProviderError)
    assert "http" not in refused.value.message.lower().replace("http 4", "").replace("http 5", ""), name


@pytest.mark.parametrize(("case", "capability"), UPSTREAM)
@pytest.mark.parametrize("name", [name for name in FAILURES if name != "drop by drop"])
def test_a_failure_of_a_server_is_an_error_of_the_tree(opened, case, capability, name):
    answer, error = FAILURES[name]
    _fails(opened, case, capability, answer, error, name)


@pytest.mark.parametrize(("case", "capabilities"), SIDE_BY_SIDE)
def test_a_server_that_sends_drop_by_drop_is_left_in_time(case, capabilities):
    """Each capability waits for the whole deadline, so they wait side by side."""
    answer, error = FAILURES["drop by drop"]
    with ExitStack() as stack, ThreadPoolExecutor(len(capabilities)) as pool:
        providers = [stack.enter_context(case.open()) for _ in capabilities]
        began = datetime.now(UTC)
        asked = {
            capability: pool.submit(_fails, opened, case, capability, answer, error, "drop by drop")
            for opened, capability in zip(providers, capabilities, strict=True)
        }
        failed = {capability: one.exception() for capability, one in asked.items()}
        assert datetime.now(UTC) - began < timedelta(seconds=20)
    assert failed == dict.fromkeys(capabilities)


@pytest.mark.parametrize(("case", "capability", "failure"), OWN_FAILURES)
def test_a_documented_failure_is_an_error_of_the_tree(opened, case, capability, failure):
    _fails(opened, case, capability, failure.answer, failure.error, "own")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_provider_has_a_name_and_some_capability(case, provider):
    assert provider.name == case.name
    assert len(provider.name) <= 16  # it is stored as the source of every row
    assert any(_has(case.kind, capability) for capability in Capability)
    assert all(isinstance(provider, PROTOCOLS[one]) for one in Capability if _has(case.kind, one))
    assert all(provider.covers(key) for key in case.keys)


@having(Capability.LISTINGS)
def test_listings_name_each_stock_once(case, provider):
    listings = provider.listings()
    codes = [listing.code for listing in listings]
    assert len(set(codes)) == len(codes)
    assert {key.code for key in case.keys} <= set(codes)
    for listing in listings:
        assert listing.name
        assert listing.market
        assert len(listing.currency) == 3
        assert listing.shares_outstanding is None or listing.shares_outstanding > 0


@having(Capability.HISTORY)
def test_bars_are_whole_in_order_and_within_the_days_asked_for(case, provider):
    for key in case.keys:
        bars = provider.daily_bars(key, case.start, case.end)
        days = [bar.date for bar in bars]
        assert days
        assert days == sorted(set(days))
        assert case.start <= days[0] <= days[-1] <= case.end
        for bar in bars:
            assert bar.close > 0
            assert bar.volume >= 0
            if bar.open is None:
                assert bar.high is None
                assert bar.low is None
            else:
                assert 0 < bar.low <= min(bar.open, bar.close)
                assert max(bar.open, bar.close) <= bar.high


@having(Capability.HISTORY)
def test_a_part_of_the_days_is_a_part_of_the_bars(case, provider):
    key = case.keys[0]
    bars = provider.daily_bars(key, case.start, case.end)
    middle = bars[len(bars) // 2].date
    first = provider.daily_bars(key, case.start, middle)
    rest = provider.daily_bars(key, middle + timedelta(days=1), case.end)
    assert [*first, *rest] == list(bars)


@having(Capability.HISTORY)
def test_no_bar_is_of_a_day_to_come(case, provider):
    bars = provider.daily_bars(case.keys[0], case.start, case.now.date() + timedelta(days=30))
    assert bars[-1].date <= case.now.date()


@having(Capability.HISTORY)
def test_an_unknown_code_has_no_bars(case, provider):
    assert list(provider.daily_bars(case.unknown, case.start, case.end)) == []


@having(Capability.ACTIONS)
def test_actions_say_a_ratio_or_an_amount(case, provider):
    found = [action for key in case.keys for action in provider.actions(key, case.start, case.end)]
    for action in found:
        assert case.start <= action.ex_date <= case.end
        assert (action.ratio is None) != (action.amount is None)
        assert (action.ratio or action.amount) > 0
        assert action.amount is None or len(action.currency) == 3
    assert list(provider.actions(case.unknown, case.start, case.end)) == []


@having(Capability.STATEMENTS)
def test_statements_are_in_order_of_their_filing(case, provider):
    for key in case.keys:
        filings = provider.statements(key, case.start, case.end)
        assert filings
        days = [filing.filed_on for filing in filings]
        assert days == sorted(days)
        assert case.start <= days[0] <= days[-1] <= case.end
        keys = [(one.period_type, one.fiscal_year, one.fiscal_quarter, one.filed_on) for one in filings]
        assert len(set(keys)) == len(keys)
        for filing in filings:
            assert (filing.period_type == "annual") == (filing.fiscal_quarter is None)
            assert filing.period_end is None or filing.period_end < filing.filed_on
    assert list(provider.statements(case.unknown, case.start, case.end)) == []


@having(Capability.QUOTES)
def test_quotes_are_of_the_codes_asked_for_and_can_be_true(case, provider):
    ticks = []
    for start in range(0, len(case.keys), provider.quote_batch):
        ticks += provider.quotes(case.keys[start : start + provider.quote_batch])
    assert sorted(tick.code for tick in ticks) == sorted(key.code for key in case.keys)
    for tick in ticks:
        assert tick.source == provider.name
        assert tick.as_of.tzinfo is not None
        assert why_refused(tick, case.now.astimezone(UTC)) is None
    assert list(provider.quotes([case.unknown])) == []
    assert list(provider.quotes([])) == []


@having(Capability.ORDER_BOOK)
def test_an_order_book_has_levels_away_from_the_middle(case, provider):
    for key in case.keys:
        book = provider.order_book(key)
        assert book.code == key.code
        assert book.source == provider.name
        assert book.asks
        assert book.bids
        assert len(book.asks) <= 10
        assert len(book.bids) <= 10
        assert why_refused(book, case.now) is None
    with pytest.raises(NotFound):
        provider.order_book(case.unknown)


@having(Capability.STREAM)
def test_a_stream_yields_updates_that_can_be_true_with_rising_numbers(case, provider):
    seen: dict[str, tuple] = {}
    updates = list(islice(provider.stream(lambda: case.keys), 25))
    assert sum(len(update.ticks) for update in updates) > 0
    for update in updates:
        for tick in update.ticks:
            assert tick.source == provider.name
            assert why_refused(tick, case.now) is None
            assert (tick.as_of, tick.seq) > seen.get(tick.code, (tick.as_of, -1))
            seen[tick.code] = (tick.as_of, tick.seq)


@having(Capability.COMPANY)
def test_a_company_is_listed_under_the_code_asked_for(case, provider):
    for key in case.keys:
        company = provider.company(key)
        assert company.source == provider.name
        assert company.listing.code == key.code
        assert company.listing.name
        assert company.listing.market == key.market
        assert company.listing.currency == key.currency
        assert company.market_cap is None or company.market_cap > 0
    with pytest.raises(NotFound):
        provider.company(case.unknown)


@having(Capability.SEARCH)
def test_a_search_finds_listings(case, provider):
    found = provider.search(case.search)
    assert found
    assert len({listing.code for listing in found}) == len(found)
    assert all(listing.code and listing.name for listing in found)


@having(Capability.NEWS)
def test_news_are_dated_and_say_what_they_are_about(case, provider):
    key, since = case.keys[0], case.now - timedelta(days=30)
    articles = provider.news(key, since)
    assert articles
    for article in articles:
        assert article.source == provider.name
        assert article.url.startswith(("http://", "https://"))
        assert article.title
        assert since <= article.published_at <= case.now + timedelta(minutes=5)
        assert key.code in article.codes
    times = [article.published_at for article in articles]
    assert times == sorted(times, reverse=True)


@having(Capability.FX)
def test_rates_are_of_the_currencies_asked_for(case, provider):
    base, quote = case.fx
    (rate,) = provider.fx_rates(base, [quote])
    assert (rate.base, rate.quote, rate.source) == (base, quote, provider.name)
    assert rate.rate > 0
    assert rate.as_of <= case.now + timedelta(seconds=5)
    assert list(provider.fx_rates(base, ["XXX"])) == []


@having(Capability.CRYPTO)
def test_a_coin_has_a_price_in_the_currency_asked_for(case, provider):
    coin = provider.crypto(*case.crypto)
    assert (coin.symbol, coin.currency, coin.source) == (*case.crypto, provider.name)
    assert coin.price > 0
    assert coin.as_of <= case.now + timedelta(seconds=5)
    with pytest.raises(NotFound):
        provider.crypto("NOSUCHCOIN", case.crypto[1])


def test_every_capability_has_its_protocol():
    assert set(PROTOCOLS) == set(Capability)

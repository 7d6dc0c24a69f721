"""What every provider owes to the protocol, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from itertools import islice

import pytest

from stocks.folds import why_refused
from stocks.providers import protocol
from stocks.tests.provider_cases import CASES, Case

CAPABILITIES = (
    protocol.ListsStocks,
    protocol.HasHistory,
    protocol.HasActions,
    protocol.HasStatements,
    protocol.HasQuotes,
    protocol.HasOrderBooks,
    protocol.Streams,
)


def pairs(capability: type) -> Iterator[object]:
    """The providers that have a capability; the others are not asked for it."""
    for case in CASES:
        provider = case.make()
        if isinstance(provider, capability):
            yield pytest.param(case, provider, id=case.name)


def having(capability: type):
    return pytest.mark.parametrize(("case", "provider"), list(pairs(capability)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_provider_has_a_name_and_some_capability(case: Case):
    provider = case.make()
    assert provider.name
    assert len(provider.name) <= 16  # it is stored as the source of every row
    assert any(isinstance(provider, capability) for capability in CAPABILITIES)


@having(protocol.ListsStocks)
def test_listings_name_each_stock_once(case, provider):
    listings = provider.listings()
    codes = [listing.code for listing in listings]
    assert len(set(codes)) == len(codes)
    assert set(case.codes) <= set(codes)
    for listing in listings:
        assert listing.name
        assert listing.market
        assert len(listing.currency) == 3
        assert listing.shares_outstanding is None or listing.shares_outstanding > 0


@having(protocol.HasHistory)
def test_bars_are_whole_in_order_and_within_the_days_asked_for(case, provider):
    for code in case.codes:
        bars = provider.daily_bars(code, case.start, case.end)
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


@having(protocol.HasHistory)
def test_a_part_of_the_days_is_a_part_of_the_bars(case, provider):
    code = case.codes[0]
    bars = provider.daily_bars(code, case.start, case.end)
    middle = bars[len(bars) // 2].date
    first = provider.daily_bars(code, case.start, middle)
    rest = provider.daily_bars(code, middle + timedelta(days=1), case.end)
    assert [*first, *rest] == list(bars)


@having(protocol.HasHistory)
def test_no_bar_is_of_a_session_that_has_not_ended(case, provider):
    bars = provider.daily_bars(case.codes[0], case.start, case.now.date() + timedelta(days=30))
    assert bars[-1].date <= case.now.date()


@having(protocol.HasHistory)
def test_an_unknown_code_has_no_bars(case, provider):
    assert list(provider.daily_bars(case.unknown, case.start, case.end)) == []


@having(protocol.HasActions)
def test_actions_say_a_ratio_or_an_amount(case, provider):
    found = [action for code in case.codes for action in provider.actions(code, case.start, case.end)]
    for action in found:
        assert case.start <= action.ex_date <= case.end
        assert (action.ratio is None) != (action.amount is None)
        assert (action.ratio or action.amount) > 0
        assert action.amount is None or len(action.currency) == 3
    assert list(provider.actions(case.unknown, case.start, case.end)) == []


@having(protocol.HasStatements)
def test_statements_are_in_order_of_their_filing(case, provider):
    for code in case.codes:
        filings = provider.statements(code, case.start, case.end)
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


@having(protocol.HasQuotes)
def test_quotes_are_of_the_codes_asked_for_and_can_be_true(case, provider):
    ticks = provider.quotes([*case.codes, case.unknown])
    assert sorted(tick.code for tick in ticks) == sorted(case.codes)
    for tick in ticks:
        assert tick.source == provider.name
        assert tick.as_of.tzinfo is not None
        assert why_refused(tick, case.now.astimezone(UTC)) is None
    assert list(provider.quotes([])) == []


@having(protocol.HasOrderBooks)
def test_an_order_book_has_levels_away_from_the_middle(case, provider):
    for code in case.codes:
        book = provider.order_book(code)
        assert book.code == code
        assert book.source == provider.name
        assert book.asks
        assert book.bids
        assert len(book.asks) <= 10
        assert len(book.bids) <= 10
        assert why_refused(book, case.now) is None


@having(protocol.Streams)
def test_a_stream_yields_updates_that_can_be_true_with_rising_numbers(case, provider):
    seen: dict[str, tuple] = {}
    updates = list(islice(provider.stream(), 25))
    assert sum(len(update.ticks) for update in updates) > 0
    for update in updates:
        for tick in update.ticks:
            assert tick.source == provider.name
            assert why_refused(tick, case.now) is None
            assert (tick.as_of, tick.seq) > seen.get(tick.code, (tick.as_of, -1))
            seen[tick.code] = (tick.as_of, tick.seq)

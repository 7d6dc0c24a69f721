from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from stocks.folds import why_refused
from stocks.providers.sandbox.chance import SEED
from stocks.providers.sandbox.day import day
from stocks.providers.sandbox.pulse import STEP, Pulse
from stocks.providers.sandbox.universe import Instrument, by_calendar, instruments
from stocks.types import OrderBook, Tick

#: A Sunday night in Seoul, a session in Seoul, and the minutes around Seoul's midnight after it.
SUNDAY = datetime(2025, 11, 9, 12, 0, tzinfo=UTC)
SESSION = datetime(2025, 11, 12, 1, 0, tzinfo=UTC)
MIDNIGHT = datetime(2025, 11, 12, 15, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def universe() -> dict[str, Instrument]:
    return instruments(SEED, 60)


def _korea(universe: dict[str, Instrument]) -> Pulse:
    members = dict(by_calendar(universe.values()))["XKRX"]
    return Pulse(SEED, members, "sandbox")


class Seen(NamedTuple):
    """A tick with its day, of which nothing may be unknown."""

    tick: Tick
    code: str
    price: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    previous_close: Decimal
    volume: int


def _whole(tick: Tick) -> Seen:
    day_of_it = (tick.open, tick.high, tick.low, tick.previous_close)
    open_, high, low, previous_close = (price for price in day_of_it if price is not None)
    assert tick.volume is not None
    return Seen(tick, tick.code, tick.price, open_, high, low, previous_close, tick.volume)


def _run(pulse: Pulse, start: datetime, seconds: float) -> tuple[list[Seen], list[OrderBook]]:
    ticks: list[Seen] = []
    books: list[OrderBook] = []
    for beat in range(round(seconds / STEP)):
        now = start + timedelta(seconds=beat * STEP)
        update = pulse.beat(now, 1.0, 1_000_000 * beat)
        ticks += map(_whole, update.ticks)
        books += update.books
    return ticks, books


def test_every_well_known_stock_has_a_tick_each_second_on_a_sunday_night(universe):
    ticks, _ = _run(_korea(universe), SUNDAY, 3)
    seen = Counter(tick.code for tick in ticks)
    known = [one.code for one in universe.values() if one.well_known and one.venue.country == "KR"]
    assert {code: seen[code] for code in known} == dict.fromkeys(known, 3)


def test_the_others_take_turns_so_that_none_grows_stale(universe):
    ticks, _ = _run(_korea(universe), SESSION, 12)
    korean = dict(by_calendar(universe.values()))["XKRX"]
    trading = day(SEED, korean, SESSION.date()).trades
    others = {one.code for one, trades in zip(korean, trading, strict=True) if trades and not one.well_known}
    assert len(others) > 80
    assert others <= {tick.code for tick in ticks}


@pytest.mark.parametrize("start", [SUNDAY, SESSION])
def test_every_tick_is_one_that_the_exchange_could_have_sent(universe, start):
    ticks, _ = _run(_korea(universe), start, 20)
    assert len(ticks) > 500
    for tick in ticks:
        instrument = universe[tick.code]
        units = int(tick.price.scaleb(instrument.digits))
        assert Decimal(units).scaleb(-instrument.digits) == tick.price
        assert units % int(instrument.ladder.tick(np.array(units))) == 0
        assert tick.low <= tick.price <= tick.high
        assert tick.low <= tick.open <= tick.high
        assert why_refused(tick.tick, tick.tick.as_of) is None
        if not instrument.index:
            assert abs(tick.price / tick.previous_close - 1) <= Decimal("0.3")


def test_prices_move_and_come_back(universe):
    ticks, _ = _run(_korea(universe), SUNDAY, 60)
    samsung = [tick for tick in ticks if tick.code == "005930"]
    assert len({tick.price for tick in samsung}) > 1
    assert all(abs(tick.price / tick.previous_close - 1) < Decimal("0.03") for tick in samsung)


def test_the_range_only_widens_and_the_volume_only_grows_within_a_day(universe):
    ticks, _ = _run(_korea(universe), SESSION, 30)
    last: dict[str, Seen] = {}
    for tick in ticks:
        before = last.get(tick.code)
        if before is not None:
            assert tick.high >= before.high
            assert tick.low <= before.low
            assert tick.volume >= before.volume
            assert tick.open == before.open
            assert (tick.tick.as_of, tick.tick.seq) > (before.tick.as_of, before.tick.seq)
        last[tick.code] = tick


def test_a_new_day_begins_at_the_exchange_s_midnight(universe):
    pulse = _korea(universe)
    before, _ = _run(pulse, MIDNIGHT - timedelta(seconds=5), 5)
    after, _ = _run(pulse, MIDNIGHT, 5)
    last = [tick for tick in before if tick.code == "005930"][-1]
    first = next(tick for tick in after if tick.code == "005930")
    assert first.open == first.price
    assert first.volume < last.volume
    assert first.previous_close != last.previous_close
    assert abs(first.price / last.price - 1) < Decimal("0.02")


def test_a_session_ends_near_the_close_that_its_bar_will_have(universe):
    pulse = _korea(universe)
    after_close, _ = _run(pulse, datetime(2025, 11, 12, 6, 31, tzinfo=UTC), 2)
    next_day, _ = _run(pulse, MIDNIGHT + timedelta(hours=1), 2)
    closes = {tick.code: tick.previous_close for tick in next_day}
    compared = [tick for tick in after_close if tick.code in closes and universe[tick.code].well_known]
    assert len(compared) > 20
    for tick in compared:
        assert abs(tick.price / closes[tick.code] - 1) < Decimal("0.02"), tick.code


def test_a_restart_goes_on_from_what_was_seen_last(universe):
    ticks, _ = _run(_korea(universe), SESSION, 10)
    last = {tick.code: tick for tick in ticks}
    pulse = _korea(universe)
    now = SESSION + timedelta(seconds=12)
    pulse.resume({code: one.tick for code, one in last.items()}, now)
    resumed, _ = _run(pulse, now, 1)
    for tick in resumed:
        before = last.get(tick.code)
        if before is not None:
            assert tick.open == before.open
            assert tick.high >= before.high
            assert tick.low <= before.low
            assert tick.volume >= before.volume
            assert abs(tick.price / before.price - 1) < Decimal("0.01")


def test_a_restart_on_another_day_begins_that_day(universe):
    ticks, _ = _run(_korea(universe), SESSION, 2)
    pulse = _korea(universe)
    now = SESSION + timedelta(days=1)
    pulse.resume({one.code: one.tick for one in ticks}, now)
    resumed, _ = _run(pulse, now, 1)
    samsung = next(tick for tick in resumed if tick.code == "005930")
    assert samsung.open == samsung.high == samsung.low == samsung.price


def test_every_well_known_stock_has_an_order_book_of_ten_levels_every_two_seconds(universe):
    _, books = _run(_korea(universe), SESSION, 4)
    known = {
        one.code
        for one in universe.values()
        if one.well_known and not one.index and one.venue.country == "KR"
    }
    assert {book.code for book in books} == known
    for book in books:
        instrument = universe[book.code]
        assert len(book.asks) == len(book.bids) == 10
        assert why_refused(book, book.as_of) is None
        rising = [int(level.price.scaleb(instrument.digits)) for level in book.asks]
        assert all(instrument.ladder.above(one) == above for one, above in pairwise(rising))
        falling = [int(level.price.scaleb(instrument.digits)) for level in book.bids]
        assert all(instrument.ladder.below(one) == below for one, below in pairwise(falling))
        assert instrument.ladder.above(falling[0]) == rising[0]


def test_an_index_has_prices_and_no_order_book(universe):
    ticks, books = _run(_korea(universe), SESSION, 4)
    assert any(tick.code == "^KS11" for tick in ticks)
    assert not any(book.code.startswith("^") for book in books)

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from stocks.providers.sandbox import ladders
from stocks.providers.sandbox.bars import Block, bars
from stocks.providers.sandbox.chance import SEED, generator
from stocks.providers.sandbox.events import halts, splits
from stocks.providers.sandbox.universe import Instrument, instruments

START, END = date(2023, 11, 13), date(2025, 11, 12)
PARTS = ("open", "high", "low", "close", "volume", "listed", "halted")


@pytest.fixture(scope="module")
def universe() -> dict[str, Instrument]:
    return instruments(SEED)


@pytest.fixture(scope="module")
def blocks(universe: dict[str, Instrument]) -> list[Block]:
    return list(bars(SEED, list(universe.values()), START, END))


def _rows(blocks: list[Block], code: str) -> dict[str, np.ndarray]:
    for block in blocks:
        for at, instrument in enumerate(block.instruments):
            if instrument.code == code:
                return {"days": block.days} | {part: getattr(block, part)[at] for part in PARTS}
    raise LookupError(code)


def test_it_lists_about_2700_stocks_on_five_markets(universe):
    markets = {instrument.venue.market for instrument in universe.values()}
    assert markets == {"KOSPI", "KOSDAQ", "NASDAQ", "NYSE", "NSE"}
    assert 2_600 <= len(universe) <= 2_800


def test_the_codes_that_people_look_for_have_their_own_names(universe):
    expected = {
        "005930": "삼성전자",
        "AAPL": "Apple Inc.",
        "MSFT": "Microsoft Corporation",
        "HDFCBANK.NS": "HDFC Bank Limited",
        "TCS.NS": "Tata Consultancy Services Limited",
        "^NSEI": "NIFTY 50",
    }
    assert {code: universe[code].name for code in expected} == expected
    assert universe["^NSEI"].listing(None).kind == "index"
    samsung = universe["005930"].listing(1)
    assert (samsung.market, samsung.sector, samsung.industry) == ("KOSPI", "Technology", "Semiconductors")


def test_every_other_company_says_that_it_is_invented(universe):
    invented = [instrument for instrument in universe.values() if not instrument.well_known]
    assert all(instrument.name.endswith(("(fictional)", "(가상)")) for instrument in invented)
    assert all(instrument.sector and instrument.industry for instrument in invented)
    assert len({instrument.name for instrument in universe.values()}) == len(universe)


def test_invented_codes_are_none_of_the_real_listings(universe, market_data_dir):
    real: set[str] = set()
    for name in ("krx_listing_2026_03.csv", "sp500_constituents.csv"):
        lines = (market_data_dir / name).read_text(encoding="utf-8-sig").splitlines()
        real |= {line.split(",")[0] for line in lines}
    invented = {instrument.code for instrument in universe.values() if not instrument.well_known}
    assert not invented & real


def test_no_bar_breaks_its_own_range(blocks):
    for block in blocks:
        traded = block.listed & ~block.halted
        assert (block.low[traded] > 0).all()
        assert (block.low <= np.minimum(block.open, block.close))[traded].all()
        assert (block.high >= np.maximum(block.open, block.close))[traded].all()
        assert (block.volume >= 0).all()


def test_every_price_is_one_that_the_exchange_quotes(blocks):
    for block in blocks:
        for at, instrument in enumerate(block.instruments):
            traded = block.listed[at] & ~block.halted[at]
            for part in ("open", "high", "low", "close"):
                units = getattr(block, part)[at][traded]
                assert (units % instrument.ladder.tick(units) == 0).all(), (instrument.code, part)


def test_a_halted_day_carries_the_close_and_has_no_volume(blocks):
    halted_days = 0
    for block in blocks:
        for at in np.flatnonzero((block.halted & block.listed).any(axis=1)):
            assert block.instruments[at].venue.country == "KR"
            for day in np.flatnonzero(block.halted[at]):
                halted_days += 1
                assert block.volume[at, day] == 0
                if day:
                    assert block.close[at, day] == block.close[at, day - 1]
    assert halted_days > 100


def test_bars_stand_on_sessions_only(blocks):
    for block in blocks:
        days = block.days.tolist()
        assert days == sorted(set(days))
        assert all(day.weekday() < 5 for day in days)
    korean = next(block for block in blocks if block.instruments[0].venue.country == "KR")
    assert np.datetime64("2025-10-06") not in korean.days  # Chuseok
    american = next(block for block in blocks if block.instruments[0].venue.country == "US")
    assert np.datetime64("2024-07-04") not in american.days


@pytest.mark.parametrize("code", ["005930", "AAPL", "^NSEI", "800010", "850010", "NETSHZX.NS"])
def test_a_stock_alone_has_the_bars_that_it_has_among_all(universe, blocks, code):
    alone = _rows(list(bars(SEED, [universe[code]], START, END)), code)
    among = _rows(blocks, code)
    assert all(np.array_equal(alone[part], among[part]) for part in ("days", *PARTS))


def test_a_later_day_appends_and_changes_nothing_before(universe, blocks):
    split_stocks = [one for one in universe.values() if splits(SEED, one, END)]
    halted_stocks = [one for one in universe.values() if halts(SEED, one, END)]
    known = [universe[code] for code in ("005930", "IBM", "TCS.NS")]
    sample = [*known, *split_stocks[:20], *halted_stocks[:20]]
    middle = date(2024, 12, 19)
    shorter = list(bars(SEED, sample, START, middle))
    rest = list(bars(SEED, sample, date(2024, 12, 20), END))
    for instrument in sample:
        whole, first, last = (_rows(part, instrument.code) for part in (blocks, shorter, rest))
        for part in ("days", *PARTS):
            assert np.array_equal(whole[part], np.concatenate([first[part], last[part]])), instrument.code


def test_another_seed_is_another_market(universe):
    samsung = universe["005930"]
    (one,), (other,) = bars(SEED, [samsung], START, END), bars(SEED + 1, [samsung], START, END)
    assert not np.array_equal(one.close, other.close)


def test_prices_of_well_known_stocks_stay_near_their_level(universe, blocks):
    for code in ("005930", "AAPL", "MSFT", "IBM", "HDFCBANK.NS", "^NSEI"):
        close = _rows(blocks, code)["close"]
        middle = universe[code].middle
        assert middle * 0.4 < close.min() <= close.max() < middle * 2.5


def test_a_split_stands_in_the_raw_prices(universe, blocks):
    found = 0
    for instrument in universe.values():
        for split in splits(SEED, instrument, END):
            if split.ex_date <= START:
                continue
            rows = _rows(blocks, instrument.code)
            at = int(np.searchsorted(rows["days"], np.datetime64(split.ex_date)))
            if at == 0 or at == len(rows["days"]) or not rows["listed"][at - 1]:
                continue
            jump = rows["close"][at] / rows["close"][at - 1]
            assert 0.7 < jump * float(split.ratio) < 1.4, instrument.code
            found += 1
    assert found > 20


def test_some_stock_falls_by_five_percent_every_day(blocks):
    for block in blocks:
        change = block.close[:, 1:] / block.close[:, :-1] - 1
        falls = (change <= -0.05) & block.listed[:, :-1]
        assert np.median(falls.sum(axis=0)) >= 1


def test_a_longer_draw_begins_with_the_shorter_one():
    short = generator(1, "a", "b").standard_normal(10)
    assert np.array_equal(generator(1, "a", "b").standard_normal(100)[:10], short)
    assert not np.array_equal(generator(1, "ab", "").standard_normal(10), short)


@pytest.mark.parametrize("ladder", [ladders.KRX, ladders.US, ladders.NSE, ladders.INDEX])
def test_a_ladder_has_no_price_between_its_steps(ladder):
    starts = [start for start in ladder.starts if start]
    for start, (before, after) in zip(starts, pairwise(ladder.ticks), strict=True):
        assert start % before == 0
        assert start % after == 0
        assert ladder.above(start - before) == start
        assert ladder.below(start) == start - before
        assert ladder.above(start) == start + after


def test_the_krx_ladder_is_the_exchange_s():
    prices = np.array([1_999, 2_000, 4_995, 19_990, 49_950, 199_900, 499_500, 500_000])
    assert ladders.KRX.tick(prices).tolist() == [1, 5, 5, 10, 50, 100, 500, 1_000]
    assert ladders.KRX.nearest(np.array([71_049.0, 71_051.0])).tolist() == [71_000, 71_100]
    assert ladders.KRX.up(np.array([71_001.0])).tolist() == [71_100]
    assert ladders.KRX.down(np.array([71_099.0])).tolist() == [71_000]
    assert ladders.KRX.below(1) == 0

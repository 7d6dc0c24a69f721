"""One canonical series: the latest values are its last elements to the bit, whatever is worked out beside."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocks.indicators import kernels
from stocks.indicators.bars import Bars
from stocks.indicators.kernels import Kernel, WindowKernel, rolling
from stocks.indicators.reductions import deviation, mean, quotient, total
from stocks.indicators.series import KERNELS, SERIES_IDS, latest, recent, series
from stocks.indicators.windows import Windows
from stocks.tests.indicator_strategies import any_bars, upto

WINDOW_KERNELS = [kernel for kernel in KERNELS if isinstance(kernel, WindowKernel)]


def _made_up(length: int, seed: int = 5) -> Bars:
    source = np.random.default_rng(seed)
    close = np.exp(source.normal(0, 0.02, length).cumsum() + 8)
    high, low = close * (1 + source.random(length) / 50), close * (1 - source.random(length) / 50)
    day = np.datetime64("2019-01-01") + np.arange(length)
    return Bars.of(
        source.uniform(low, high),
        high,
        low,
        close,
        source.uniform(0, 1e6, length),
        days=day,
        total=close * 0.9,
        market=np.exp(source.normal(0, 0.01, length).cumsum() + 7),
        shares=np.full(length, 1e7),
    )


def _tail(bars: Bars, count: int) -> Bars:
    last = slice(len(bars) - count, None)
    return Bars(*(getattr(bars, name)[last] for name in Bars.__slots__))


@given(st.lists(any_bars(), max_size=6), st.integers(1, 6))
@settings(deadline=None, max_examples=40)
def test_the_recent_values_of_a_chunk_are_the_ends_of_each_stocks_series(chunk: list[Bars], count: int):
    found = recent(chunk, count)
    assert found.shape == (len(chunk), count, len(SERIES_IDS))
    for row, bars in zip(found, chunk, strict=True):
        for column, (id_, values) in enumerate(series(bars).items()):
            padded = np.concatenate([np.full(count, np.nan), values])[-count:]
            np.testing.assert_array_equal(row[:, column], padded, err_msg=id_)


@given(any_bars(min_size=1))
@settings(deadline=None, max_examples=30)
def test_the_latest_values_are_the_last_of_the_series(bars: Bars):
    np.testing.assert_array_equal(latest([bars])[0], [values[-1] for values in series(bars).values()])


@pytest.mark.parametrize("kernel", WINDOW_KERNELS, ids=lambda kernel: kernel.ids[0])
def test_a_window_says_the_same_however_many_are_worked_out_together(kernel: WindowKernel):
    bars = _made_up(kernel.needs + 40)
    together = np.array(kernel.run(Windows.sliding(bars, kernel.needs)))
    for count in (1, 2, 3, 7, 40):
        alone = np.array(kernel.run(Windows.sliding(upto(bars, kernel.needs + count - 1), kernel.needs)))
        np.testing.assert_array_equal(together[:, :count], alone)


@pytest.mark.parametrize("kernel", WINDOW_KERNELS, ids=lambda kernel: kernel.ids[0])
def test_a_window_knows_nothing_of_what_came_before_it(kernel: WindowKernel):
    bars = _made_up(kernel.needs + 700)
    for long, short in zip(kernel.series(bars), kernel.series(_tail(bars, kernel.needs)), strict=True):
        np.testing.assert_array_equal(long[-1], short[-1])
        assert np.isnan(short[:-1]).all()


def test_a_chunk_is_worked_out_like_its_stocks_one_by_one():
    chunk = [_made_up(length, seed=length) for length in (253, 1, 900, 60, 0, 1300, 252, 21)]
    np.testing.assert_array_equal(latest(chunk), np.vstack([latest([bars]) for bars in chunk]))
    np.testing.assert_array_equal(latest(chunk[::-1]), latest(chunk)[::-1])


def test_no_stocks_have_no_rows():
    assert latest([]).shape == (0, len(SERIES_IDS))


def test_blocks_of_windows_leave_no_seam():
    bars = _made_up(2 * kernels.BLOCK + 30)
    kernel = WindowKernel(("mean",), 20, lambda w: (mean(w.close),))
    (values,) = kernel.series(bars)
    assert np.isfinite(values[19:]).all()
    np.testing.assert_array_equal(values, rolling(mean, bars.close, 20))
    expected = [bars.close[i - 19 : i + 1].mean() for i in range(19, len(bars))]
    np.testing.assert_allclose(values[19:], expected, rtol=1e-14)


def test_too_few_bars_give_no_values_and_no_call():
    kernel = WindowKernel(("never", "ever"), 5, lambda w: pytest.fail("there is no such window"))
    assert np.isnan(kernel.series(_made_up(4))).all()
    assert np.isnan(rolling(mean, np.arange(4.0), 5)).all()


def test_a_history_is_handed_over_whole():
    kernel = Kernel(("sum",), lambda b: (np.cumsum(b.volume),), lambda *_: pytest.fail("only ends are asked"))
    bars = _made_up(30)
    np.testing.assert_array_equal(kernel.series(bars)[0], np.cumsum(bars.volume))


def test_sliding_windows_are_every_run_of_so_many_bars():
    bars = _made_up(40)
    windows = Windows.sliding(bars, 7)
    assert len(windows) == 34
    for name in Bars.__slots__:
        column, found = getattr(bars, name), getattr(windows, name)
        assert found.dtype == column.dtype and not found.flags.writeable
        for i in range(34):
            np.testing.assert_array_equal(found[i], column[i : i + 7], err_msg=name)


def test_an_aligned_window_begins_with_nothing_where_a_stock_is_young():
    young, old = _made_up(2), _made_up(5)
    aligned = Windows.aligned([young, old], 4)
    assert np.isnan(aligned.close[0, :2]).all() and np.isnat(aligned.days[0, :2]).all()
    np.testing.assert_array_equal(aligned.close[0, 2:], young.close)
    np.testing.assert_array_equal(aligned.days[1], old.days[1:])


@pytest.mark.parametrize("value", [0.1, 33.3, 1234567.89])
def test_the_mean_of_equal_values_is_that_value_and_their_deviation_nothing(value: float):
    flat = np.full((3, 20), value)
    assert set(mean(flat)) == {value}
    assert set(deviation(flat, ddof=1)) == {0.0}


def test_sums_do_not_depend_on_how_the_windows_lie_in_memory():
    source = np.random.default_rng(1)
    matrix = source.normal(size=(50, 252))
    np.testing.assert_array_equal(total(matrix), total(np.asfortranarray(matrix)))
    np.testing.assert_array_equal(total(matrix)[:1], total(matrix[:1]))


def test_an_unknown_value_makes_its_own_window_unknown_and_no_other():
    values = np.arange(1.0, 11.0)
    values[4] = np.nan
    for of in (mean, total, lambda window: deviation(window, ddof=0)):
        assert np.flatnonzero(np.isnan(rolling(of, values, 3))).tolist() == [0, 1, 4, 5, 6]


def test_a_quotient_by_nothing_is_unknown():
    found = quotient(np.array([1.0, 0.0, -1.0, np.nan]), np.array([0.0, 0.0, 2.0, 2.0]))
    np.testing.assert_array_equal(found, [np.nan, np.nan, -0.5, np.nan])

from decimal import Decimal

import numpy as np
import pytest

from stocks.indicators.bars import Bars
from stocks.indicators.kernels import rolling
from stocks.indicators.reductions import change, highest, lowest
from stocks.indicators.series import latest, series
from stocks.tests.indicator_cases import array, bars, spread, walk

CHANGES = {
    "change_1d": 1,
    "change_1w": 5,
    "change_1m": 21,
    "change_3m": 63,
    "change_6m": 126,
    "change_1y": 252,
}


@pytest.mark.parametrize(("id_", "back"), CHANGES.items())
def test_a_change_is_the_percentage_between_two_closes(id_: str, back: int):
    closes = walk(260)
    values = series(bars(closes))[id_]
    for i in range(len(closes)):
        if i < back:
            assert np.isnan(values[i])
        else:
            assert values[i] == pytest.approx(float((closes[i] / closes[i - back] - 1) * 100), abs=1e-9)


def test_the_one_year_change_exists_with_253_bars_and_not_with_252():
    rising = [Decimal(100 + i) for i in range(253)]
    assert np.isnan(series(bars(rising[:252]))["change_1y"]).all()
    assert series(bars(rising))["change_1y"][-1] == pytest.approx(252.0)  # 100 → 352


def test_changes_by_hand():
    assert change(np.array([100.0, 110.0, 120.0]), np.array([110.0, 99.0, 90.0])).tolist() == [10, -10, -25]


def test_momentum_leaves_the_last_month_out():
    closes = [Decimal(100)] * 253
    closes[-22] = Decimal(150)  # 21 bars before the last
    closes[-127] = Decimal(75)  # 126 bars before the last
    values = series(bars(closes))
    assert values["mom_12_1"][-1] == pytest.approx(50.0)
    assert values["mom_6_1"][-1] == pytest.approx(100.0)


def test_the_52_week_range_is_that_of_252_bars():
    closes = walk(300)
    highs, lows = spread(closes)
    values = series(bars(closes))
    for i in (251, 270, 299):
        top, bottom = max(highs[i - 251 : i + 1]), min(lows[i - 251 : i + 1])
        assert (values["high_52w"][i], values["low_52w"][i]) == (float(top), float(bottom))
        assert values["dist_high_52w"][i] == pytest.approx(float((closes[i] / top - 1) * 100))
        assert values["dist_low_52w"][i] == pytest.approx(float((closes[i] / bottom - 1) * 100))
    assert np.isnan(values["high_52w"][250])


def test_a_suspended_day_counts_with_its_close_in_the_range():
    closes = array(walk(252))
    nothing = np.full(252, np.nan)
    values = series(Bars.of(nothing, nothing, nothing, closes, np.zeros(252)))
    assert (values["high_52w"][-1], values["low_52w"][-1]) == (closes.max(), closes.min())


def test_highest_and_lowest_by_hand():
    values = np.array([3.0, 1.0, 2.0, 5.0])
    assert rolling(highest, values, 2).tolist()[1:] == [3.0, 2.0, 5.0]
    assert rolling(lowest, values, 3).tolist()[2:] == [1.0, 1.0]


@pytest.mark.parametrize("flaw", ["close", "volume", "length", "zero", "total", "market", "days"])
def test_bars_that_no_kernel_could_read_are_refused(flaw: str):
    good = np.array([1.0, 2.0, 3.0])
    close, volume, high = good.copy(), good.copy(), good.copy()
    if flaw == "close":
        close[1] = np.nan
    elif flaw == "zero":
        close[1] = 0.0
    elif flaw == "volume":
        volume[1] = np.nan
    elif flaw == "length":
        high = high[:2]
    days = np.arange("2026-01-05", "2026-01-08", dtype="datetime64[D]")
    extra = {"total": good, "market": np.array([np.nan, 1.0, 2.0]), "days": days}
    if flaw in extra:
        extra[flaw] = {"total": -good, "market": good * np.inf, "days": days[::-1]}[flaw]
    with pytest.raises(ValueError, match="bar"):
        Bars.of(good, high, good, close, volume, **extra)


def test_no_bars_have_no_figures():
    nothing = np.array([])
    assert np.isnan(latest([Bars.of(nothing, nothing, nothing, nothing, nothing)])).all()

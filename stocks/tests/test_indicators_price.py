from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import talib

from stocks.indicators.bars import Bars
from stocks.indicators.kernels import rolling
from stocks.indicators.reductions import change, highest, lowest
from stocks.indicators.series import latest, series
from stocks.tests.indicator_cases import array, bars, closing, spread, walk
from stocks.tests.indicator_quotes import spy

CHANGES = {
    "change_1d": 1,
    "change_1w": 5,
    "change_1m": 21,
    "change_3m": 63,
    "change_6m": 126,
    "change_1y": 252,
    "change_3y": 756,
    "change_5y": 1260,
}


@pytest.mark.parametrize(("id_", "back"), CHANGES.items())
def test_a_change_is_the_percentage_between_two_closes(id_: str, back: int):
    closes = walk(back + 10)
    values = series(bars(closes))[id_]
    for i in range(len(closes)):
        if i < back:
            assert np.isnan(values[i])
        else:
            assert values[i] == pytest.approx(float((closes[i] / closes[i - back] - 1) * 100), abs=1e-9)


@pytest.mark.parametrize(("id_", "back"), CHANGES.items())
def test_a_change_is_the_rate_of_change_of_talib(id_: str, back: int):
    closes = array(walk(1300))
    np.testing.assert_allclose(
        series(closing(closes))[id_], talib.ROC(closes, timeperiod=back), rtol=1e-9, atol=1e-9
    )


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


def test_the_52_week_range_is_that_of_252closing():
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


def test_the_year_to_date_is_that_of_the_published_index():
    # S&P 500: 3839.50 at the end of 2022, 4769.83 at the end of 2023, +24.23 % as published.
    values = series(
        closing(
            np.array([4796.56, 3839.50, 3824.14, 4769.83]),
            days=["2022-01-03", "2022-12-30", "2023-01-03", "2023-12-29"],
        )
    )
    assert values["change_ytd"][3] == pytest.approx(24.23, abs=0.005)
    assert values["change_ytd"][2] == pytest.approx((3824.14 / 3839.50 - 1) * 100)
    assert np.isnan(values["change_ytd"][:2]).all()


def test_a_calendar_change_starts_from_the_last_close_of_an_earlier_period():
    closes = array(walk(900))
    days = np.datetime64("2021-11-20") + np.cumsum(
        np.random.default_rng(4).integers(1, 60, 900) ** 3 // 9000 + 1
    )
    values = series(closing(closes, days=days))
    calendar = [day.astype(object) for day in days]
    for i, day in enumerate(calendar):
        for id_, key in (("change_ytd", "%Y"), ("change_mtd", "%Y%m")):
            before = [j for j in range(i) if calendar[j].strftime(key) != day.strftime(key)]
            if not before:
                assert np.isnan(values[id_][i])
            else:
                assert values[id_][i] == pytest.approx((closes[i] / closes[before[-1]] - 1) * 100, abs=1e-9)


def test_without_days_there_is_no_year_to_date():
    values = series(closing(array(walk(300))))
    assert np.isnan(values["change_ytd"]).all() and np.isnan(values["change_mtd"]).all()


def test_gap_range_and_change_since_the_open_on_published_quotes():
    values = series(spy())
    # 2017-02-14: 219.71 220.80 219.33 220.79 after a close of 219.91.
    assert values["gap_pct"][-1] == pytest.approx(-0.20 / 219.91 * 100)
    assert values["range_pct"][-1] == pytest.approx(1.47 / 219.91 * 100)
    assert values["change_since_open"][-1] == pytest.approx(1.08 / 219.71 * 100)
    assert np.isnan(values["gap_pct"][0]) and np.isnan(values["range_pct"][0])


def test_a_suspended_day_has_neither_gap_nor_range_nor_open():
    closes = np.array([100.0, 100.0, 110.0])
    opened = np.array([99.0, np.nan, 105.0])
    values = series(Bars.of(opened, opened, opened, closes, np.array([5.0, 0.0, 5.0])))
    for id_ in ("gap_pct", "range_pct", "change_since_open"):
        assert np.isnan(values[id_][1])
    assert values["gap_pct"][2] == pytest.approx(5.0)
    assert values["change_since_open"][2] == pytest.approx(5 / 105 * 100)


def test_the_days_since_the_high_count_from_the_last_of_equal_highs():
    closes = walk(600)
    highs, _ = spread(closes)
    values = series(bars(closes))["days_since_high_52w"]
    places = talib.MAXINDEX(array(highs), timeperiod=252)
    for i in range(251, 600):
        window = highs[i - 251 : i + 1]
        assert values[i] == window[::-1].index(max(window))
        assert highs[places[i]] == highs[i - int(values[i])]
    flat = series(closing(np.full(260, 50.0)))["days_since_high_52w"]
    assert set(flat[251:]) == {0.0}


@pytest.mark.parametrize(("period", "length"), [("20d", 20), ("52w", 252)])
def test_a_new_high_or_low_lies_beyond_every_other_of_its_window(period: str, length: int):
    closes = walk(700, seed=3)
    highs, lows = spread(closes)
    values = series(bars(closes))
    flags = {True: 0, False: 0}
    for i in range(700):
        if i < length - 1:
            assert np.isnan(values[f"new_high_{period}"][i])
            continue
        earlier = slice(i + 1 - length, i)
        assert values[f"new_high_{period}"][i] == all(highs[i] > high for high in highs[earlier])
        assert values[f"new_low_{period}"][i] == all(lows[i] < low for low in lows[earlier])
        flags[bool(values[f"new_high_{period}"][i])] += 1
    assert min(flags.values()) > 3


def test_touching_an_earlier_high_is_no_new_one():
    assert set(series(closing(np.full(260, 50.0)))["new_high_20d"][19:]) == {0.0}


def test_the_all_time_high_by_hand():
    closes = np.array([10.0, 12.0, 9.0, 12.0, 15.0, 14.0])
    values = series(closing(closes))
    assert values["ath"].tolist() == [10.0, 12.0, 12.0, 12.0, 15.0, 15.0]
    assert values["dist_ath"] == pytest.approx([0.0, 0.0, -25.0, 0.0, 0.0, -100 / 15])


def test_the_all_time_high_never_forgets():
    closes = walk(2000)
    highs, _ = spread(closes)
    values = series(bars(closes))
    for i in (0, 1, 251, 1500, 1999):
        top = max(highs[: i + 1])
        assert values["ath"][i] == float(top)
        assert values["dist_ath"][i] == pytest.approx(float((closes[i] / top - 1) * 100))


def test_streaks_by_hand():
    values = series(closing(np.array([10.0, 11.0, 12.0, 12.0, 13.0, 12.0, 11.0, 10.0, 11.0])))
    nan = np.nan
    np.testing.assert_array_equal(values["up_streak"], [nan, 1, 2, 0, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(values["down_streak"], [nan, 0, 0, 0, 0, 1, 2, 3, 0])


def test_streaks_end_where_the_closes_turn():
    closes = walk(500, seed=9)
    values = series(bars(closes))
    for i in range(1, 500):
        for id_, sign in (("up_streak", 1), ("down_streak", -1)):
            days = 0
            while days < i and (closes[i - days] - closes[i - days - 1]) * sign > 0:
                days += 1
            assert values[id_][i] == days


def test_the_total_return_is_that_of_the_published_index():
    # S&P 500 Total Return: 8178.02 at the end of 2022, 10327.83 at the end of 2023, +26.29 % as published.
    total = np.linspace(8178.02, 10327.83, 253)
    values = series(closing(np.full(253, 100.0), total=total))
    assert values["tr_1y"][-1] == pytest.approx(26.29, abs=0.005)
    assert values["change_1y"][-1] == 0.0


@pytest.mark.parametrize(("id_", "back"), [("tr_1y", 252), ("tr_3y", 756)])
def test_a_total_return_compounds_the_dividends_reinvested_on_their_ex_dates(id_: str, back: int):
    closes = walk(back + 40)
    dividends = {i: closes[i] / 50 for i in range(30, back + 40, 63)}
    # What one share has become for a holder who buys more shares for each dividend, at the ex-day's close.
    shares, wealth = Decimal(1), []
    for i, close in enumerate(closes):
        shares += shares * dividends.get(i, Decimal(0)) / close
        wealth.append(shares * close)
    values = series(closing(array(closes), total=array(wealth)))[id_]
    for i in (back, back + 39):
        assert values[i] == pytest.approx(float((wealth[i] / wealth[i - back] - 1) * 100))
    assert np.isnan(values[:back]).all()


def test_a_total_return_is_unknown_where_the_dividends_are():
    values = series(closing(array(walk(800))))
    assert np.isnan(values["tr_1y"]).all() and np.isnan(values["tr_3y"]).all()


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
    extra: dict[str, Any] = {"total": good, "market": np.array([np.nan, 1.0, 2.0]), "days": days}
    if flaw in extra:
        extra[flaw] = {"total": -good, "market": good * np.inf, "days": days[::-1]}[flaw]
    with pytest.raises(ValueError, match="bar"):
        Bars.of(good, high, good, close, volume, **extra)


def test_no_bars_have_no_figures():
    nothing = np.array([])
    assert np.isnan(latest([Bars.of(nothing, nothing, nothing, nothing, nothing)])).all()

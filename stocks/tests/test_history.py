"""Adjusting and rolling up bars, worked by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from stocks.history import Close, roll_up, split_adjusted, total_adjusted
from stocks.types import Action, ActionKind, Bar, Interval

TODAY = date(2024, 12, 31)


def a_bar(day, close, *, open=None, high=None, low=None, volume=100):
    return Bar(
        date=date.fromisoformat(day),
        open=Decimal(str(open)) if open is not None else Decimal(str(close)),
        high=Decimal(str(high)) if high is not None else Decimal(str(close)),
        low=Decimal(str(low)) if low is not None else Decimal(str(close)),
        close=Decimal(str(close)),
        volume=volume,
    )


def suspended(day, close):
    return Bar(date.fromisoformat(day), None, None, None, Decimal(str(close)), 0)


def split(day, ratio, kind=ActionKind.SPLIT):
    return Action(kind, date.fromisoformat(day), ratio=Decimal(ratio))


def dividend(day, amount, currency="KRW"):
    return Action(ActionKind.DIVIDEND, date.fromisoformat(day), amount=Decimal(amount), currency=currency)


def closes(bars):
    return [str(bar.close) for bar in bars]


def test_a_split_divides_earlier_prices_and_multiplies_earlier_volumes():
    bars = [a_bar("2024-05-02", 500, open=490, high=510, low=480, volume=30), a_bar("2024-05-03", 101)]
    first, second = split_adjusted(bars, [split("2024-05-03", "5")], through=TODAY)
    assert first == Bar(date(2024, 5, 2), Decimal(98), Decimal(102), Decimal(96), Decimal(100), 150)
    assert second is bars[1]


def test_splits_bonus_issues_and_rebases_multiply():
    bars = [
        a_bar("2024-01-02", 1200),
        a_bar("2024-02-01", 600),
        a_bar("2024-03-04", 400),
        a_bar("2024-04-01", 40),
    ]
    actions = [
        split("2024-02-01", "2"),
        split("2024-03-04", "1.5", ActionKind.BONUS),
        split("2024-04-01", "10", ActionKind.REBASE),
    ]
    adjusted = split_adjusted(bars, actions, through=TODAY)
    assert [bar.close for bar in adjusted] == [40, 40, 40, 40]
    assert [bar.volume for bar in adjusted] == [3000, 1500, 1000, 100]


def test_a_reverse_split_raises_earlier_prices():
    first, _ = split_adjusted(
        [a_bar("2024-01-02", "0.37", volume=1001), a_bar("2024-01-03", 18)],
        [split("2024-01-03", "0.02")],
        through=TODAY,
    )
    assert (first.close, first.volume) == (Decimal("18.5"), 20)


def test_a_split_that_is_only_announced_changes_nothing():
    bars = [a_bar("2024-05-02", 500)]
    assert split_adjusted(bars, [split("2025-01-02", "5")], through=TODAY) == bars


def test_an_endless_quotient_is_rounded_to_eight_decimals():
    first, _ = split_adjusted(
        [a_bar("2024-05-02", 100), a_bar("2024-05-03", 33)], [split("2024-05-03", "3")], through=TODAY
    )
    assert str(first.close) == "33.33333333"


def test_a_suspended_day_stays_without_open_high_and_low():
    first, _ = split_adjusted(
        [suspended("2024-05-02", 500), a_bar("2024-05-03", 100)], [split("2024-05-03", "5")], through=TODAY
    )
    assert first == suspended("2024-05-02", "100.00000000")


def test_a_dividend_lowers_earlier_prices_by_its_share_of_the_close_before():
    bars = [a_bar("2024-03-27", 1000), a_bar("2024-03-28", 1100), a_bar("2024-03-29", 1056)]
    before = {date(2024, 3, 29): Close(date(2024, 3, 28), Decimal(1100))}
    adjusted, warnings = total_adjusted(
        bars, [dividend("2024-03-29", "44")], before, currency="KRW", through=TODAY
    )
    # 1 - 44 / 1100 = 0.96; held over the ex-date, 1100 became 1056 + 44: no gain, no loss.
    assert closes(adjusted) == ["960.00000000", "1056.00000000", "1056"]
    assert warnings == []
    assert [bar.volume for bar in adjusted] == [100, 100, 100]


def test_dividends_and_splits_meet_on_the_basis_of_the_ex_date():
    bars = [a_bar("2024-03-01", 1000), a_bar("2024-03-04", 500), a_bar("2024-03-05", 490)]
    actions = [split("2024-03-04", "2"), dividend("2024-03-04", "20"), dividend("2024-03-05", "10")]
    before = {
        date(2024, 3, 4): Close(date(2024, 3, 1), Decimal(1000)),
        date(2024, 3, 5): Close(date(2024, 3, 4), Decimal(500)),
    }
    adjusted, _ = total_adjusted(bars, actions, before, currency="KRW", through=TODAY)
    # On the ex-date's basis the close before is 500: 1 - 20/500 = 0.96. Then 1 - 10/500 = 0.98.
    assert closes(adjusted) == ["470.40000000", "490.00000000", "490"]


def test_a_dividend_in_another_currency_or_above_the_price_is_left_out_and_named():
    bars = [a_bar("2024-03-28", 1000), a_bar("2024-03-29", 990)]
    before = {date(2024, 3, 29): Close(date(2024, 3, 28), Decimal(1000))}
    for action, word in (
        (dividend("2024-03-29", "10", "USD"), "USD"),
        (dividend("2024-03-29", "1000"), "exceeds"),
    ):
        adjusted, warnings = total_adjusted(bars, [action], before, currency="KRW", through=TODAY)
        assert adjusted == bars
        assert len(warnings) == 1
        assert word in warnings[0]


def test_a_dividend_before_every_bar_changes_nothing():
    bars = [a_bar("2024-03-28", 1000)]
    assert total_adjusted(bars, [dividend("2024-03-01", "10")], {}, currency="KRW", through=TODAY) == (
        bars,
        [],
    )


def test_a_week_takes_the_first_open_the_extremes_the_last_close_and_the_whole_volume():
    bars = [
        a_bar("2024-12-26", 105, open=100, high=112, low=99, volume=1),
        a_bar("2024-12-27", 103, open=104, high=106, low=98, volume=2),
        # ISO week 1 of 2025 begins on Monday, 30 December 2024.
        a_bar("2024-12-30", 110, open=101, high=111, low=100, volume=4),
        a_bar("2025-01-02", 108, open=109, high=115, low=107, volume=8),
    ]
    first, second = roll_up(bars, Interval.WEEKLY)
    assert first == Bar(date(2024, 12, 27), Decimal(100), Decimal(112), Decimal(98), Decimal(103), 3)
    assert second == Bar(date(2025, 1, 2), Decimal(101), Decimal(115), Decimal(100), Decimal(108), 12)


def test_a_month_is_a_calendar_month_labelled_by_its_last_session():
    bars = [a_bar("2024-12-27", 1), a_bar("2024-12-30", 2), a_bar("2025-01-02", 3), a_bar("2025-01-31", 4)]
    assert [(bar.date.isoformat(), str(bar.close)) for bar in roll_up(bars, Interval.MONTHLY)] == [
        ("2024-12-30", "2"),
        ("2025-01-31", "4"),
    ]


def test_suspended_days_lend_a_range_nothing_but_their_close():
    bars = [suspended("2024-12-23", 90), a_bar("2024-12-24", 95, open=91, high=96, low=91, volume=5)]
    (week,) = roll_up([*bars, suspended("2024-12-26", 95)], Interval.WEEKLY)
    assert week == Bar(date(2024, 12, 26), Decimal(91), Decimal(96), Decimal(91), Decimal(95), 5)


def test_a_week_without_any_trade_has_a_close_alone():
    (week,) = roll_up([suspended("2024-12-23", 90), suspended("2024-12-24", 90)], Interval.WEEKLY)
    assert week == suspended("2024-12-24", 90)


def test_an_unknown_first_open_is_not_replaced_by_a_later_one():
    first = Bar(date(2024, 12, 23), None, Decimal(9), Decimal(8), Decimal(8), 1)
    (week,) = roll_up([first, a_bar("2024-12-24", 10)], Interval.WEEKLY)
    assert (week.open, week.high, week.low) == (None, Decimal(10), Decimal(8))


def test_nothing_rolls_up_to_nothing():
    for interval in Interval:
        assert roll_up([], interval) == []


@given(
    gaps=st.lists(st.integers(1, 40), min_size=1, max_size=60),
    prices=st.lists(st.integers(1, 10**9), min_size=60, max_size=60),
    interval=st.sampled_from(Interval),
)
def test_a_roll_up_keeps_the_volume_the_extremes_and_the_last_close(gaps, prices, interval):
    day = date(2020, 1, 1)
    bars = []
    for gap, price in zip(gaps, prices, strict=False):
        day += timedelta(days=gap)
        bars.append(a_bar(day.isoformat(), price, volume=price))
    rolled = roll_up(bars, interval)
    assert sum(bar.volume for bar in rolled) == sum(bar.volume for bar in bars)
    assert max(bar.high or 0 for bar in rolled) == max(bar.high or 0 for bar in bars)
    assert min(bar.low or 0 for bar in rolled) == min(bar.low or 0 for bar in bars)
    assert (rolled[-1].date, rolled[-1].close) == (bars[-1].date, bars[-1].close)
    assert [bar.date for bar in rolled] == sorted({bar.date for bar in rolled})

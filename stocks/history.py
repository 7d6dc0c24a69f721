"""A stock's bars as they are read: made comparable over time, then rolled up into weeks or months.

Everything here is pure: bars in, bars out, oldest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby
from typing import NamedTuple

from stocks.adjust import adjustment_factors
from stocks.figures import ratio, rounded
from stocks.types import Action, Bar, Interval

#: Decimals of an adjusted price: the scale of a stored one.
PRICE_PLACES = 8


class Close(NamedTuple):
    """A close as loaded, and its day."""

    date: date
    close: Decimal


def split_adjusted(bars: Sequence[Bar], actions: Sequence[Action], *, through: date) -> list[Bar]:
    """The bars with every split, bonus issue and rebase up to ``through`` read back into them.

    A price is divided by the shares that one share of its day has become, a volume multiplied. Bars on
    today's basis are returned as they are, the others rounded to PRICE_PLACES and to whole shares.
    """
    factors = adjustment_factors([bar.date for bar in bars], actions, through=through)
    return [_scaled(bar, price=1, shares=factor) for bar, factor in zip(bars, factors, strict=True)]


def total_adjusted(
    bars: Sequence[Bar],
    actions: Sequence[Action],
    closes_before: Mapping[date, Close],
    *,
    currency: str,
    through: date,
) -> tuple[list[Bar], list[str]]:
    """The bars adjusted for splits and cash dividends, so that their changes are the holder's total return.

    Each dividend multiplies all earlier prices by 1 − dividend / close before the ex-date, both on the basis
    of the ex-date (the method of CRSP's and Yahoo's adjusted close). Volumes follow the splits alone.

    Args:
        bars: as loaded, oldest first.
        actions: the stock's corporate actions; those after ``through`` are left out.
        closes_before: per ex-date of a dividend the last close before it, as loaded. A dividend without one
            precedes all bars and changes nothing.
        currency: of the prices.
        through: the last day whose actions count.

    Returns:
        The bars, and a sentence for each dividend that could not be applied.
    """
    steps: list[tuple[date, Decimal]] = []
    warnings: list[str] = []
    for action in sorted(actions, key=lambda action: action.ex_date):
        before = closes_before.get(action.ex_date)
        if action.amount is None or action.ex_date > through or before is None:
            continue
        if action.currency not in ("", currency):
            warnings.append(f"The dividend of {action.ex_date} in {action.currency} is left out.")
            continue
        then, now = adjustment_factors([before.date, action.ex_date], actions, through=through)
        kept = 1 - ratio(action.amount * then, before.close * now)
        if kept <= 0:
            warnings.append(f"The dividend of {action.ex_date} exceeds the price before it and is left out.")
            continue
        steps.append((action.ex_date, kept))
    shares = adjustment_factors([bar.date for bar in bars], actions, through=through)
    adjusted: list[Bar] = []
    price = Decimal(1)
    for bar, factor in zip(reversed(bars), reversed(shares), strict=True):
        while steps and steps[-1][0] > bar.date:
            price *= steps.pop()[1]
        adjusted.append(_scaled(bar, price=price, shares=factor))
    adjusted.reverse()
    return adjusted, warnings


def roll_up(bars: Sequence[Bar], interval: Interval) -> list[Bar]:
    """Weekly (ISO) or monthly bars, each labelled by its last session; daily bars are returned as they are.

    The open is that of the first session with trades, high and low span those sessions, the close is the last
    one and volumes add up. Days without trades carry a close and nothing else.
    """
    if interval is Interval.DAILY:
        return list(bars)
    key = _week if interval is Interval.WEEKLY else _month
    return [_merge(list(group)) for _, group in groupby(bars, key)]


def _week(bar: Bar) -> tuple[int, int]:
    year, week, _ = bar.date.isocalendar()
    return year, week


def _month(bar: Bar) -> tuple[int, int]:
    return bar.date.year, bar.date.month


def _merge(bars: Sequence[Bar]) -> Bar:
    traded = [bar for bar in bars if (bar.open, bar.high, bar.low) != (None, None, None)]
    return Bar(
        date=bars[-1].date,
        open=traded[0].open if traded else None,
        high=max((bar.high for bar in traded if bar.high is not None), default=None),
        low=min((bar.low for bar in traded if bar.low is not None), default=None),
        close=bars[-1].close,
        volume=sum(bar.volume for bar in bars),
    )


def _scaled(bar: Bar, *, price: Decimal | int, shares: Decimal) -> Bar:
    if price == 1 and shares == 1:
        return bar
    return Bar(
        date=bar.date,
        open=None if bar.open is None else _price(bar.open, price, shares),
        high=None if bar.high is None else _price(bar.high, price, shares),
        low=None if bar.low is None else _price(bar.low, price, shares),
        close=_price(bar.close, price, shares),
        volume=int((bar.volume * shares).to_integral_value(ROUND_HALF_EVEN)),
    )


def _price(value: Decimal, price: Decimal | int, shares: Decimal) -> Decimal:
    return rounded(ratio(value * price, shares), PRICE_PLACES)

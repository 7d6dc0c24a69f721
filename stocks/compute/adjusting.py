"""Bars as loaded made into the bars that kernels take: splits, dividends, the market and the shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from stocks.adjust import adjustment_factors, split_adjust
from stocks.compute.levels import Levels
from stocks.compute.reading import RawBars
from stocks.indicators.bars import Array, Bars
from stocks.types import Action


def adjusted_bars(
    raw: RawBars,
    actions: Sequence[Action],
    *,
    currency: str,
    lists_all_dividends: bool,
    shares: float,
    levels: Levels,
) -> Bars:
    """The bars of one stock; see :func:`adjusted_chunk`."""
    (bars,) = adjusted_chunk(
        [raw],
        [actions],
        currency=[currency],
        lists_all_dividends=[lists_all_dividends],
        shares=np.array([shares]),
        levels=levels,
    )
    return bars


def adjusted_chunk(
    chunk: Sequence[RawBars],
    actions: Sequence[Sequence[Action]],
    *,
    currency: Sequence[str],
    lists_all_dividends: Sequence[bool],
    shares: Array,
    levels: Levels,
) -> list[Bars]:
    """The bars of stocks of one market, each on the share basis of its last day.

    Args:
        chunk: at least one stock, at least one bar each.
        actions: all of each stock's; those after its last bar do not count.
        currency: of its prices.
        lists_all_dividends: none on file means that none was paid.
        shares: outstanding on its last day, NaN if unknown.
        levels: of the benchmark of the market.
    """
    lengths = [len(raw) for raw in chunk]
    starts = np.cumsum(lengths)[:-1]
    days = np.concatenate([raw.days for raw in chunk])
    ohlcv = np.concatenate(
        [split_adjusted(raw, acted) for raw, acted in zip(chunk, actions, strict=True)], axis=1
    )
    total = np.where(np.repeat(lists_all_dividends, lengths), ohlcv[3], np.nan)
    for raw, first, acted, of_prices in zip(chunk, [0, *starts.tolist()], actions, currency, strict=True):
        dividends = [
            action
            for action in acted
            if action.amount is not None and action.ex_date <= raw.days[-1].astype(date)
        ]
        if dividends:
            part = slice(first, first + len(raw))
            total[part] = _total(raw, ohlcv[3, part], dividends, acted, currency=of_prices)
    whole = Bars.of(
        *ohlcv,
        days=days,
        total=total,
        market=levels.on(days),
        shares=np.repeat(shares, lengths),
        starts=starts,
    )
    return whole.parted(starts)


def split_adjusted(raw: RawBars, actions: Sequence[Action]) -> Array:
    """OHLCV (5, n) on the share basis of the last day; the bars' own array where nothing changes them."""
    if not any(action.ratio is not None for action in actions):
        return raw.ohlcv
    return split_adjust(raw.days, raw.ohlcv, actions, through=raw.days[-1].astype(date))


def _total(
    raw: RawBars, close: Array, dividends: Iterable[Action], actions: Sequence[Action], *, currency: str
) -> Array:
    """The closes adjusted for dividends as well, so that their changes are what a holder earned.

    Each dividend multiplies all closes before its ex-date by 1 − dividend / close before, the method of
    CRSP's and Yahoo's adjusted close. Before one that cannot be set against its price, in another currency or
    not smaller than it, nothing is known.
    """
    kept = np.ones(len(close))
    for ex_date, amount in paid_per_share(dividends, actions, on=raw.days[-1].astype(date)):
        at = int(np.searchsorted(raw.days, np.datetime64(ex_date, "D")))
        if at:
            kept[at - 1] *= 1.0 - amount / close[at - 1]
    for action in dividends:
        if action.currency not in ("", currency):
            kept[: np.searchsorted(raw.days, np.datetime64(action.ex_date, "D"))] = np.nan
    kept[kept <= 0.0] = np.nan
    factor: Array = np.multiply.accumulate(kept[::-1])[::-1]
    return close * factor


def paid_per_share(
    dividends: Iterable[Action], actions: Sequence[Action], *, on: date
) -> list[tuple[date, float]]:
    """(ex-date, cash per share on the share basis of ``on``) of each dividend."""
    paid = [(action.ex_date, action.amount) for action in dividends if action.amount is not None]
    factors = adjustment_factors([ex_date for ex_date, _ in paid], actions, through=on)
    return [(ex_date, _over(amount, factor)) for (ex_date, amount), factor in zip(paid, factors, strict=True)]


def _over(amount: Decimal, factor: Decimal) -> float:
    return float(amount if factor == 1 else amount / factor)

"""The value of a portfolio at the end of every day, from what its ledger did and what the market said.

Prices are raw closes: a split multiplies the shares on the day on which the close falls. A close holds over
days without one for at most CARRY; after that the price is unknown, and so is every sum with it. Whole
numbers carry the sums: they are exact, and ten years of hundreds of stocks take a fraction of a second.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolios.maths.days import CARRY, PRICE_PLACES, QUANTITY_PLACES, WEEKEND, Day, Gap, Market, Series
from portfolios.maths.exact import ZERO, exactly
from portfolios.maths.story import Held, Move, Split, Story

# By less than this, a split cannot be told from the trade of a day.
_PLAIN_SPLIT: Final = Decimal("1.5")

Objects = npt.NDArray[np.object_]


def valued(story: Story, days: Sequence[date], market: Market) -> Series:
    """The series of ``days``, which begin with the first row of the story and hold every day of a row."""
    with exactly():
        return _Valuing(story, days, market).run()


class _Valuing:
    def __init__(self, story: Story, days: Sequence[date], market: Market) -> None:
        self._story, self._days, self._market = story, days, market
        self._ordinals = np.array([day.toordinal() for day in days], dtype=np.int64)
        count = len(days)
        self._worth: dict[str, Objects] = {}
        self._unpriced = np.zeros(count, dtype=np.int64)
        self._held = np.zeros(count, dtype=np.bool_)
        self._traded = np.zeros(count, dtype=np.bool_)
        self._holding: dict[str, npt.NDArray[np.bool_]] = {}
        # Changes from the day before, to be summed up.
        self._invested: list[Decimal] = [ZERO] * count
        self._undated = np.zeros(count + 1, dtype=np.int64)
        self._gaps: dict[int, Gap] = {}
        self._broken: tuple[list[tuple[date, int]], list[tuple[date, int]]] = ([], [])
        self._prices: dict[int, tuple[Objects, npt.NDArray[np.bool_]]] = {}

    def run(self) -> Series:
        for stock, held in self._story.positions.items():
            self._stock(stock, held)
        shares, unrated = self._shares()
        cash, more = self._cash()
        worth = [(move, self._move(move)) for move in self._story.moves if move.day <= self._days[-1]]
        put_in, taken_out = self._crossed(worth)
        invested = list(accumulate(self._invested))
        undated = np.cumsum(self._undated[:-1])
        known_cash = self._story.cash if self._story.records_cash else ()
        sessions = self._sessions(bool(known_cash))
        days = [
            Day(
                *(day, shares[at], cash[at], None if undated[at] else invested[at]),
                *(put_in[at], taken_out[at], bool(sessions[at])),
                value=_plus(shares[at], cash[at]),
            )
            for at, day in enumerate(self._days)
        ]
        rebased, unsplit = self._broken
        return Series(days, worth, self._gaps, _merged(unrated, more), sorted(rebased), sorted(unsplit))

    def _stock(self, stock: int, held: Sequence[Held]) -> None:
        count, currency = len(self._days), self._market.currencies[stock]
        prices, known, fresh = self._closes(stock)
        worth = self._worth.setdefault(currency, np.zeros(count, dtype=np.object_))
        holding = self._holding.setdefault(currency, np.zeros(count, dtype=np.bool_))
        starts = [bisect_left(self._days, one.day) for one in held]
        unknown = np.zeros(count, dtype=np.bool_)
        cost: Decimal | None = ZERO
        for one, start, end in zip(held, starts, [*starts[1:], count], strict=True):
            if start >= count:
                break
            self._cost(start, cost, one.base_cost)
            cost = one.base_cost
            if not one.quantity or start == end:
                continue
            worth[start:end] += prices[start:end] * int(one.quantity.scaleb(QUANTITY_PLACES))
            unknown[start:end] = ~known[start:end]
            holding[start:end] = True
            self._held[start:end] = True
            self._traded[start:end] |= fresh[start:end]
        self._unpriced += unknown
        if unknown.any():
            self._gaps[stock] = self._gap(unknown)
        for day in self._market.rebased.get(stock, ()):
            if 0 < (at := bisect_left(self._days, day)) < count and _before(held, day):
                self._broken[0].append((self._days[at], stock))
        for split in self._story.splits.get(stock, ()):
            if not _follows(split, bisect_left(self._days, split.day), prices, known):
                self._broken[1].append((split.day, stock))

    def _closes(self, stock: int) -> tuple[Objects, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Of every day the newest close (0 where unknown), whether it is known, and whether it is of then."""
        count = len(self._days)
        closes = self._market.closes.get(stock)
        if closes is None:
            nothing = np.zeros(count, dtype=np.bool_)
            found = np.zeros(count, dtype=np.object_), nothing, nothing.copy()
        else:
            at = np.searchsorted(closes.days, self._ordinals, side="right") - 1
            age = self._ordinals - closes.days[np.maximum(at, 0)]
            known = (at >= 0) & (age <= CARRY.days)
            # Times a quantity they need more than 64 bits, which only Python's own integers have.
            prices = np.where(known, closes.prices[np.maximum(at, 0)], 0).astype(np.object_)
            found = prices, known, known & (age == 0)
        if (now := self._market.now.get(stock)) is not None:
            found[0][-1], found[1][-1] = now, True
        self._prices[stock] = found[:2]
        return found

    def _cost(self, at: int, before: Decimal | None, after: Decimal | None) -> None:
        self._invested[at] += (after or ZERO) - (before or ZERO)
        self._undated[at] += (after is None) - (before is None)

    def _shares(self) -> tuple[list[Decimal | None], dict[str, Gap]]:
        sums: list[Decimal | None] = [None if unpriced else ZERO for unpriced in self._unpriced]
        gaps: dict[str, Gap] = {}
        for currency, worth in self._worth.items():
            holding = self._holding[currency]
            rates = self._market.rates[currency]
            missing = np.zeros(len(self._days), dtype=np.bool_)
            for at in np.flatnonzero(holding).tolist():
                rate = rates[at]
                if rate is None:
                    missing[at] = True
                    sums[at] = None
                elif (sum_ := sums[at]) is not None:
                    sums[at] = sum_ + _money(worth[at]) * rate
            if missing.any():
                gaps[currency] = self._gap(missing)
        return sums, gaps

    def _cash(self) -> tuple[list[Decimal | None], dict[str, Gap]]:
        count = len(self._days)
        sums: list[Decimal | None] = [ZERO] * count
        gaps: dict[str, Gap] = {}
        for currency, changes in self._story.cash.items():
            by_day = [ZERO] * count
            for change in changes:
                if (at := bisect_left(self._days, change.day)) < count:
                    by_day[at] += change.amount
            rates = self._market.rates[currency]
            missing = np.zeros(count, dtype=np.bool_)
            for at, balance in enumerate(accumulate(by_day)):
                rate = rates[at]
                if balance and rate is None:
                    missing[at] = True
                    sums[at] = None
                elif balance and (sum_ := sums[at]) is not None:
                    assert rate is not None
                    sums[at] = sum_ + balance * rate
            if missing.any():
                gaps[currency] = self._gap(missing)
        return sums, gaps

    def _move(self, move: Move) -> Decimal | None:
        at = bisect_left(self._days, move.day)
        if move.stock is None:
            rate = move.rate if move.rate is not None else self._market.rates[move.currency][at]
            assert move.amount is not None
            return None if rate is None else move.amount * rate
        prices, known = self._prices[move.stock]
        rate = self._market.rates[move.currency][at]
        if rate is None or not known[at]:
            return None
        return _money(prices[at] * int(move.quantity.scaleb(QUANTITY_PLACES))) * rate

    def _crossed(
        self, worth: Sequence[tuple[Move, Decimal | None]]
    ) -> tuple[list[Decimal | None], list[Decimal | None]]:
        """What came in and what went out by day, both ≥ 0, both None where a part is unknown."""
        put_in: list[Decimal | None] = [ZERO] * len(self._days)
        taken_out: list[Decimal | None] = [ZERO] * len(self._days)
        for move, amount in worth:
            at = bisect_left(self._days, move.day)
            if amount is None:
                put_in[at] = taken_out[at] = None
            elif amount > 0:
                put_in[at] = _plus(put_in[at], amount)
            else:
                taken_out[at] = _plus(taken_out[at], -amount)
        return put_in, taken_out

    def _sessions(self, has_cash: bool) -> npt.NDArray[np.bool_]:
        """Days on which a held stock traded; where only cash is there, Monday to Friday."""
        if not has_cash:
            return self._traded
        weekdays = (self._ordinals + 6) % 7 < WEEKEND
        return np.where(self._held, self._traded, weekdays)

    def _gap(self, missing: npt.NDArray[np.bool_]) -> Gap:
        places = np.flatnonzero(missing)
        return Gap(len(places), self._days[int(places[0])], self._days[int(places[-1])])


def _money(whole: int) -> Decimal:
    return Decimal(whole).scaleb(-PRICE_PLACES - QUANTITY_PLACES)


def _before(held: Sequence[Held], day: date) -> Decimal:
    """How many shares there were at the beginning of a day."""
    at = bisect_left(held, day, key=lambda one: one.day)
    return held[at - 1].quantity if at else ZERO


def _follows(split: Split, at: int, prices: Objects, known: npt.NDArray[np.bool_]) -> bool:
    """Whether the close fell as the shares rose; where that cannot be told, it is taken to have."""
    factor = split.to / split.per
    if not 0 < at < len(prices) or not (known[at] and known[at - 1]) or not prices[at - 1]:
        return True
    if 1 / _PLAIN_SPLIT < factor < _PLAIN_SPLIT:
        return True
    # As far from 1 as from the factor is the root of it.
    worth = Decimal(prices[at]) * factor / Decimal(prices[at - 1])
    return worth * worth < factor if factor > 1 else worth * worth > factor


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def _merged(one: Mapping[str, Gap], other: Mapping[str, Gap]) -> dict[str, Gap]:
    merged = dict(one)
    for name, gap in other.items():
        if name not in merged or merged[name].number < gap.number:
            merged[name] = gap
    return merged

"""What is written of many portfolios at once is what is written of each alone, byte for byte; no database.

Numbers are drawn from next to nothing up to far beyond 64 bits: around powers of two and of ten, where
columns overflow and roundings tie. They may be unknown, and sums in the base currency negative.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolios.live import writing
from portfolios.live.book import Book, Group, Line, Listing, Sight, Stock, Watched
from portfolios.live.sums import total_of
from realtime.protocol.encoding import dumps
from stocks.wire_text import micros

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
STOCKS = 12
#: So many of them have prices as shares have.
PLAIN = 7
#: Digits of numbers that fit in 64 bits mostly, and of those that do not.
USUAL, GREAT = 9, 32
#: One of the whole numbers from the first to the second.
Draw = Callable[[int, int], int]


def number(draw: Draw, digits: int) -> int:
    kind = draw(0, 5)
    if kind == 0:
        return draw(0, 3)
    if kind == 1:
        return max(2 ** draw(0, digits * 10 // 3) + draw(-1, 1), 0)
    if kind == 2:
        return max(10 ** draw(0, digits) + draw(-1, 1), 0)
    if kind == 3:
        # A tie of one place or another.
        return 5 * 10 ** draw(0, digits - 1) + draw(-1, 1)
    if kind == 4:
        return draw(0, 999_999) * 10 ** draw(0, digits - 6)
    return draw(0, 10 ** draw(0, digits))


class Cases:
    """A book with stocks and portfolios whose numbers are drawn."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._step = 0
        self.book = Book()
        self.stocks = [self.book.stock(f"{at:06d}") for at in range(STOCKS)]
        self.book.list_stocks(
            (Listing(stock.code, "USD", "XNYS", (0, 2, 3, 4)[draw(0, 3)]), None) for stock in self.stocks
        )
        self.move(STOCKS)

    def move(self, count: int) -> None:
        """Give some stocks other prices; a few stay without one, or without a close before."""
        self._step += 1
        for at, stock in enumerate(self.stocks[:count]):
            price, before = self._price(at), self._price(at)
            if at >= PLAIN and stock.sight is None and self._one_in(5):
                continue
            previous = None if at >= PLAIN and self._one_in(5) else before
            self.book.see(stock.code, Sight((self._step, 0), micros(NOW), price, previous, "sandbox"))

    def repeat(self) -> None:
        """Give all stocks that have a price the same once more."""
        self._step += 1
        for stock in self.stocks:
            if stock.sight is not None:
                self.book.see(stock.code, replace(stock.sight, key=(self._step, 0)))

    def add(self, at: int) -> Watched:
        draw, is_plain, rate_places = self._draw, self._one_in(2), self._draw(0, 14)
        scale, digits = 20 + rate_places, GREAT if self._one_in(2) else USUAL
        groups = []
        lines = []
        for _ in range(draw(0, 3)):
            rate: int | None = draw(1, 10 ** (rate_places + 1)) * 100
            if not is_plain:
                rate = None if self._one_in(10) else number(draw, rate_places + 6) * 100
            groups.append(Group(rate, draw(1, 3)))
            lines += [self._line(is_plain, digits) for _ in range(groups[-1].count)]
        portfolio = Watched(
            id=UUID(int=at),
            sequence=draw(0, 10**6),
            method="average",
            base="USD",
            places=(0, 2, 3, 4)[draw(0, 3)],
            scale=scale,
            groups=groups,
            lines=lines,
            invested=self._sum(is_plain, digits, scale),
            cost_now=self._sum(is_plain, digits, scale),
            earned=self._sum(is_plain, digits, scale),
            cash=self._sum(is_plain, digits, scale),
            fixed='"total_income":1',
            state='"held":[]',
            warnings=["No rate is known."] if self._one_in(8) else [],
            rates={},
        )
        worth = total_of(portfolio)[0]
        if worth is not None and self._one_in(2):
            portfolio = self._near(portfolio, worth)
        self.book.put(portfolio, reason=writing.STATE)
        return portfolio

    def _near(self, portfolio: Watched, worth: int) -> Watched:
        """A portfolio whose figures are ties at the prices of now, or next to one."""
        unit = 10 ** (portfolio.scale - portfolio.places)
        if self._one_in(2):
            # Its percentage is one, but for digits far behind.
            invested = worth * 2_000_000 // (2_000_000 + 2 * self._draw(-50, 50) + 1) + self._draw(-1, 1)
        else:
            invested = worth - self._tie(unit)
        return replace(
            portfolio,
            invested=invested,
            cost_now=worth - self._tie(unit),
            earned=self._tie(unit) - (worth - invested),
            cash=self._tie(unit) - worth,
        )

    def _tie(self, unit: int) -> int:
        return (2 * self._draw(-50, 50) + 1) * unit // 2 + self._draw(-1, 1) * 10 ** self._draw(0, 12)

    def _price(self, at: int) -> int:
        return self._draw(1, 10**6) * 10**6 if at < PLAIN else number(self._draw, GREAT)

    def _line(self, is_plain: bool, digits: int) -> Line:
        stock = self.stocks[self._draw(0, (PLAIN if is_plain else STOCKS) - 1)]
        if is_plain:
            quantity, cost = self._draw(1, 10**4) * 10 ** self._draw(8, 10), self._draw(0, 10**7) * 10**18
            if self._one_in(2) and stock.sight is not None and stock.listing is not None:
                worth = quantity * stock.sight.price * 100
                cost = max(worth - self._tie(10 ** (20 - stock.listing.places)), 0)
        else:
            quantity = number(self._draw, digits) * 10 ** self._draw(0, 8)
            cost = number(self._draw, digits) * 10 ** self._draw(0, 18)
            # The ledger allows neither below zero; a column that got one would have to tell it all the same.
            quantity, cost = ((-one if self._one_in(20) else one) for one in (quantity, cost))
        return Line(stock, quantity, cost, f'"quantity":{quantity}')

    def _sum(self, is_plain: bool, digits: int, scale: int) -> int | None:
        sign = -1 if self._one_in(6) else 1
        if is_plain:
            return sign * (
                self._draw(1, 10**9) * 10 ** (scale - 2) + self._draw(0, 1) * self._draw(0, 10**16)
            )
        return None if self._one_in(10) else sign * number(self._draw, digits) * 10 ** self._draw(0, 20)

    def _one_in(self, count: int) -> bool:
        return self._draw(1, count) == 1


def alone(portfolio: Watched, moved: set[Stock], reason: str) -> bytes:
    """The message of one portfolio, by Python's numbers, with the rows of these stocks."""
    is_whole = reason != writing.PRICES
    rows = [writing._row(line, NOW, whole=is_whole) for line in portfolio.lines if line.stock in moved]
    return b"".join(
        (
            f'"data":{{"reason":"{reason}","ledger_sequence":{portfolio.sequence},"base_currency":"USD"'.encode(),
            f",{portfolio.state}".encode() if is_whole else b"",
            *(b',"summary":{', writing._summary(portfolio, *total_of(portfolio))),
            *(b'},"holdings":[', b",".join(rows), b'],"warnings":', dumps(portfolio.all_warnings()), b"}"),
        )
    )


@contextmanager
def counting(places: list[int]) -> Iterator[None]:
    """Note the places of portfolios that are written one by one."""
    with pytest.MonkeyPatch.context() as patch:
        one_by_one = writing._alone

        def noted(book: Book, place: int, *rest: Any) -> bytes:
            places.append(place)
            return one_by_one(book, place, *rest)

        patch.setattr(writing, "_alone", noted)
        yield


def check(cases: Cases, portfolios: list[Watched]) -> tuple[int, int]:
    """Hold all messages against those of one by one; how many were written together, of how many."""
    stocks = set(cases.stocks)
    at = np.array([portfolio.at for portfolio in portfolios])
    for portfolio, text in zip(portfolios, writing.fields(cases.book, at, NOW).apart(), strict=True):
        assert text == alone(portfolio, stocks, writing.STATE)
    count = 0
    by_python: list[int] = []
    for count_moved in (0, STOCKS, PLAIN):
        if count_moved:
            cases.move(count_moved)
        else:
            cases.repeat()
        moved = {stock for stock in cases.stocks[: count_moved or STOCKS] if stock.sight is not None}
        due = cases.book.waiting()
        with counting(by_python):
            texts = writing.fields(cases.book, due, NOW).apart()
        for place, text in zip(due.tolist(), texts, strict=True):
            assert text == alone(cases.book.by_place[place], moved, writing.PRICES)
        count += len(due)
    return count - len(by_python), count


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_the_numbers_both_ways_write_the_same(data: st.DataObject) -> None:
    cases = Cases(lambda least, most: data.draw(st.integers(least, most)))
    check(cases, [cases.add(at) for at in range(data.draw(st.integers(1, 4)))])


@pytest.mark.parametrize("seed", range(6))
def test_some_are_written_together_and_some_alone(seed: int) -> None:
    cases = Cases(random.Random(seed).randint)
    together, count = check(cases, [cases.add(at) for at in range(400)])
    assert count > 300
    assert 0.2 < together / count < 0.9

"""What is worked out for hundreds of portfolios at once is what Decimals say of each, without a database."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pytest

from accounts.currencies import decimals_of
from portfolios.live import reading, writing
from portfolios.live.book import WORTH, Book, Listing, Sight
from portfolios.live.parts import ONE
from portfolios.live.reading import Head, Row, Stored
from portfolios.live.worth import UNFOUND, UNKNOWN
from portfolios.live.worth_compiled import worth_of
from portfolios.maths.exact import exactly
from portfolios.maths.whole import price_units
from portfolios.money import minus, money, percent_of, plus, times
from stocks.wire_text import micros

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
CURRENCIES = ("KRW", "USD", "KWD", "JPY")
RATES = {"KRW": "1337.1234567891", "USD": "1", "KWD": "3.25", "JPY": "0.00671234567891"}
Prices = dict[str, tuple[Decimal | None, Decimal | None]]


def number(chance: random.Random, digits: int, places: int) -> Decimal:
    return Decimal(chance.randrange(1, 10 ** chance.randint(1, digits))).scaleb(-chance.randint(0, places))


class Sizes(NamedTuple):
    """How many digits and decimals numbers have at the most, and how many decimals rates."""

    quantity: tuple[int, int]
    price: tuple[int, int]
    cost: tuple[int, int]
    rate: int


#: All the odd sizes that the columns take, and those that people have.
ODD = Sizes((14, 10), (11, 8), (13, 20), 14)
USUAL = Sizes((4, 2), (5, 2), (7, 2), 10)


class World:
    """Stocks with prices, and portfolios that hold them."""

    def __init__(self, seed: int, *, unknown: float, sizes: Sizes = ODD) -> None:
        self.chance = chance = random.Random(seed)
        self.unknown = unknown
        self.sizes = sizes
        self.book = Book()
        self.rates: dict[UUID, dict[str, Decimal]] = {}
        self.codes = {f"{at:06d}": chance.choice(CURRENCIES) for at in range(60)}
        self.prices: Prices = dict.fromkeys(self.codes, (None, None))
        self.book.list_stocks(
            (Listing(code, currency, "XNYS", decimals_of(currency)), None)
            for code, currency in self.codes.items()
        )
        self.stored = [self._stored(at) for at in range(150)]
        for one in self.stored:
            rates = {
                currency: round(Decimal(rate), sizes.rate)
                for currency, rate in RATES.items()
                if chance.random() >= unknown / 4
            }
            # The base currency in itself is always known.
            rates[one.head.base] = Decimal(1)
            self.book.put(reading._watched(self.book, one, rates), reason=writing.STATE)
            self.rates[one.id] = rates
        self.move(1)

    def move(self, step: int) -> None:
        for code in self.chance.sample(sorted(self.codes), 40):
            if self.prices[code][0] is None and self.chance.random() < self.unknown:
                continue
            price = number(self.chance, *self.sizes.price)
            before = None if self.chance.random() < self.unknown else number(self.chance, *self.sizes.price)
            self.prices[code] = (price, before)
            previous = None if before is None else price_units(before)
            self.book.see(code, Sight((step, 0), micros(NOW), price_units(price), previous, "sandbox"))

    def _stored(self, at: int) -> Stored:
        chance, rows = self.chance, []
        for code in sorted(chance.sample(sorted(self.codes), chance.randint(0, 12))):
            cost = number(chance, *self.sizes.cost) if chance.random() < 0.9 else Decimal(0)
            base_cost = None if chance.random() < self.unknown / 8 else number(chance, *self.sizes.cost)
            quantity = number(chance, *self.sizes.quantity)
            realized = number(chance, *self.sizes.cost) * chance.choice((-1, 0, 1))
            income = None if chance.random() < self.unknown / 8 else number(chance, *self.sizes.cost)
            rows.append(
                Row(code, "N", self.codes[code], quantity, cost, base_cost, realized, realized, cost, income)
            )
        cash = {"USD": number(chance, 9, 2)} if chance.random() < 0.3 else {}
        return Stored(UUID(int=at), Head(at, "fifo", chance.choice(CURRENCIES)), rows, cash)

    def check(self, *, pieces: int) -> int:
        """Hold every message against Decimals; returns how many rows there were."""
        waiting = self.book.waiting()
        stored = {one.id: one for one in self.stored}
        rows = 0
        for first in range(0, len(waiting), pieces):
            some = waiting[first : first + pieces]
            for at, text in zip(some.tolist(), writing.fields(self.book, some, NOW).apart(), strict=True):
                said = json.loads(writing.data_of(text), parse_float=Decimal, parse_int=Decimal)
                self._check_one(stored[self.book.by_place[at].id], said)
                rows += len(said["holdings"])
        return rows

    def _check_one(self, one: Stored, said: dict[str, Any]) -> None:
        # Percentages of next to nothing have more digits than the usual context.
        with exactly():
            self._check_figures(one, said)

    def _check_figures(self, one: Stored, said: dict[str, Any]) -> None:
        rates, base = self.rates[one.id], one.head.base
        values, before = [], []
        by_code = {row.code: row for row in one.rows}
        for row in one.rows:
            price, previous = self.prices[row.code]
            values.append(times(times(row.quantity, price), rates.get(row.currency)))
            before.append(times(times(row.quantity, previous), rates.get(row.currency)))
        for told in said["holdings"]:
            row = by_code[told["stock_code"]]
            price, previous = self.prices[row.code]
            value = times(row.quantity, price)
            gain = minus(value, row.cost)
            change = minus(value, times(row.quantity, previous))
            assert told["current_price"] == price
            assert told["current_value"] == money(value, row.currency)
            assert told["unrealized_gain"] == money(gain, row.currency)
            assert told["unrealized_gain_pct"] == percent_of(gain, row.cost)
            assert told["day_change"] == money(change, row.currency)
        market, was = plus(*values), plus(*before)
        if market is None:
            was = None
        invested = plus(*(row.base_cost for row in one.rows))
        cash = plus(*(times(amount, rates.get(currency)) for currency, amount in one.cash.items()))
        gain, change = minus(market, invested), minus(market, was)
        cost_now = plus(*(times(row.cost, rates.get(row.currency)) for row in one.rows))
        realized = plus(*(row.base_realized for row in one.rows))
        income = plus(*(row.base_income for row in one.rows))
        by_price, by_currency = minus(market, cost_now), minus(cost_now, invested)
        if gain is None:
            by_price = by_currency = None
        assert said["summary"] == {
            "total_purchase_value": money(invested, base),
            "total_realized_gain": money(realized, base),
            "total_income": money(income, base),
            "total_current_value": money(market, base),
            "total_unrealized_gain": money(gain, base),
            "total_unrealized_gain_pct": percent_of(gain, invested),
            "total_price_gain": money(by_price, base),
            "total_currency_gain": money(by_currency, base),
            "total_gain": money(plus(gain, realized, income), base),
            "total_value": money(plus(market, cash), base),
            "day_change": money(change, base),
            "day_change_pct": percent_of(change, was),
        }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("unknown", [0.0, 0.3])
@pytest.mark.parametrize("sizes", [ODD, USUAL], ids=["odd", "usual"])
def test_every_figure_is_that_of_decimals(seed: int, unknown: float, sizes: Sizes) -> None:
    world = World(seed, unknown=unknown, sizes=sizes)
    assert world.check(pieces=1000) > 300
    for step in range(2, 6):
        world.move(step)
        assert world.check(pieces=40) > 100
    assert world.check(pieces=40) == 0


def test_most_lines_are_worked_out_together() -> None:
    book = World(1, unknown=0.0).book
    assert 0.5 < book.lines["small"].mean() < 1.0


def test_sums_that_follow_prices_are_those_of_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portfolios.live.book._HOLES", 50)
    world = World(6, unknown=0.1)
    book = world.book
    for step in range(2, 30):
        world.move(step)
        if step % 3 == 0:
            book.sum()
        for one in world.chance.sample(world.stored, 5):
            book.drop(one.id)
        for one in world.chance.sample(world.stored, 5):
            book.put(reading._watched(book, one, world.rates[one.id]), reason=writing.STATE)
    book.sum()
    lines = book.lines
    for name, price in (("market", "price"), ("previous", "previous")):
        prices = book.prices[price][lines["stock"]]
        columns = (lines["quantity"], prices, lines["rate"], lines["divisor"])
        anew = [worth_of(*one) for one in zip(*(column.tolist() for column in columns), strict=True)]
        for part, numbers in zip(WORTH, zip(*anew, strict=True), strict=True):
            for portfolio in book.portfolios.values():
                assert book.owners[f"{name}{part}"][portfolio.at] == sum(numbers[book.rows(portfolio)])
    assert 50 < len(book.portfolios) < len(world.stored)
    assert np.count_nonzero(book.owners["market"]) > 30


def test_what_lines_are_worth_is_the_quotient_to_fifteen_places() -> None:
    chance = random.Random(8)
    rows = [
        (
            chance.randrange(10 ** chance.randint(1, 12)),
            chance.choice((UNKNOWN, *(chance.randrange(10 ** chance.randint(1, 13)) for _ in range(9)))),
            chance.randrange(1, 10 ** chance.randint(1, 9)),
            chance.choice((0, *(10 ** chance.randint(0, 18) for _ in range(9)))),
        )
        for _ in range(2_000)
    ]
    unfound = 0
    for quantity, price, rate, divisor in rows:
        value, part, unsure, upper = worth_of(quantity, price, rate, divisor)
        if unsure >= UNFOUND:
            assert (value, part, upper) == (0, 0, 0)
            unfound += 1
            continue
        assert price != UNKNOWN and divisor
        numerator = quantity * price * rate
        assert (value, part) == (numerator // divisor, numerator % divisor * ONE // divisor)
        assert unsure == (numerator % divisor * ONE % divisor > 0)
        assert upper == value >> 16
    assert 200 < unfound < 1_500


def test_the_columns_close_their_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portfolios.live.book._HOLES", 10)
    world = World(3, unknown=0.1)
    world.check(pieces=1000)
    before = world.book.lines.count
    gone = [one.id for one in world.stored[::2]] + [one.id for one in world.stored[1:60:2]]
    for portfolio_id in gone:
        world.book.drop(portfolio_id)
    assert world.book.lines.count < before
    assert len(world.book.portfolios) == len(world.stored) - len(set(gone))
    world.move(9)
    assert world.check(pieces=40) > 20

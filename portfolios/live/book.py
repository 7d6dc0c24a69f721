"""All watched portfolios in memory: prices go in, what they change comes out. Nothing here reads or writes.

Sums are kept in whole numbers (``portfolios.maths.whole``) and moved by the difference of each price, so that
a tick costs a portfolio a multiplication and two additions, however much it holds, and no digit is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID

from portfolios.maths.whole import COST_PLACES, VALUE_PLACES

#: Time and number of a price; the time in microseconds since 1970. That of a close is (-1, its day): any
#: quote takes its place.
Key = tuple[int, int]
_TO_COST: Final = 10 ** (COST_PLACES - VALUE_PLACES)


@dataclass(frozen=True, slots=True)
class Sight:
    """A price of a stock in units of 10^-8; the later of two has the greater key.

    ``as_of`` counts microseconds since 1970, ``previous`` is the close before, None where it is unknown.
    """

    key: Key
    as_of: int
    price: int
    previous: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of a stock beside its price; ``places`` are those of its currency."""

    code: str
    currency: str
    calendar: str
    places: int


@dataclass(slots=True, eq=False)
class Line:
    """A stock in a portfolio: ``fixed`` is what of its row does not follow the price, as JSON inside braces.

    The quantity counts 10^-10 shares, the cost 10^-20 of the stock's currency.
    """

    stock: Stock
    quantity: int
    cost: int
    fixed: str
    portfolio: Watched = field(init=False, repr=False)
    sums: Sums = field(init=False, repr=False)


@dataclass(slots=True, eq=False)
class Stock:
    """A stock with its newest price, and the lines of all portfolios that hold it.

    ``text`` is what rows say of the price, written by whoever writes rows.
    """

    code: str
    listing: Listing | None = None
    sight: Sight | None = None
    text: str = ""
    lines: dict[Line, None] = field(default_factory=dict)


@dataclass(slots=True)
class Sums:
    """The lines of one currency of a portfolio, in that currency and units of 10^-18.

    ``rate`` is what one of it is in the base currency, in the portfolio's units of a rate, None where nobody
    knows. ``unpriced`` and ``unchanged`` count the lines without a price, and without a close before.
    """

    rate: int | None
    #: What the lines had cost, in units of 10^-20.
    cost: int = 0
    value: int = 0
    previous: int = 0
    unpriced: int = 0
    unchanged: int = 0

    def take(self, line: Line, sign: int = 1) -> None:
        """Count a line in at the price of its stock, or with ``sign`` -1 out again."""
        sight = line.stock.sight
        if sight is None:
            self.unpriced += sign
            self.unchanged += sign
            return
        self.value += sign * line.quantity * sight.price
        if sight.previous is None:
            self.unchanged += sign
        else:
            self.previous += sign * line.quantity * sight.previous


@dataclass(slots=True, eq=False)
class Watched:
    """A portfolio that somebody watches.

    Sums in the base currency count 10^-scale, and rates 10^-rate_places. ``earned`` is what was realized
    and received of all time. ``sequence`` is that of its newest row of the ledger. ``fixed`` is what of its
    summary does not follow prices, and ``state`` what else there is of it, both as JSON inside braces.
    ``cash`` is what it has in all currencies. ``warnings`` are those that do not follow prices.
    """

    id: UUID
    sequence: int
    method: str
    base: str
    places: int
    rate_places: int
    sums: dict[str, Sums]
    lines: list[Line]
    invested: int | None
    earned: int | None
    cash: int | None
    fixed: str
    state: str
    warnings: list[str]
    #: What one of each currency of its shares and its cash is in ``base``, None where nobody knows.
    rates: Mapping[str, Decimal | None]
    #: The name of its room.
    room: str = field(init=False)
    #: Lines whose rows are to be told, and whether as a whole.
    pending: dict[Line, bool] = field(default_factory=dict)
    #: Why all of it is to be told; empty where only prices have moved.
    reason: str = ""
    told_at: float = float("-inf")

    def __post_init__(self) -> None:
        self.room = f"portfolio:{self.id}"

    @property
    def scale(self) -> int:
        return COST_PLACES + self.rate_places

    @property
    def is_foreign(self) -> bool:
        """Whether exchange rates matter to it."""
        return any(currency != self.base for currency in self.rates)

    def market_value(self) -> int | None:
        """What the shares are worth; None where a price or a rate is unknown."""
        total = 0
        for sums in self.sums.values():
            if sums.unpriced or sums.rate is None:
                return None
            total += sums.value * sums.rate
        return total * _TO_COST

    def cost_now(self) -> int | None:
        """What the shares had cost in their currencies, at the rates of now; None where one is unknown."""
        total = 0
        for sums in self.sums.values():
            if sums.rate is None:
                return None
            total += sums.cost * sums.rate
        return total

    def previous_value(self) -> int | None:
        """What the same shares were worth at the closes before; None where one of them is unknown."""
        total = 0
        for sums in self.sums.values():
            if sums.unchanged or sums.rate is None:
                return None
            total += sums.previous * sums.rate
        return total * _TO_COST

    def all_warnings(self) -> list[str]:
        """What is unknown, by name."""
        unpriced = [line.stock.code for line in self.lines if line.stock.sight is None]
        unchanged = [
            line.stock.code
            for line in self.lines
            if line.stock.sight is not None and line.stock.sight.previous is None
        ]
        return [
            *(f"No price of {code} is known." for code in unpriced),
            *self.warnings,
            *(f"No close before of {code} is known." for code in unchanged),
        ]

    def restate(self, reason: str) -> None:
        """Have all of it told."""
        self.pending = dict.fromkeys(self.lines, True)
        self.reason = reason

    def go_on_from(self, before: Watched) -> None:
        """Leave out what was told already, and is as it was."""
        self.told_at = before.told_at
        told = {line.stock: line for line in before.lines if line not in before.pending}
        for line in self.lines:
            same = told.get(line.stock)
            if same is not None and (same.quantity, same.cost, same.fixed) == (
                line.quantity,
                line.cost,
                line.fixed,
            ):
                del self.pending[line]
        if not before.reason and self._told() == before._told():
            self.reason = ""

    def _told(self) -> tuple[object, ...]:
        return (self.sequence, self.base, self.fixed, self.state, self.warnings, self.rates)


class Book:
    """Watched portfolios by id, and every stock that a price was seen of.

    ``waiting`` are the portfolios with something to be told, in the order in which it came.
    """

    def __init__(self) -> None:
        self.portfolios: dict[UUID, Watched] = {}
        self.waiting: dict[Watched, None] = {}
        self._stocks: dict[str, Stock] = {}

    def stock(self, code: str) -> Stock:
        """The stock of a code, which may be new."""
        stock = self._stocks.get(code)
        if stock is None:
            stock = self._stocks[code] = Stock(code)
        return stock

    def held(self) -> list[Stock]:
        """The stocks of all lines."""
        return [stock for stock in self._stocks.values() if stock.lines]

    def list_stocks(self, listings: Iterable[tuple[Listing, Sight | None]]) -> None:
        """Take in what is stored of stocks; a price only where it is newer than the one that was seen."""
        for listing, sight in listings:
            stock = self.stock(listing.code)
            if stock.listing != listing:
                stock.listing, stock.text = listing, ""
            if sight is not None:
                self.see(listing.code, sight)

    def put(self, portfolio: Watched, *, reason: str) -> None:
        """Take in a portfolio, in place of what was known of it, and have told what is new in it."""
        before = self.drop(portfolio.id)
        self.portfolios[portfolio.id] = portfolio
        for line in portfolio.lines:
            assert line.stock.listing is not None
            line.portfolio, line.sums = portfolio, portfolio.sums[line.stock.listing.currency]
            line.stock.lines[line] = None
            line.sums.cost += line.cost
            line.sums.take(line)
        portfolio.restate(reason)
        if before is not None:
            portfolio.go_on_from(before)
        if portfolio.reason or portfolio.pending:
            self.waiting[portfolio] = None

    def drop(self, portfolio_id: UUID) -> Watched | None:
        """Forget a portfolio, which may be unknown."""
        portfolio = self.portfolios.pop(portfolio_id, None)
        if portfolio is not None:
            self.waiting.pop(portfolio, None)
            for line in portfolio.lines:
                del line.stock.lines[line]
        return portfolio

    def see(self, code: str, sight: Sight) -> bool:
        """Move on to a price; False where it is not newer than the one before."""
        stock = self.stock(code)
        before = stock.sight
        if before is not None and sight.key <= before.key:
            return False
        stock.text = ""
        waiting = self.waiting
        if before is None or before.previous is None or sight.previous is None:
            for line in stock.lines:
                line.sums.take(line, -1)
            stock.sight = sight
            for line in stock.lines:
                line.sums.take(line)
                line.portfolio.pending.setdefault(line, False)
                waiting[line.portfolio] = None
            return True
        stock.sight = sight
        step, step_before = sight.price - before.price, sight.previous - before.previous
        for line in stock.lines:
            line.sums.value += line.quantity * step
            if step_before:
                line.sums.previous += line.quantity * step_before
            line.portfolio.pending.setdefault(line, False)
            waiting[line.portfolio] = None
        return True

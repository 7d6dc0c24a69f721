"""All watched portfolios in memory: prices go in, what they change comes out. Nothing here reads or writes.

What a tick needs stands in columns, so that a batch costs a portfolio next to nothing until it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import compress
from typing import Final
from uuid import UUID

import numpy as np

from portfolios.live.columns import Columns, Flags, Numbers
from portfolios.live.parts import parts_of
from portfolios.live.worth import MOST_LINES, UNKNOWN
from portfolios.maths.whole import COST_PLACES, PRICE_PLACES, QUANTITY_PLACES, half_even, written
from realtime.log_rows import LogRoster
from realtime.protocol.letters import Shelf

#: Time and number of a price; the time in microseconds since 1970. That of a close is (-1, its day): any
#: quote takes its place.
Key = tuple[int, int]
#: Numbers of a row below this leave room for what is done with them.
MOST: Final = 2**62
#: Sums are rounded from so many decimals more than are written, where those leave them small enough.
SPARE: Final = 6
QUIET, MOVED, WHOLE = 0, 1, 2
_MOST_DIVISOR: Final = 10**18
# So many rows may belong to nobody before the others move together.
_HOLES: Final = 20_000


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
class Stock:
    """A stock with its newest price; ``at`` is its place in the columns of stocks.

    ``text`` is what rows say of the price as JSON, written by whoever writes rows.
    """

    code: str
    at: int
    listing: Listing | None = None
    sight: Sight | None = None
    text: bytes = b""


@dataclass(slots=True, eq=False)
class Line:
    """A stock in a portfolio: ``fixed`` is what of its row does not follow the price, as JSON inside braces.

    The quantity counts 10^-10 shares, the cost 10^-20 of the stock's currency.
    """

    stock: Stock
    quantity: int
    cost: int
    fixed: str


@dataclass(frozen=True, slots=True)
class Group:
    """So many lines of one currency; ``rate`` makes a sum of them one of the base currency, in its units.

    None where nobody knows the rate.
    """

    rate: int | None
    count: int


@dataclass(slots=True, eq=False)
class Watched:
    """A portfolio that somebody watches; its lines stand in the order of its groups.

    Sums in the base currency count 10^-``scale``: ``invested`` is what the shares had cost at the rates of
    their days, ``cost_now`` at those of now, ``earned`` what was realized and received of all time, ``cash``
    what it has in all currencies. ``sequence`` is that of its newest row of the ledger. ``fixed`` is what of
    its summary does not follow prices, and ``state`` what else there is of it, both as JSON inside braces.
    ``warnings`` are those that do not follow prices, ``rates`` what one of each currency of its shares and
    its cash is in ``base``.

    ``at`` is its place in the columns of portfolios, ``first`` that of its first line in those of lines.
    """

    id: UUID
    sequence: int
    method: str
    base: str
    places: int
    scale: int
    groups: list[Group]
    lines: list[Line]
    invested: int | None
    cost_now: int | None
    earned: int | None
    cash: int | None
    fixed: str
    state: str
    warnings: list[str]
    rates: Mapping[str, Decimal | None]
    #: Why all of it is to be told; empty where only prices have moved.
    reason: str = ""
    at: int = -1
    first: int = -1
    room: str = field(init=False)
    #: What a sum is divided by before it is rounded with others.
    unit: int = field(init=False)
    #: What rates made of the gain, which does not follow prices, as a member of a JSON object.
    by_currency: str = field(init=False)

    def __post_init__(self) -> None:
        self.room = f"portfolio:{self.id}"
        self.unit = 10 ** (self.scale - self.places - SPARE)
        made = None
        if self.cost_now is not None and self.invested is not None:
            made = half_even(self.cost_now - self.invested, 10 ** (self.scale - self.places))
        self.by_currency = f',"total_currency_gain":{written(made, self.places)}'

    @property
    def is_foreign(self) -> bool:
        """Whether exchange rates matter to it."""
        return any(currency != self.base for currency in self.rates)

    def all_warnings(self) -> list[str]:
        """What is unknown, by name."""
        sights = {line.stock.code: line.stock.sight for line in self.lines}
        codes = sorted(sights)
        return [
            *(f"No price of {code} is known." for code in codes if sights[code] is None),
            *self.warnings,
            *(
                f"No close before of {code} is known."
                for code in codes
                if (sight := sights[code]) is not None and sight.previous is None
            ),
        ]

    def told(self) -> tuple[object, ...]:
        """What is told of it beside prices."""
        return (self.sequence, self.base, self.fixed, self.state, self.warnings, self.rates)


class Book:
    """Watched portfolios by id, and every stock that a price was seen of.

    Columns of ``lines``: the places of portfolio and ``stock``; what is ``due`` to be told, QUIET, MOVED or
    WHOLE; whether the numbers of the line are ``small``; and of those that are, ``quantity`` in units of
    10^-``decimals``, ``cost`` in those of its value, 10^-(decimals + 8), rounded down, and whether it has
    ``more`` digits. Times ``rate`` and divided by ``divisor`` the value is one in the base currency, in units
    of 10^-SPARE of what is written; the divisor is 0 where that is not known or one of these is too great.
    That value is ``market`` now and was ``previous`` at the close before, in four columns each, as
    ``worth_of`` has them; ``unsummed`` says which of the two follow a price that is not in them yet.

    Of stocks: ``price`` and ``previous``, UNKNOWN where they are, and whether what is ``written`` of them in
    ``texts`` is what they are now.

    Of ``owners``, the portfolios: the ``first`` of their lines and their ``count``; the line of their ``log``
    in ``logs``; whether they are ``waiting``, and when they were ``told``, in microseconds; whether they are
    ``plain``, with neither a reason nor warnings to be told; the ``places`` that are written; the sums of
    ``market`` and ``previous`` of their lines; and where the numbers of the portfolio are ``small``, those
    that do not follow prices, in the same units as values in the base currency and in three columns each, as
    ``parts.py`` has them.
    """

    def __init__(self) -> None:
        self.portfolios: dict[UUID, Watched] = {}
        self.by_place: dict[int, Watched] = {}
        self.lines = Columns(
            *("owner", "stock", "due", "small", "quantity", "decimals", "cost", "more", "places"),
            *("rate", "divisor", "unsummed", *_SUMS),
        )
        self.prices = Columns("price", "previous", "written")
        self.owners = Columns(
            *("first", "count", "log", "waiting", "told", "plain", "places", "small", *_STEADY, *_SUMS)
        )
        #: By the places of portfolios, how their messages begin while they are plain; empty until whoever
        #: writes messages has written that.
        self.heads: list[bytes] = []
        #: Their rooms, and of some that are watched no more.
        self.logs = LogRoster()
        #: What rows say of the price of each stock, written by whoever writes rows.
        self.texts = Shelf()
        self._stocks: dict[str, Stock] = {}
        self._stock_list: list[Stock] = []
        #: Stocks whose price has moved since lines were told of it.
        self._moved: list[Stock] = []
        self._has_unsummed = False
        self._holes = 0

    def stock(self, code: str) -> Stock:
        """The stock of a code, which may be new."""
        stock = self._stocks.get(code)
        if stock is None:
            at = self.prices.add({"price": UNKNOWN, "previous": UNKNOWN, "written": 0})
            stock = self._stocks[code] = Stock(code, at)
            self._stock_list.append(stock)
        return stock

    def stock_at(self, at: int) -> Stock:
        return self._stock_list[at]

    def held(self) -> list[Stock]:
        """The stocks of all lines."""
        lines = self.lines
        return [self._stock_list[at] for at in np.unique(lines["stock"][lines["owner"] >= 0]).tolist()]

    def list_stocks(self, listings: Iterable[tuple[Listing, Sight | None]]) -> None:
        """Take in what is stored of stocks; a price only where it is newer than the one that was seen."""
        for listing, sight in listings:
            stock = self.stock(listing.code)
            if stock.listing != listing:
                stock.listing, stock.text = listing, b""
                self.prices["written"][stock.at] = 0
            if sight is not None:
                self.see(listing.code, sight)

    def see(self, code: str, sight: Sight) -> bool:
        """Move on to a price; False where it is not newer than the one before."""
        stock = self.stock(code)
        if stock.sight is not None and sight.key <= stock.sight.key:
            return False
        stock.sight, stock.text = sight, b""
        self._moved.append(stock)
        return True

    def waiting(self) -> Numbers:
        """The places of the portfolios with something to be told."""
        self.settle()
        return np.flatnonzero(self.owners["waiting"])

    def settle(self) -> None:
        """Take the prices that were seen into the columns: lines of their stocks are due."""
        if not self._moved:
            return
        stocks, self._moved = self._moved, []
        at = np.array([stock.at for stock in stocks])
        sights = [stock.sight for stock in stocks if stock.sight is not None]
        # A greater one is not in the columns; what is multiplied with this is too great for them as well.
        price = np.array([min(sight.price, MOST) for sight in sights])
        previous = np.array(
            [UNKNOWN if sight.previous is None else min(sight.previous, MOST) for sight in sights]
        )
        lines, prices = self.lines, self.prices
        moved = np.zeros(prices.count, np.int8)
        moved[at] = np.where(prices["previous"][at] == previous, _PRICE, _PRICE | _CLOSE)
        prices["price"][at], prices["previous"][at], prices["written"][at] = price, previous, 0
        of_lines = moved.take(lines["stock"])
        rows = np.flatnonzero(of_lines)
        owners = lines["owner"][rows]
        if (owners < 0).any():
            rows, owners = rows[owners >= 0], owners[owners >= 0]
        due, unsummed = lines["due"], lines["unsummed"]
        due[rows] = np.maximum(due[rows], MOVED)
        unsummed[rows] |= of_lines[rows]
        self.owners["waiting"][owners] = 1
        self._has_unsummed = True

    def sum(self) -> None:
        """Have what portfolios are worth follow the prices that were seen."""
        self.settle()
        if not self._has_unsummed:
            return
        self._has_unsummed = False
        # Numba takes a while to import, and most processes sum nothing.
        from portfolios.live import worth_compiled as code

        lines = self.lines
        for name, price, bit in (("market", "price", _PRICE), ("previous", "previous", _CLOSE)):
            code.follow(
                bit,
                *(lines[column] for column in ("unsummed", "owner", "stock", "quantity", "rate", "divisor")),
                self.prices[price],
                *(columns[f"{name}{part}"] for columns in (lines, self.owners) for part in WORTH),
            )
        lines["unsummed"][:] = 0

    def put(self, portfolio: Watched, *, reason: str) -> None:
        """Take in a portfolio, in place of what was known of it, and have told what is new in it."""
        self.waiting()
        before = self.portfolios.get(portfolio.id)
        told_before = {} if before is None else self._told_lines(before)
        told_at = 0
        if before is not None:
            told_at = int(self.owners["told"][before.at])
            self.drop(portfolio.id)
        portfolio.at = self.owners.add(
            {
                **dict.fromkeys(("waiting", "plain", *_SUMS), 0),
                "first": self.lines.count,
                "count": len(portfolio.lines),
                "log": self.logs.add(portfolio.room),
                "told": told_at,
                "places": portfolio.places,
                **_steady(portfolio),
            }
        )
        self.heads.append(b"")
        portfolio.first = self._add(portfolio)
        self.portfolios[portfolio.id] = self.by_place[portfolio.at] = portfolio
        due = self.lines["due"]
        for at, line in enumerate(portfolio.lines, start=portfolio.first):
            if (line.quantity, line.cost, line.fixed) != told_before.get(line.stock):
                due[at] = WHOLE
        if before is None or before.reason or before.told() != portfolio.told():
            portfolio.reason = reason
        self.note_reason(portfolio)
        if portfolio.reason or due[portfolio.first :].any():
            self.owners["waiting"][portfolio.at] = 1

    def restate(self, portfolio: Watched, reason: str) -> None:
        """Have all of a portfolio told."""
        self.lines["due"][self.rows(portfolio)] = WHOLE
        self.owners["waiting"][portfolio.at] = 1
        portfolio.reason = reason
        self.note_reason(portfolio)

    def note_reason(self, portfolio: Watched) -> None:
        """Have the columns follow the reason of a portfolio."""
        self.owners["plain"][portfolio.at] = not (portfolio.reason or portfolio.warnings)

    def drop(self, portfolio_id: UUID) -> None:
        """Forget a portfolio, which may be unknown."""
        portfolio = self.portfolios.pop(portfolio_id, None)
        if portfolio is None:
            return
        del self.by_place[portfolio.at]
        self.owners["waiting"][portfolio.at] = 0
        self.lines["owner"][self.rows(portfolio)] = -1
        self._holes += len(portfolio.lines) + 1
        if self._holes > max(_HOLES, self.lines.count // 2):
            self._close_holes()

    def rows(self, portfolio: Watched) -> slice:
        """The rows of a portfolio in the columns of lines."""
        return slice(portfolio.first, portfolio.first + len(portfolio.lines))

    def _told_lines(self, portfolio: Watched) -> dict[Stock, tuple[int, int, str]]:
        due = self.lines["due"][self.rows(portfolio)].tolist()
        return {
            line.stock: (line.quantity, line.cost, line.fixed)
            for line, state in zip(portfolio.lines, due, strict=True)
            if state == QUIET
        }

    def _add(self, portfolio: Watched) -> int:
        small = [_small(line) for line in portfolio.lines]
        rates = [group.rate for group in portfolio.groups for _ in range(group.count)]
        factors = [
            _factor(rate, portfolio.unit, decimals) if is_small else (0, 0)
            for rate, (is_small, _, decimals, _, _) in zip(rates, small, strict=True)
        ]
        self._has_unsummed = True
        return self.lines.add(
            {
                "owner": portfolio.at,
                "stock": [line.stock.at for line in portfolio.lines],
                "due": QUIET,
                "unsummed": _PRICE | _CLOSE,
                **dict.fromkeys(_SUMS, 0),
                "places": [_places(line) for line in portfolio.lines],
                **dict(zip(_SMALL, _turned(small, len(_SMALL)), strict=True)),
                **dict(zip(_FACTOR, _turned(factors, len(_FACTOR)), strict=True)),
            },
            len(small),
        )

    def _close_holes(self) -> None:
        there = self.lines["owner"] >= 0
        places: Numbers = np.cumsum(there) - there
        self.lines.keep(there)
        kept: Flags = np.zeros(self.owners.count, np.bool_)
        kept[list(self.by_place)] = True
        renumbered = np.cumsum(kept) - 1
        self.owners.keep(kept)
        self.heads = list(compress(self.heads, kept.tolist()))
        self.lines["owner"][:] = renumbered[self.lines["owner"]]
        for portfolio in self.by_place.values():
            portfolio.at = int(renumbered[portfolio.at])
            portfolio.first = int(places[portfolio.first]) if portfolio.lines else 0
            self.owners["first"][portfolio.at] = portfolio.first
        self.by_place = {portfolio.at: portfolio for portfolio in self.portfolios.values()}
        self.logs = LogRoster()
        for at, portfolio in sorted(self.by_place.items()):
            self.owners["log"][at] = self.logs.add(portfolio.room)
        self._holes = 0


_SMALL: Final = ("small", "quantity", "decimals", "cost", "more")
_FACTOR: Final = ("rate", "divisor")
_NUMBERS: Final = ("invested", "cost_now", "earned", "cash")
_STEADY: Final = tuple(f"{name}{part}" for name in _NUMBERS for part in ("", "_part", "_rough"))
#: The columns of what lines are worth, as ``worth_of`` has them.
WORTH: Final = ("", "_part", "_unsure", "_upper")
_SUMS: Final = tuple(f"{name}{part}" for name in ("market", "previous") for part in WORTH)
# What has moved of a price.
_PRICE, _CLOSE = 1, 2


def _small(line: Line) -> tuple[int, int, int, int, int]:
    """What stands of a line in the columns."""
    quantity, decimals = line.quantity, QUANTITY_PLACES
    while decimals and not quantity % 10:
        quantity, decimals = quantity // 10, decimals - 1
    cost, more = divmod(line.cost, 10 ** (COST_PLACES - PRICE_PLACES - decimals))
    if not (0 <= quantity < MOST and 0 <= cost < MOST):
        return (0, 0, 0, 0, 0)
    return (1, quantity, decimals, cost, int(more > 0))


@lru_cache(maxsize=4096)
def _factor(rate: int | None, unit: int, decimals: int) -> tuple[int, int]:
    """Rate and divisor of a line by the rate of its group; the divisor is a power of ten."""
    if rate is None:
        return (0, 0)
    rate *= 10 ** (QUANTITY_PLACES - decimals)
    while unit > 1 and not rate % 10:
        rate, unit = rate // 10, unit // 10
    return (rate, unit) if rate < MOST and unit <= _MOST_DIVISOR else (0, 0)


def _steady(portfolio: Watched) -> dict[str, int]:
    """What does not follow prices, as it stands in the columns."""
    numbers = (portfolio.invested, portfolio.cost_now, portfolio.earned, portfolio.cash)
    found = [None if number is None else parts_of(number, portfolio.unit) for number in numbers]
    if len(portfolio.lines) > MOST_LINES or any(one is None or abs(one[0]) >= MOST // 2 for one in found):
        return dict.fromkeys(("small", *_STEADY), 0)
    flat = [part for one in found if one is not None for part in one]
    return {"small": 1, **dict(zip(_STEADY, flat, strict=True))}


def _places(line: Line) -> int:
    assert line.stock.listing is not None
    return line.stock.listing.places


def _turned(rows: Sequence[tuple[int, ...]], width: int) -> list[list[int]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]

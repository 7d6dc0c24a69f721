"""The columns of one version of the dataset, and a view of them with the newest prices laid over.

Both are written once and never changed, so that any number of threads read them without a lock: whoever has
one in hand goes on with it while the next one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from screening.grammar.tree import TextName
from stocks.overview.standings import COMPARED_WITHIN

Array: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.NDArray[np.int32]
Days: TypeAlias = npt.NDArray[np.datetime64]

#: The only kind of stock that is ranked.
EQUITY: Final = "equity"
#: Columns that a view works out (ranks and the like) are kept up to this number; then it begins anew.
MOST_KEPT: Final = 64


@dataclass(frozen=True)
class Texts:
    """A text of every stock: that of stock i is ``values[numbers[i]]``. An empty one is unknown."""

    values: tuple[str, ...]
    numbers: Numbers

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """The column of these texts, one a stock."""
        numbers: dict[str, int] = {}
        numbered = [numbers.setdefault(text, len(numbers)) for text in texts]
        return cls(tuple(numbers), np.array(numbered, np.int32))

    def among(self, wanted: Collection[str]) -> Flags:
        """Where the text is one of ``wanted``; an unknown one is none of them."""
        flags = np.zeros(len(self.values), bool)
        flags[[self._number[text] for text in wanted if text != "" and text in self._number]] = True
        return flags[self.numbers]

    @cached_property
    def _number(self) -> dict[str, int]:
        return {value: number for number, value in enumerate(self.values)}

    @cached_property
    def known(self) -> Flags:
        """Where there is a text."""
        return np.array([value != "" for value in self.values], bool)[self.numbers]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is to be said of the stocks of a market: how many lag behind it, and what currencies they have."""

    left_out: int
    currencies: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """The listed stocks at one version of the dataset, in order of code as the database sorts it.

    Attributes:
        version: of the dataset.
        fields: what can be screened, in the order of ``figures``.
        ids: of the stocks, shape (n,).
        texts: what describes a stock.
        markets: the codes of all markets, also of those without stocks, in order.
        name_order: the place of each name among all as the database sorts them, equal names alike.
        days: the session that a stock's figures follow, NaT where it has none.
        figures: shape (fields, n), NaN where unknown.
        recent: by field, the values of a stock's last sessions, newest first: shape (sessions, n).
    """

    version: int
    fields: tuple[str, ...]
    ids: Numbers
    texts: Mapping[TextName, Texts]
    markets: tuple[str, ...]
    name_order: Numbers
    days: Days
    figures: Array
    recent: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def at(self) -> dict[str, int]:
        """The row of each field in ``figures``."""
        return {name: at for at, name in enumerate(self.fields)}

    @cached_property
    def positions(self) -> dict[str, int]:
        """The place of each code."""
        codes = self.texts["code"]
        return {codes.values[number]: at for at, number in enumerate(codes.numbers.tolist())}

    @cached_property
    def lagging(self) -> Flags:
        """Whose last session lies more than COMPARED_WITHIN behind the newest of their market."""
        markets = self.texts["market"]
        has = ~np.isnat(self.days)
        newest = np.full(len(markets.values), np.datetime64("0001-01-01", "D"))
        np.maximum.at(newest, markets.numbers[has], self.days[has])
        # A comparison with NaT is false.
        late: Flags = self.days < newest[markets.numbers] - np.timedelta64(COMPARED_WITHIN)
        return late

    @cached_property
    def compared(self) -> Flags:
        """The equities that do not lag: those that have ranks."""
        return self.texts["kind"].among([EQUITY]) & ~self.lagging

    @cached_property
    def groups(self) -> dict[str, Numbers]:
        """For each kind of group the number of every stock's group, -1 where it is ranked in none."""
        market, sector = self.texts["market"], self.texts["sector"]
        within = market.numbers * len(sector.values) + sector.numbers
        _, sectors = np.unique(within, return_inverse=True)
        none = np.int32(-1)
        return {
            "all": np.where(self.compared, np.int32(0), none),
            "market": np.where(self.compared, market.numbers, none),
            "sector": np.where(self.compared & sector.known, sectors.astype(np.int32), none),
        }

    def covered(self, market: str | None = None) -> Coverage:
        """The coverage of one market, or of all."""
        return self._coverage.get(market, Coverage(0, ()))

    @cached_property
    def _coverage(self) -> dict[str | None, Coverage]:
        market, has = self.texts["market"], ~np.isnat(self.days)
        return {
            None: self._covered(has),
            **{
                name: self._covered((market.numbers == number) & has)
                for number, name in enumerate(market.values)
            },
        }

    def in_market(self, market: str) -> Flags:
        """The stocks of a market."""
        return self.texts["market"].among([market])

    def head(self, position: int) -> str:
        """How the row of a stock begins in JSON: its code, name, market and currency."""
        written = self._heads[position]
        if written is None:
            texts = {name: self.text(name, position) for name in ("code", "name", "market", "currency")}
            written = self._heads[position] = orjson.dumps(texts).decode()[1:-1]
        return written

    def text(self, name: TextName, position: int) -> str:
        """A text of one stock."""
        column = self.texts[name]
        return column.values[column.numbers[position]]

    @cached_property
    def kept(self) -> dict[tuple[str, str], Array]:
        """Columns that were worked out from others, see :meth:`View.kept`."""
        return {}

    @cached_property
    def cells(self) -> dict[int, str]:
        """Figures as they are written: that of field f and stock s under f × n + s."""
        return {}

    @cached_property
    def _heads(self) -> list[str | None]:
        return [None] * len(self)

    def _covered(self, stocks: Flags) -> Coverage:
        currencies = self.texts["currency"]
        used = np.unique(currencies.numbers[stocks]).tolist()
        return Coverage(
            left_out=int(np.count_nonzero(self.lagging & stocks)),
            currencies=tuple(sorted(currencies.values[number] for number in used)),
        )


class View:
    """A snapshot with the newest prices laid over it: what a screen is answered from.

    ``live`` are whole columns that replace those of the snapshot, ``days`` the sessions that the prices are
    of. Columns that follow from others are worked out once and kept, at most MOST_KEPT of them.
    """

    def __init__(
        self, snapshot: Snapshot, *, live: Mapping[str, Array] | None = None, days: Days | None = None
    ) -> None:
        self.snapshot = snapshot
        self.live = live or {}
        self.days = snapshot.days if days is None else days
        self._kept: dict[tuple[str, str], Array] = {}

    def __len__(self) -> int:
        return len(self.snapshot)

    def column(self, name: str) -> Array:
        """The values of a field; KeyError where there is none of that name."""
        found = self.live.get(name)
        return self.snapshot.figures[self.snapshot.at[name]] if found is None else found

    def kept(self, kind: str, name: str, make: Callable[[], Array]) -> Array:
        """What ``make`` gives for a field, made once; a live column's is this view's own."""
        home = self._kept if name in self.live else self.snapshot.kept
        key = (kind, name)
        found: Array | None = home.get(key)
        if found is None:
            found = make()
            if len(home) >= MOST_KEPT:
                home.clear()
            home[key] = found
        return found

"""What the computation reads of bars: by binary COPY, from the packed copy where that is good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg.sql import SQL, Literal

from stocks.arrays import numbers
from stocks.compute.binary import EPOCH, copy_out, decode
from stocks.compute.packing import Packs, pack, packs_of, unpack
from stocks.indicators.bars import Array, Days

#: Stocks per read: their bars are held in memory together, about 30 MB for two years.
CHUNK: Final = 1024
#: As many bars of a market are kept in memory between two passes over them; more are read twice.
KEPT_BARS: Final = 8_000_000

_BARS = SQL("""
COPY (
    SELECT stock_id, date, coalesce(open::float8, 'NaN'), coalesce(high::float8, 'NaN'),
           coalesce(low::float8, 'NaN'), close::float8, volume::float8
    FROM stocks_dailybar
    WHERE stock_id = ANY({stocks}::int[]) AND date BETWEEN {since} AND {through}
    ORDER BY stock_id, date
) TO STDOUT (FORMAT binary)
""")
_DAY_0: Final[date] = EPOCH.astype(date)
_Columns = tuple[npt.NDArray[np.int32], Array]


@dataclass(frozen=True, slots=True)
class RawBars:
    """All bars of one stock as loaded, oldest first: ``datetime64[D]`` (n,) and OHLCV (5, n), NaN if NULL."""

    stock_id: int
    days: Days
    ohlcv: Array

    def __len__(self) -> int:
        return len(self.days)


@dataclass(slots=True)
class BarReader:
    """The bars of the stocks of one market up to a day, chunk by chunk, as often as they are asked for.

    All of a stock's bars are read, not a window: averages that decay (EMA, Wilder) never forget their seed
    entirely, and only from the same first bar does one more day give, bit for bit, what a recomputation does.
    A chunk holds the bars of those of its CHUNK stocks that have any.

    Attributes:
        stock_ids: the stocks.
        through: no later bar counts.
        packs: read packed copies where they are good.
        keeps: pack what has no good copy; only where no bar is left out.
        state: of the copies, of these stocks and perhaps others; asked for where it is needed and not given.
    """

    stock_ids: Sequence[int]
    through: date = date.max
    packs: bool = True
    keeps: bool = True
    state: Packs | None = None
    _kept: dict[int, list[RawBars]] = field(default_factory=dict)
    _room: int = KEPT_BARS

    def __iter__(self) -> Iterator[list[RawBars]]:
        if self.state is None and (self.packs or self.keeps):
            self.state = packs_of(self.stock_ids)
        for first in range(0, len(self.stock_ids), CHUNK):
            chunk = self._kept.get(first)
            if chunk is None:
                chunk = list(self._read(self.stock_ids[first : first + CHUNK]))
                if (count := sum(map(len, chunk))) <= self._room:
                    self._kept[first] = chunk
                    self._room -= count
            yield chunk

    def only(self, stock_ids: Iterable[int]) -> BarReader:
        """A reader of some of the stocks, which asks nothing again that this one knows."""
        return BarReader(sorted(stock_ids), self.through, self.packs, self.keeps, self.state)

    def _read(self, ids: Sequence[int]) -> Iterator[RawBars]:
        state = self.state
        good = [stock for stock in ids if state is not None and stock in state.good] if self.packs else []
        found = _rows(sorted(set(ids) - set(good)), date.min, self.through)
        if state is not None and self.keeps and self.through == date.max:
            pack(state, found)
        if state is not None and good:
            tails = _rows(good, state.through + timedelta(days=1), self.through)
            found |= {stock: _joined(packed, tails.get(stock)) for stock, packed in unpack(good).items()}
        last = (self.through - _DAY_0).days
        for stock in sorted(found):
            days, ohlcv = found[stock]
            count = int(np.searchsorted(days, last, side="right"))
            if count:
                dates = EPOCH + days[:count].astype("timedelta64[D]")
                yield RawBars(stock, dates, np.require(ohlcv[:, :count], requirements=("C", "A")))


def _rows(stock_ids: Sequence[int], since: date, through: date) -> dict[int, _Columns]:
    """The bars of each stock from a day on, days since 2000; stocks without any are left out."""
    if not stock_ids or since > through:
        return {}
    query = _BARS.format(stocks=Literal(numbers(stock_ids)), since=Literal(since), through=Literal(through))
    rows = decode(copy_out(query), floats=5)
    if not len(rows):
        return {}
    starts = np.flatnonzero(np.diff(rows["stock"], prepend=-1))
    days = rows["date"].astype(np.int32)
    ohlcv = np.ascontiguousarray(rows["values"]["value"].T, dtype=np.float64)
    return {
        int(rows["stock"][first]): (days[first:last], ohlcv[:, first:last])
        for first, last in zip(starts, [*starts[1:], len(rows)], strict=True)
    }


def _joined(packed: _Columns, tail: _Columns | None) -> _Columns:
    if tail is None:
        return packed
    return np.concatenate([packed[0], tail[0]]), np.concatenate([packed[1], tail[1]], axis=1)

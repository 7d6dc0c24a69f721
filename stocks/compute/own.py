"""A chunk of stocks worked out, each on the day of its last bar: where prices, actions and filings meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from stocks.compute.adjusting import adjusted_chunk
from stocks.compute.companies import LISTS_ALL_DIVIDENDS, OnFile
from stocks.compute.dollars import dollars_on
from stocks.compute.levels import Levels
from stocks.compute.reading import RawBars
from stocks.compute.sessions import Sessions, Stored, last_session, last_sessions, stored_sessions
from stocks.indicators.bars import Array, Days
from stocks.indicators.catalog import BASE_FIELDS, CATALOG, RECENT_FIELDS
from stocks.indicators.ratios import ratios
from stocks.indicators.scores import SCORE_IDS
from stocks.models import Stock
from stocks.types import Action

Wanted = Literal["fresh", "all", "none"]
#: The stored columns that follow from one stock and its benchmark alone: all but the scores.
OWN_FIELDS: Final[tuple[str, ...]] = (
    *BASE_FIELDS,
    *(entry.id for entry in CATALOG if entry.id not in SCORE_IDS),
)
_COLUMN: Final[Mapping[str, int]] = {id_: at for at, id_ in enumerate(OWN_FIELDS)}
_RECENT: Final = [_COLUMN[id_] for id_ in RECENT_FIELDS]


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of n stocks; NaN is unknown.

    Attributes:
        stocks: their ids, (n,).
        days: of their last bars, (n,).
        values: OWN_FIELDS, (n, fields).
        sessions: the last of each, where they were asked for.
    """

    stocks: npt.NDArray[np.int32]
    days: Days
    values: Array
    sessions: Sessions | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that the figures of a chunk follow from, read: at least one stock, at least one bar each.

    Attributes:
        chunk: the bars.
        on_file: what was filed about them, in their order.
        dollars: what one unit of the currency of each one's statements was worth.
        levels: of the benchmark of their market.
        stored: of their last sessions these are there already; None: none are wanted.
        as_of: nothing published later counts; None leaves it at the last bar.
    """

    chunk: Sequence[RawBars]
    on_file: OnFile
    dollars: Array
    levels: Levels
    stored: Mapping[int, Stored] | None
    as_of: date | None

    @classmethod
    def read(
        cls,
        chunk: Sequence[RawBars],
        stocks: Mapping[int, Stock],
        actions: Mapping[int, Sequence[Action]],
        levels: Levels,
        *,
        as_of: date | None,
        today: date,
        sessions: Wanted = "fresh",
    ) -> Inputs:
        """Read what belongs to the bars of a chunk.

        Args:
            chunk: the bars.
            stocks: the rows of its stocks by id, and perhaps others.
            actions: of those that have any, by id.
            levels: of the benchmark of their market.
            as_of: nothing published later counts; None leaves it at the last bar.
            today: the day of the shares outstanding; actions dated later are only announced.
            sessions: of the last ones work out those that are not stored, or all, or none.
        """
        rows = [stocks[raw.stock_id] for raw in chunk]
        days = np.array([raw.days[-1] for raw in chunk], dtype="datetime64[D]")
        on_file = OnFile.read(rows, days, actions, as_of=as_of, today=today)
        stored: Mapping[int, Stored] | None = None if sessions == "none" else {}
        if sessions == "fresh":
            stored = stored_sessions([stock.id for stock in rows])
        return cls(chunk, on_file, dollars_on(on_file.facts.currency, days), levels, stored, as_of)

    def part(self) -> Part:
        """The figures, worked out without asking the database."""
        on_file = self.on_file
        rows = on_file.stocks
        ids = [stock.id for stock in rows]
        bars = adjusted_chunk(
            self.chunk,
            on_file.actions,
            currency=[stock.currency for stock in rows],
            lists_all_dividends=[stock.source in LISTS_ALL_DIVIDENDS for stock in rows],
            shares=on_file.shares,
            levels=self.levels,
        )
        found = None if self.stored is None else last_sessions(ids, bars, self.stored)
        newest = last_session(bars) if found is None else found.values[:, -1]
        companies = on_file.companies(bars, self.dollars, as_of=self.as_of)
        values = np.full((len(rows), len(OWN_FIELDS)), np.nan)
        values[:, _RECENT] = newest
        for id_, column in {"market_cap": companies.market_cap, **ratios(companies)}.items():
            values[:, _COLUMN[id_]] = column
        # An infinity is as unknown as NaN, and the sum turns -0.0 into 0.0.
        values = np.where(np.isfinite(values), values, np.nan) + 0.0
        return Part(np.array(ids, dtype=np.int32), on_file.days, values, found)

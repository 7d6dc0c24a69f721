"""The stocks of one market: the level of its benchmark first, then the figures of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from stocks.compute.adjusting import split_adjusted
from stocks.compute.companies import read_actions
from stocks.compute.levels import (
    Levels,
    average_level,
    level_of_index,
    listed_index,
    store_levels,
    stored_levels,
)
from stocks.compute.own import Inputs, Part, Wanted
from stocks.compute.packing import Packs
from stocks.compute.reading import CHUNK, BarReader
from stocks.errors import MarketNotFound
from stocks.indicators.bars import Array, Days
from stocks.models import Market, Stock
from stocks.types import Action


@dataclass(slots=True)
class MarketBars:
    """The stocks of a market, their bars and actions, and the level of its benchmark.

    Attributes:
        market: its code.
        stocks: all of its stocks by id.
        as_of: no later bar counts; None: all do.
        anew: read the bars themselves, and not their packed copy.
        keeps: what is read may be kept as a packed copy, and the level be stored.
        packs: the state of the copies, where it is known.
    """

    market: str
    stocks: Mapping[int, Stock]
    as_of: date | None = None
    anew: bool = False
    keeps: bool = True
    packs: Packs | None = None
    actions: Mapping[int, Sequence[Action]] = field(init=False)
    reader: BarReader = field(init=False)

    def __post_init__(self) -> None:
        self.actions = read_actions(list(self.stocks))
        self.reader = BarReader(
            sorted(self.stocks),
            through=self.as_of or date.max,
            packs=not self.anew,
            keeps=self.keeps and self.as_of is None,
            state=self.packs,
        )

    def levels(self) -> Levels:
        """The level of the benchmark as the bars are now."""
        index = listed_index(self.market)
        if index is not None:
            only = BarReader([index], through=self.as_of or date.max, packs=False, keeps=False)
            return next((level_of_index(raw) for chunk in only for raw in chunk), Levels.none())
        return average_level(self._closes())

    def levels_kept(self) -> tuple[Levels, bool]:
        """The level, which is stored where it is new; says whether one of an earlier session has changed."""
        levels = self.levels()
        before = stored_levels(self.market)
        known = levels.on(before.days)
        changed = not np.array_equal(known, before.levels)
        if changed or len(levels.days) != len(before.days):
            store_levels(self.market, levels)
        return levels, changed

    def _closes(self) -> Iterator[tuple[Days, Array, Array]]:
        for chunk in self.reader:
            for raw in chunk:
                if self.stocks[raw.stock_id].kind == Stock.Kind.EQUITY:
                    ohlcv = split_adjusted(raw, self.actions.get(raw.stock_id, ()))
                    yield raw.days, ohlcv[3], ohlcv[4]

    def parts(
        self,
        levels: Levels,
        thread: Executor,
        *,
        today: date,
        only: Collection[int] | None = None,
        sessions: Wanted = "fresh",
        done: Callable[[int], None] = lambda stocks: None,
    ) -> list[Future[Part]]:
        """The figures of the stocks that have bars, or of those of ``only``; ``done`` counts what is read.

        ``thread`` works them out, while this one reads on.
        """
        reader = self.reader if only is None else self.reader.only(only)
        parts: list[Future[Part]] = []
        for number, chunk in enumerate(reader, 1):
            if chunk:
                inputs = Inputs.read(
                    chunk,
                    self.stocks,
                    self.actions,
                    levels,
                    as_of=self.as_of,
                    today=today,
                    sessions="all" if self.anew and sessions == "fresh" else sessions,
                )
                if len(parts) > 1:
                    parts[-2].result()  # so that no more than two wait in memory
                parts.append(thread.submit(inputs.part))
            done(min(number * CHUNK, len(reader.stock_ids)))
        return parts


def stocks_of(market: str) -> dict[int, Stock]:
    """The stocks of a market by id, those that are no longer listed too."""
    fields = ("id", "code", "market_id", "kind", "currency", "source", "shares_outstanding")
    return {stock.id: stock for stock in Stock.objects.filter(market_id=market).order_by("id").only(*fields)}


def market_exists(market: str | None) -> None:
    """Raise MarketNotFound where a market is named that there is not."""
    if market is not None and not Market.objects.filter(code=market).exists():
        raise MarketNotFound(market)

"""Prices of stocks as clients name them: found, or why not, symbol by symbol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from stocks.errors import NoPrice, StocksError
from stocks.models import Stock
from stocks.selectors.listing import not_found, stocks_by_symbol
from stocks.selectors.prices import LastSession, LatestPrice, last_sessions, latest_prices

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Answers(Generic[Found]):
    """What was found, by the stock, and what was not, by the symbol as it was given."""

    found: list[tuple[Stock, Found]] = field(default_factory=list)
    errors: list[tuple[str, StocksError]] = field(default_factory=list)

    def one(self) -> tuple[Stock, Found]:
        """The answer for a single symbol, or its error raised."""
        for _, error in self.errors:
            raise error
        return self.found[0]


def prices_by_symbol(symbols: Sequence[str], *, now: datetime) -> Answers[LatestPrice]:
    """The latest price of each symbol's stock, in at most three queries."""
    return _answers(symbols, lambda stocks: latest_prices(stocks, now=now))


def sessions_by_symbol(symbols: Sequence[str]) -> Answers[LastSession]:
    """The last daily bar of each symbol's stock, in three queries."""
    return _answers(symbols, lambda stocks: last_sessions([stock.id for stock in stocks]))


def _answers(
    symbols: Sequence[str], look_up: Callable[[Sequence[Stock]], Mapping[int, Found]]
) -> Answers[Found]:
    stocks = stocks_by_symbol(symbols)
    found = look_up(list(stocks.values())) if stocks else {}
    answers: Answers[Found] = Answers()
    for symbol in symbols:
        stock = stocks.get(symbol)
        if stock is None:
            answers.errors.append((symbol, not_found(symbol)))
        elif stock.id not in found:
            answers.errors.append((symbol, NoPrice(stock.code)))
        else:
            answers.found.append((stock, found[stock.id]))
    return answers

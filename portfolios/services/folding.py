"""A whole ledger folded as it is read, one stock after the other, whatever its length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import attrgetter

from portfolios.maths.cash import effect
from portfolios.maths.exact import exactly
from portfolios.maths.lots import Oversell, Position
from portfolios.models import Portfolio
from portfolios.selectors.ledger import entries_of
from portfolios.types import Entry, Method


@dataclass(frozen=True, slots=True)
class FoldedStock:
    """A stock of a ledger, the position in it, and the newest of its rows that counts."""

    stock_id: int
    position: Position
    newest: Entry


class Folding:
    """One pass over a ledger, by the portfolio's own method or another one; stores nothing.

    ``stocks`` yields what the ledger comes to, by the ids of the stocks. After the last of them ``cash`` is
    what there is by currency, ``rows`` how many rows count, and ``impossible`` names the stocks of which a
    row takes more than there is, which no service ever wrote.
    """

    def __init__(self, portfolio: Portfolio, method: Method | None = None) -> None:
        self.rows = 0
        self.impossible: list[str] = []
        self._portfolio, self._method = portfolio, method or Method(portfolio.method)
        self._cash: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._newest: Entry | None = None

    @property
    def cash(self) -> dict[str, Decimal]:
        return {currency: amount for currency, amount in self._cash.items() if amount}

    def stocks(self) -> Iterator[FoldedStock]:
        for stock_id, group in groupby(entries_of(self._portfolio), key=attrgetter("stock")):
            entries = self._counted(group)
            position = Position(self._method, keeps_sales=False)
            try:
                # Rows without a stock are of cash alone.
                position.take(() if stock_id is None else entries)
            except Oversell as oversell:
                self.impossible.append(f"stock {stock_id}: {oversell}")
                stock_id = None
            with exactly():
                for _ in entries:
                    pass
            if stock_id is not None and self._newest is not None:
                yield FoldedStock(stock_id, position, self._newest)

    def _counted(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The same rows, counted and with what they do to cash, where arithmetic is exact."""
        cash, records_cash = self._cash, self._portfolio.records_cash
        for entry in entries:
            self.rows += 1
            self._newest = entry
            if records_cash:
                cash[entry.currency] += effect(entry)
            yield entry

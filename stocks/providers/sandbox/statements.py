"""Quarterly and annual statements of one company; its balance sheets add up and a year is its quarters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from stocks.providers.sandbox.filings import Books, quarters, years
from stocks.providers.sandbox.universe import Instrument
from stocks.providers.sandbox.venues import price
from stocks.types import StatementData


def statements(seed: int, instrument: Instrument, start: date, end: date) -> list[StatementData]:
    """Statements filed from ``start`` to ``end`` inclusive, oldest first."""
    if instrument.index:
        return []
    books = quarters(seed, [instrument], end)
    found = [
        *_filed(instrument, books, start, end, annual=False),
        *_filed(instrument, years([instrument], books), start, end, annual=True),
    ]
    return sorted(found, key=lambda statement: (statement.filed_on, statement.period_type))


def _filed(
    instrument: Instrument, books: Books, start: date, end: date, *, annual: bool
) -> Iterator[StatementData]:
    ends, filed_on = books.ends.astype(date).tolist(), books.filed_on[0].astype(date).tolist()
    for at, (last_day, filed) in enumerate(zip(ends, filed_on, strict=True)):
        if start <= filed <= end:
            yield StatementData(
                period_type="annual" if annual else "quarterly",
                fiscal_year=last_day.year,
                fiscal_quarter=None if annual else last_day.month // 3,
                period_end=last_day,
                filed_on=filed,
                currency=instrument.venue.currency,
                eps=price(int(books.eps[0, at]), instrument.venue.digits),
                shares_outstanding=int(books.shares[0, at]),
                basis_on=None,
                **{name: Decimal(int(amounts[0, at])) for name, amounts in books.lines.items()},
            )

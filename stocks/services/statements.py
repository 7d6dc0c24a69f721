"""Statements of providers on their way into the table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal

from stocks.models import Statement
from stocks.models.fields import MAX_MONEY, MAX_PRICE
from stocks.types import STATEMENT_LINES, StatementData

EARLIEST = date(1900, 1, 1)
_FIGURES = (*STATEMENT_LINES, "eps", "shares_outstanding")
_VALUES = [field.name for field in fields(StatementData)]
_COMPARED = ("period_end", "currency", *_FIGURES)
# The day of the shares says nothing by itself: as long as nothing differs, no split lay between the two days.
_WRITTEN = (*_COMPARED, "basis_on")
_STEP = Decimal(1).scaleb(-8)
_MAX_SHARES = 2**63 - 1


@dataclass(frozen=True, slots=True)
class StoredStatements:
    """What became of a stock's statements; ``differing`` contradict one of another source, which stays."""

    inserted: int = 0
    corrected: int = 0
    unchanged: int = 0
    differing: int = 0
    refused: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.inserted or self.corrected)


def store_statements(
    stock_id: int, statements: Iterable[StatementData], *, code: str, source: str, today: date
) -> StoredStatements:
    """Write what a provider says a company has filed, in the caller's transaction."""
    refused: list[str] = []
    given: dict[tuple[object, ...], StatementData] = {}
    for one in statements:
        if why := why_refused(one, today):
            refused.append(f"{code} {one.period_type} {one.fiscal_year} filed {one.filed_on}: {why}")
        else:
            given[_place(one)] = one
    stored = {_place(row): row for row in Statement.objects.filter(stock_id=stock_id)}
    fresh = [
        Statement(stock_id=stock_id, source=source, **{name: _value(one, name) for name in _VALUES})
        for place, one in given.items()
        if place not in stored
    ]
    corrected = unchanged = differing = 0
    for place in given.keys() & stored.keys():
        row, one = stored[place], given[place]
        if all(getattr(row, name) == _value(one, name) for name in _COMPARED):
            unchanged += 1
        elif row.source != source:
            differing += 1
        else:
            for name in _WRITTEN:
                setattr(row, name, _value(one, name))
            row.save(update_fields=_WRITTEN)
            corrected += 1
    Statement.objects.bulk_create(fresh)
    return StoredStatements(len(fresh), corrected, unchanged, differing, tuple(refused))


def why_refused(one: StatementData, today: date) -> str | None:
    """Why a statement cannot be true, or None."""
    if one.period_type not in Statement.PeriodType.values:
        return "neither annual nor quarterly"
    if (one.fiscal_quarter is None) != (one.period_type == Statement.PeriodType.ANNUAL):
        return "the quarter does not fit the period"
    if one.fiscal_quarter is not None and not 1 <= one.fiscal_quarter <= 4:
        return "no quarter of a year"
    if not EARLIEST <= one.filed_on <= today + timedelta(days=1):
        return "the filing date is out of range"
    if not EARLIEST.year <= one.fiscal_year <= today.year + 1:
        return "the fiscal year is out of range"
    if one.period_end is not None and not EARLIEST <= one.period_end <= one.filed_on:
        return "it was filed before its period ended"
    if not re.fullmatch(r"[A-Z]{3}", one.currency):
        return "no currency"
    figures = {name: getattr(one, name) for name in _FIGURES}
    if all(value is None for value in figures.values()):
        return "it has no figures"
    for name, value in figures.items():
        if value is not None and not _fits(name, value):
            return f"the {name.replace('_', ' ')} is out of range"
    return None


def _fits(name: str, value: Decimal | int) -> bool:
    if isinstance(value, int):
        return 0 < value <= _MAX_SHARES
    limit = MAX_PRICE if name == "eps" else MAX_MONEY
    return value.is_finite() and -limit < value < limit


def _place(one: StatementData | Statement) -> tuple[object, ...]:
    return one.period_type, one.fiscal_year, one.fiscal_quarter, one.filed_on


def _value(one: StatementData, name: str) -> object:
    value = getattr(one, name)
    return value.quantize(_STEP) if isinstance(value, Decimal) else value

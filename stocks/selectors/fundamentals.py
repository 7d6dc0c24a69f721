"""Filed statements of one stock, the newest filing of each period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from stocks.figures import ratio, rounded
from stocks.models import Statement, Stock

QUARTERS = 4


@dataclass(frozen=True, slots=True)
class Filed:
    """A statement and its return on equity in percent, None where unknown."""

    statement: Statement
    roe: Decimal | None


def stock_financials(stock: Stock, *, period_type: str, years: int) -> list[Filed]:
    """The statements of the last ``years`` fiscal years on file, newest first.

    A restatement replaces its original.
    Return on equity is net profit of the year (of the last four quarters for a quarterly statement) over the
    equity at the period's end; None where one is unknown or equity is not positive. Where it cannot be worked
    out, the figure published with the filing is given.
    """
    filings = (
        Statement.objects.filter(stock_id=stock.id, period_type=period_type)
        .order_by("-fiscal_year", "-fiscal_quarter", "-filed_on")
        .distinct("fiscal_year", "fiscal_quarter")
    )
    # One year more than asked for, because the oldest quarters need the three before them.
    newest = list(filings[: (years + 1) * (QUARTERS if period_type == Statement.PeriodType.QUARTERLY else 1)])
    if not newest:
        return []
    oldest_year = newest[0].fiscal_year - years + 1
    by_period = {_period(statement): statement for statement in newest}
    return [
        Filed(statement, _roe(statement, by_period))
        for statement in newest
        if statement.fiscal_year >= oldest_year
    ]


def _period(statement: Statement) -> int:
    """A number that rises by one from a quarter to the next, or from a year to the next."""
    if statement.fiscal_quarter is None:
        return statement.fiscal_year
    return statement.fiscal_year * QUARTERS + statement.fiscal_quarter - 1


def _roe(statement: Statement, by_period: Mapping[int, Statement]) -> Decimal | None:
    equity = statement.total_equity
    if equity is not None and equity <= 0:
        return None
    profit = _yearly_profit(statement, by_period)
    if profit is None or equity is None:
        return _published(statement.reported)
    return rounded(ratio(profit, equity) * 100, 4)


def _yearly_profit(statement: Statement, by_period: Mapping[int, Statement]) -> Decimal | None:
    if statement.fiscal_quarter is None:
        return statement.net_profit
    last = _period(statement)
    total = Decimal(0)
    for period in range(last - QUARTERS + 1, last + 1):
        quarter = by_period.get(period)
        if quarter is None or quarter.net_profit is None or quarter.currency != statement.currency:
            return None
        total += quarter.net_profit
    return total


def _published(reported: Mapping[str, Any]) -> Decimal | None:
    value = reported.get("roe") if isinstance(reported, Mapping) else None
    try:
        figure = Decimal(str(value)) if value is not None else None
    except InvalidOperation:
        return None
    return rounded(figure, 4) if figure is not None and figure.is_finite() else None

"""What a time made of a portfolio, what explains it, and what another stock made of the same days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from portfolios.maths.days import Day
from portfolios.maths.linking import Performance, performed
from portfolios.maths.returns import DayValue, Drawdown, daily_returns, deviation, max_drawdown
from portfolios.maths.story import Move
from portfolios.maths.valuation import Books, Gains, books, gains
from portfolios.models import Portfolio
from portfolios.money import times
from portfolios.selectors.rates import rates_by_day
from portfolios.selectors.series import Valuations, valuations_by_day
from portfolios.types import Method
from stocks.figures import ratio
from stocks.models import Stock
from stocks.selectors.history import stock_history
from stocks.types import Adjust, Interval

#: A benchmark begins with the close before the first day, which may lie a holiday back.
_BEFORE: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Another stock over the same days, its dividends put back into it; returns are fractions.

    ``total_return`` is in the base currency of the portfolio, the rest in the stock's own.
    """

    stock: Stock
    first: date | None = None
    last: date | None = None
    price_return: Decimal | None = None
    local_return: Decimal | None = None
    total_return: Decimal | None = None
    volatility: Decimal | None = None
    drawdown: Drawdown | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The performance from ``first`` to ``last``; None where the portfolio has no row by then.

    ``moves`` are the rows of the ledger behind the legs, by day, each with what it came to.
    """

    currency: str
    first: date | None
    last: date
    stocks: Mapping[int, Stock]
    benchmark: Benchmark | None
    warnings: list[str]
    start: Decimal | None = None
    end: Decimal | None = None
    performance: Performance | None = None
    gains: Gains | None = None
    moves: Mapping[date, Sequence[tuple[Move, Decimal | None]]] = field(default_factory=dict)


def performance_of(
    portfolio: Portfolio,
    *,
    method: Method,
    now: datetime,
    first: date | None = None,
    last: date | None = None,
    benchmark: Stock | None = None,
) -> Report:
    """The performance of a portfolio from ``first`` (its first row) to ``last`` (today), both included.

    ``benchmark`` comes with its market.
    """
    found = valuations_by_day(portfolio, now=now, first=first, last=last, method=method)
    days, start = found.since(first)
    compared, warnings = _benchmark(benchmark, found, days, now) if benchmark is not None else (None, [])
    if not days:
        return Report(found.currency, first, found.last, found.stocks, compared, warnings)
    begun = days[0].day
    done = performed(days, start=start, late=not portfolio.records_cash, broken=found.broken)
    moves: dict[date, list[tuple[Move, Decimal | None]]] = {}
    for move, amount in found.series.worth:
        if move.day >= begun:
            moves.setdefault(move.day, []).append((move, amount))
    return Report(
        currency=found.currency,
        first=begun,
        last=days[-1].day,
        stocks=found.stocks,
        benchmark=compared,
        warnings=[*found.warnings(begun), *warnings],
        start=start,
        end=days[-1].value,
        performance=done,
        gains=_gains(found, days, done),
        moves=moves,
    )


def _gains(found: Valuations, days: Sequence[Day], done: Performance) -> Gains:
    before_at = len(found.series.days) - len(days) - 1
    before = _books(found, before_at) if before_at >= 0 else Books()
    begun = days[0].day
    return gains(
        before,
        _books(found, len(found.series.days) - 1),
        total=done.gain,
        worth=[(move, amount) for move, amount in found.series.worth if move.day >= begun],
    )


def _books(found: Valuations, at: int) -> Books:
    one = found.series.days[at]
    return books(
        found.story,
        one.day,
        shares=one.shares,
        cash=one.cash,
        currencies=found.market.currencies,
        rates={currency: rates[at] for currency, rates in found.market.rates.items()},
    )


def _benchmark(
    stock: Stock, found: Valuations, days: Sequence[Day], now: datetime
) -> tuple[Benchmark, list[str]]:
    """From the close before the first of ``days``, or that of it where there is none, to the last close."""
    if not days:
        return Benchmark(stock), []
    first, last = days[0].day, days[-1].day
    total, split = (
        stock_history(stock, start=first - _BEFORE, end=last, interval=Interval.DAILY, adjust=one, now=now)
        for one in (Adjust.TOTAL, Adjust.SPLIT)
    )
    before = sum(bar.date < first for bar in total.bars)
    bars, raw = total.bars[max(0, before - 1) :], split.bars[max(0, before - 1) :]
    if len(bars) < 2:
        return Benchmark(stock), [f"No prices of {stock.code} are known for these days."]
    warnings = [*total.warnings]
    if not before:
        warnings.append(f"The prices of {stock.code} begin on {bars[0].date}.")
    if last - bars[-1].date > _BEFORE:
        warnings.append(f"The prices of {stock.code} end on {bars[-1].date}.")
    opening, closing = bars[0].close, bars[-1].close
    values = [DayValue(bar.date, bar.close) for bar in bars[1:]]
    returns = daily_returns(values, start=opening)
    then, at_end = rates_by_day([stock.currency], found.currency, days=[bars[0].date, bars[-1].date])[
        stock.currency
    ]
    if then is None or at_end is None:
        warnings.append(f"No rate of {stock.currency} in {found.currency} is known for {stock.code}.")
    return (
        Benchmark(
            stock=stock,
            first=bars[0].date,
            last=bars[-1].date,
            price_return=_change(raw[0].close, raw[-1].close),
            local_return=_change(opening, closing),
            total_return=_change(times(opening, then), times(closing, at_end)),
            volatility=None if returns is None else deviation([one for _, one in returns]),
            drawdown=max_drawdown(values, start=opening),
        ),
        warnings,
    )


def _change(before: Decimal | None, after: Decimal | None) -> Decimal | None:
    return None if not before or after is None else ratio(after, before) - 1

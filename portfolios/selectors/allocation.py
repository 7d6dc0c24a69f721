"""What a portfolio consists of now: by stock, sector, market and currency."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from portfolios.maths.valuation import weights
from portfolios.models import Portfolio
from portfolios.money import plus, times
from portfolios.selectors.rates import latest_rates
from portfolios.selectors.valuation import HeldStock, Valuation, valuations

#: What cash is called among stocks, sectors and markets.
CASH: Final = "CASH"
BY: Final[dict[str, Callable[[HeldStock], str]]] = {
    "stock": lambda stock: stock.code,
    "sector": lambda stock: stock.sector or "unknown",
    "market": lambda stock: stock.market,
    "currency": lambda stock: stock.currency,
}


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the portfolio in the base currency, and its weight in percent; None where unknown."""

    name: str
    title: str
    value: Decimal | None
    weight: Decimal | None


@dataclass(frozen=True, slots=True)
class Allocation:
    """Slices by each of ``BY``, the largest first; ``known`` is the sum that the weights are parts of."""

    currency: str
    value: Decimal | None
    known: Decimal
    slices: dict[str, list[Slice]]
    warnings: list[str]


def allocation_of(portfolio: Portfolio, *, now: datetime) -> Allocation:
    """The allocation at the latest prices and rates."""
    valuation = valuations([portfolio], now=now)[portfolio.pk]
    cash = _cash(valuation, now)
    parts: list[tuple[HeldStock | None, str, Decimal | None]] = [
        *((one.holding.stock, one.holding.stock.currency, one.base_value) for one in valuation.holdings),
        *((None, currency, value) for currency, value in cash.items()),
    ]
    return Allocation(
        currency=valuation.currency,
        value=valuation.value,
        known=plus(*(value for _, _, value in parts if value is not None)) or Decimal(0),
        slices={by: _slices(by, parts) for by in BY},
        warnings=valuation.warnings,
    )


def _cash(valuation: Valuation, now: datetime) -> dict[str, Decimal | None]:
    if not valuation.cash:
        return {}
    rates = latest_rates(valuation.cash.keys(), valuation.currency, now=now)
    return {currency: times(amount, rates.get(currency)) for currency, amount in valuation.cash.items()}


def _slices(by: str, parts: Iterable[tuple[HeldStock | None, str, Decimal | None]]) -> list[Slice]:
    """A slice of which a part is unknown has the sum of the others, so that weights are of what is known."""
    sums: dict[str, Decimal | None] = {}
    titles: dict[str, str] = {}
    for stock, currency, value in parts:
        if stock is None:
            name = currency if by == "currency" else CASH
            titles[name] = name if by == "currency" else "Cash"
        else:
            name = BY[by](stock)
            titles[name] = stock.name if by == "stock" else name
        before = sums.get(name)
        sums[name] = before if value is None else plus(before or Decimal(0), value)
    ordered = sorted(sums.items(), key=lambda pair: (pair[1] is None, -(pair[1] or Decimal(0)), pair[0]))
    found = weights([value for _, value in ordered])
    return [
        Slice(name, titles[name], value, weight) for (name, value), weight in zip(ordered, found, strict=True)
    ]

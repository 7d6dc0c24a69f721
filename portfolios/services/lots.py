"""The lots of a portfolio by any method: as they are stored, or folded from the same rows by another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from portfolios.maths.lots import Lot as FoldedLot
from portfolios.maths.lots import Position
from portfolios.models import Holding, Lot, Portfolio
from portfolios.services.folding import Folding
from portfolios.types import Method
from stocks.models import Stock
from stocks.selectors.prices import latest_prices


@dataclass(frozen=True, slots=True)
class StockLots:
    """A stock that is or was held; sums are in its currency, ``price`` is None where none is known."""

    stock: Stock
    quantity: Decimal
    cost: Decimal
    realized: Decimal
    income: Decimal
    lots: Sequence[Lot | FoldedLot]
    price: Decimal | None


def lots_of(portfolio: Portfolio, *, method: Method, now: datetime) -> list[StockLots]:
    """Every stock of the portfolio by its code, also those of which all is sold."""
    related = Holding.objects.select_related("stock__market", "stock__quote").order_by("stock__code")
    holdings = list(related.filter(portfolio=portfolio))
    prices = latest_prices([holding.stock for holding in holdings], now=now) if holdings else {}
    found: list[StockLots] = []
    stored: dict[UUID, list[Lot]] = {}
    positions: dict[int, Position] = {}
    if method != portfolio.method:
        positions = {one.stock_id: one.position for one in Folding(portfolio, method).stocks()}
    else:
        for lot in Lot.objects.filter(holding__portfolio=portfolio).order_by("opened_at", "sequence"):
            stored.setdefault(lot.holding_id, []).append(lot)
    for holding in holdings:
        price = prices.get(holding.stock_id)
        figures: Holding | Position = holding
        lots: Sequence[Lot | FoldedLot] = stored.get(holding.pk, [])
        if method != portfolio.method:
            if holding.stock_id not in positions:
                # Its only row was undone between the two reads.
                continue
            figures = positions[holding.stock_id]
            lots = figures.lots
        found.append(
            StockLots(
                stock=holding.stock,
                quantity=figures.quantity,
                cost=figures.cost,
                realized=figures.realized,
                income=figures.income,
                lots=lots,
                price=None if price is None else price.price,
            )
        )
    return found

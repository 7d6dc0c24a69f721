"""Sixty stocks full of ties, unknowns and extremes, in the database and as plain rows."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import numpy as np

from screening.grammar.tree import Condition
from screening.snapshot.evaluate import evaluate
from screening.snapshot.table import View
from screening.tests.naive import Row
from stocks.indicators.catalog import FIELDS, RECENT_FIELDS
from stocks.models import RecentIndicators
from stocks.tests.factories import StockFactory, indicators

#: Few, so that equal values abound; the last ones leave no room for arithmetic.
VALUES = [-1e12, -5.0, -0.5, 0.0, 0.1, 0.5, 1 / 3, 1.0, 5.0, 15.0, 1e12]
WILD = [1.7e308, -1.7e308, 1e300, 1e-300, 5e-324, -5e-324, 2.0**512, 2.0**-537]
MARKETS = ["KOSPI", "KOSDAQ", "NASDAQ"]
SECTORS = ["Technology", "Financials", ""]
#: What the random screens ask about; enough of both kinds to meet each other.
FIGURES = ("per_ttm", "pbr", "roe", "market_cap")
CROSSING = ("close_price", "sma_20", "sma_60", "rsi_14")
TODAY = date(2024, 11, 8)


def make_stocks(count: int = 60, *, wild: bool = True) -> list[Row]:
    """Store the stocks and return them as rows; without wild figures all of them can be shown."""
    chance = random.Random(20)
    return [_stock(number, chance, 0.1 if wild else 0.0) for number in range(count)]


def found_in_memory(tree: Condition, view: View) -> list[str]:
    """The codes that a tree finds in a view, in order."""
    return sorted(view.snapshot.text("code", at) for at in np.flatnonzero(evaluate(tree, view)).tolist())


def _stock(number: int, chance: random.Random, wild: float) -> Row:
    market = chance.choice(MARKETS)
    stock = StockFactory.create(
        code=f"S{number:02d}",
        name=f"Name {59 - number:02d}",
        market_id=market,
        sector=chance.choice(SECTORS),
        kind="etf" if number % 13 == 5 else "equity",
        currency="USD" if market == "NASDAQ" else "KRW",
    )
    texts = {name: getattr(stock, name) for name in ("code", "name", "sector", "kind", "currency")}
    row = Row({**texts, "market": market})
    if number % 10 == 0:
        return row
    row.figures = _figures(FIELDS, chance, wild)
    row.lags = number % 11 == 7
    day = TODAY - timedelta(days=200) if row.lags else TODAY
    indicators(stock, day=day.isoformat(), **row.figures)
    for _ in range(chance.choice([0, 1, 3, 6, 6, 6])):
        row.sessions.append(_figures(RECENT_FIELDS, chance, wild))
    RecentIndicators.objects.bulk_create(
        RecentIndicators(stock=stock, date=day - timedelta(days=back), number=100 - back, **session)
        for back, session in enumerate(row.sessions)
    )
    return row


def _figures(names: tuple[str, ...], chance: random.Random, wild: float) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in names:
        values = WILD if chance.random() < wild else VALUES
        figures[name] = chance.choice(values) if chance.random() < 0.75 else None
    return figures

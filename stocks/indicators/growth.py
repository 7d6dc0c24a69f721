"""Growth: the last period filed against the same period a year before."""

from __future__ import annotations

from stocks.indicators.filings import Fundamentals
from stocks.indicators.quotient import percent_change

_ITEMS = {
    "revenue_yoy": "revenue",
    "operating_profit_yoy": "operating_profit",
    "net_profit_yoy": "net_profit",
}


def growth(fundamentals: Fundamentals) -> dict[str, float]:
    """Year-on-year changes in percent by id; NaN where unknown or where the base is a loss or 0."""
    periods = fundamentals.periods or {}
    return {id_: percent_change(*periods.get(item, (None, None))) for id_, item in _ITEMS.items()}

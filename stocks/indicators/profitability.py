"""Profitability and stability: quotients of the statements alone."""

from __future__ import annotations

from stocks.indicators.filings import Fundamentals
from stocks.indicators.quotient import percent


def profitability(f: Fundamentals) -> dict[str, float]:
    """Returns and margins in percent by id; NaN where unknown or where the base is not above 0."""
    return {
        "roe": percent(f.net_profit, f.equity),
        "roa": percent(f.net_profit, f.assets),
        "operating_margin": percent(f.operating_profit, f.revenue),
        "net_margin": percent(f.net_profit, f.revenue),
    }


def stability(f: Fundamentals) -> dict[str, float]:
    """Leverage in percent by id; NaN where unknown or where equity is not above 0."""
    return {"liabilities_to_equity": percent(f.liabilities, f.equity)}

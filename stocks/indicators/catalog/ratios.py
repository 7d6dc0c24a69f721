"""Catalogue: the fundamental indicators of all groups, in catalogue order."""

from typing import Final

from stocks.indicators.catalog.dividend import DIVIDEND
from stocks.indicators.catalog.efficiency import EFFICIENCY
from stocks.indicators.catalog.entry import Indicator
from stocks.indicators.catalog.growth import GROWTH
from stocks.indicators.catalog.profitability import PROFITABILITY
from stocks.indicators.catalog.stability import STABILITY
from stocks.indicators.catalog.valuation import VALUATION

RATIOS: Final[tuple[Indicator, ...]] = (
    *VALUATION,
    *PROFITABILITY,
    *GROWTH,
    *STABILITY,
    *EFFICIENCY,
    *DIVIDEND,
)

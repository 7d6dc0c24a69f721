"""The fundamental indicators: vectorised formulas over statements, price, shares and dividends.

Amounts of a year are those of the trailing twelve months, balances those of the last period end filed, unless
a formula says otherwise. NaN is unknown, and so is every figure of which an input is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from stocks.indicators.bars import Array
from stocks.indicators.catalog.ratios import RATIOS
from stocks.indicators.company import Companies
from stocks.indicators.ratios.dividend import Dividends, dividend, dividends_on
from stocks.indicators.ratios.efficiency import efficiency
from stocks.indicators.ratios.growth import growth
from stocks.indicators.ratios.profitability import profitability
from stocks.indicators.ratios.stability import stability
from stocks.indicators.ratios.valuation import valuation

__all__ = ["RATIO_IDS", "Dividends", "dividends_on", "ratios"]

_GROUPS: Final[tuple[Callable[[Companies], dict[str, Array]], ...]] = (
    valuation,
    profitability,
    growth,
    stability,
    efficiency,
    dividend,
)
#: The ids of :func:`ratios`, in its order.
RATIO_IDS: Final[tuple[str, ...]] = tuple(entry.id for entry in RATIOS)


def ratios(companies: Companies) -> dict[str, Array]:
    """Every fundamental indicator by id, in the order of RATIO_IDS: one value a company, NaN where unknown.

    What comes out infinite, a quotient of numbers too far apart, is unknown too.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found = {id_: values for group in _GROUPS for id_, values in group(companies).items()}
    return {id_: np.where(np.isfinite(found[id_]), found[id_], np.nan) for id_ in RATIO_IDS}

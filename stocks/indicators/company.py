"""What the fundamental indicators are worked out from: n companies, each on the day of its last bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from stocks.indicators.bars import Array

if TYPE_CHECKING:
    from stocks.indicators.facts import Facts

#: Complete calendar years of dividends that :attr:`Companies.dividends` holds.
DIVIDEND_YEARS: Final = 51
#: Bars of five years, over which :attr:`Companies.average_close_5y` is the mean.
BARS_5Y: Final = 1260


@dataclass(frozen=True, slots=True)
class Companies:
    """n companies on one day each; every array has n rows, and NaN is unknown.

    Prices, shares and dividends are on the split basis of ``days``: a split after it has not happened, one
    before it has. Dividends are per share in ``currency``, all NaN where one was paid in another.

    Attributes:
        facts: what the statements filed and the ratios published by ``days`` say, in ``facts.currency``.
        days: ``datetime64[D]``, the day of the last bar.
        currency: of the prices, ISO 4217.
        close: the last close.
        shares: shares outstanding.
        average_close_5y: mean of the last BARS_5Y closes; NaN where there are fewer bars.
        dps_ttm: dividends with an ex-date in the 365 days up to the day. 0 where it is known that there was
            none; NaN where none is on file and nobody promises that every dividend would be.
        dividends: shape (n, DIVIDEND_YEARS), dividends by the calendar year of the ex-date: column 0 is the
            last year that is over, column 1 the one before. 0 and NaN as in ``dps_ttm``.
        ex_date_in: calendar days until the next ex-dividend date announced by the day; 0 is the day itself.
        dollars: US dollars that one unit of ``facts.currency`` is worth.
    """

    facts: Facts
    days: npt.NDArray[np.datetime64]
    currency: npt.NDArray[np.str_]
    close: Array
    shares: Array
    average_close_5y: Array
    dps_ttm: Array
    dividends: Array
    ex_date_in: Array
    dollars: Array

    def __len__(self) -> int:
        return len(self.close)

    @property
    def market_cap(self) -> Array:
        """close × shares outstanding, in ``currency``."""
        return self.close * self.shares

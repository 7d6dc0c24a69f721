"""Series with parameters of the asker's choice: ``rsi(7),sma(50),bbands(20,2).upper``.

The kernels are those of the catalogue, so ``rsi(14)`` is ``rsi_14`` to the last bit.
"""

from stocks.indicators.on_demand.asked import Asked, work_out
from stocks.indicators.on_demand.definition import Definition, Parameter
from stocks.indicators.on_demand.parse import MAX_SERIES, MAX_TEXT, SeriesError, parse
from stocks.indicators.on_demand.table import DEFINITIONS

__all__ = [
    "DEFINITIONS",
    "MAX_SERIES",
    "MAX_TEXT",
    "Asked",
    "Definition",
    "Parameter",
    "SeriesError",
    "parse",
    "work_out",
]

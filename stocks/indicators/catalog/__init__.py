"""The catalogue of indicators: what exists, and by which names it is asked for.

It imports no numpy: models and serializers are generated from it. The figures themselves are
worked out by the kernels beside it; a test holds the two to the same ids.
"""

from typing import Final

from stocks.indicators.catalog.composite import COMPOSITE
from stocks.indicators.catalog.entry import Group, Indicator, Unit, by_id
from stocks.indicators.catalog.oscillators import OSCILLATORS
from stocks.indicators.catalog.price import PRICE
from stocks.indicators.catalog.ratios import RATIOS
from stocks.indicators.catalog.risk import RISK
from stocks.indicators.catalog.trend import TREND
from stocks.indicators.catalog.volume import VOLUME

__all__ = [
    "ALIASES",
    "BASE_FIELDS",
    "CATALOG",
    "FIELDS",
    "INDICATORS",
    "RECENT_FIELDS",
    "SERIES_NAMES",
    "Group",
    "Indicator",
    "Unit",
    "resolve",
]

#: Every indicator, in catalogue order.
CATALOG: Final[tuple[Indicator, ...]] = (
    *RATIOS,
    *PRICE,
    *VOLUME,
    *TREND,
    *OSCILLATORS,
    *RISK,
    *COMPOSITE,
)
#: The same by id.
INDICATORS: Final[dict[str, Indicator]] = by_id(CATALOG)
#: Numbers stored and screened beside the indicators: the last close, and close × shares.
BASE_FIELDS: Final[tuple[str, ...]] = ("close_price", "market_cap")
#: Every numeric name that is stored per stock and can be screened and sorted by.
FIELDS: Final[tuple[str, ...]] = (*BASE_FIELDS, *INDICATORS)
_OF_BARS: Final = frozenset({"price", "volume", "trend", "oscillators", "risk"})
#: The ids that follow the bars of one stock and its market, session by session.
SERIES_NAMES: Final[tuple[str, ...]] = tuple(
    entry.id for entry in CATALOG if entry.group in _OF_BARS or entry.id in ("mom_12_1", "mom_6_1")
)
#: What is stored of the last few sessions too, so that crossings can be screened for.
RECENT_FIELDS: Final[tuple[str, ...]] = ("close_price", *SERIES_NAMES)
#: Other names of the same figures: alias → id.
ALIASES: Final[dict[str, str]] = {alias: entry.id for entry in CATALOG for alias in entry.aliases}


def resolve(name: str) -> str | None:
    """The stored field that a name or alias stands for, or None where there is none."""
    field = ALIASES.get(name, name)
    return field if field in INDICATORS or field in BASE_FIELDS else None

"""What stocks can be screened and sorted by."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from stocks.figures import from_float
from stocks.indicators.catalog import ALIASES, CATALOG, Group, Unit, resolve

#: Sorted by these, a screen is in alphabetical order.
TEXTS: Final = ("code", "name")
#: What every row of a screen tells, by the names clients know it by.
DEFAULT_COLUMNS: Final = ("close_price", "per", "pbr", "roe", "dividend_yield", "quality_score")

_ACRONYMS: Final = frozenset(
    {
        *("per", "pbr", "psr", "roe", "roa", "sma", "ema", "rsi", "macd", "bb", "atr", "hv", "cci", "mfi"),
        *("ptbv", "pcr", "peg", "ev", "ic", "ebit", "ebitda", "ocf", "fcf", "eps", "bps", "dps", "ncav"),
        *("roic", "roce", "rota", "cagr", "dio", "dso", "dpo", "sga"),
        *("obv", "cmf", "vwap"),
        *("wma", "hma", "adx", "roc", "trix", "ppo", "tsi"),
    }
)
_WORDS: Final = {
    "ttm": "(12 months)",
    "yoy": "year on year",
    "qoq": "quarter on quarter",
    "fwd": "(expected)",
    "stdev": "standard deviation",
    "rnd": "R&D",
    "3y": "3 years",
    "5y": "5 years",
    "avg": "average",
    "pct": "%",
    "pct_b": "%B",
    "dist": "distance from",
    "1d": "1 day",
    "1w": "1 week",
    "1m": "1 month",
    "3m": "3 months",
    "6m": "6 months",
    "1y": "1 year",
    "20d": "20 days",
    "60d": "60 days",
    "ytd": "year to date",
    "mtd": "month to date",
    "ath": "all-time high",
    "tr": "total return",
    "mdd": "maximum drawdown",
    "corr": "correlation with",
    "dev": "deviation",
    "rel": "relative",
    "52w": "52 weeks",
}
#: Names that do not read well word by word.
_LABELS: Final = {
    "p_fcf": "Price to FCF",
    "ncav_per_share": "NCAV per share",
    "altman_z": "Altman Z",
    "altman_z2": "Altman Z″",
    "piotroski_f": "Piotroski F",
    "beneish_m": "Beneish M",
    "ohlson_o": "Ohlson O",
    "ad_line": "A/D line",
    "var95_1d": "Value at risk 95 % 1 day",
    "mdd_days": "Maximum drawdown days",
    "sma_50_200_cross": "SMA 50 / 200 cross",
    "macd_hist": "MACD histogram",
    "di_plus": "+DI",
    "di_minus": "−DI",
    "psar": "Parabolic SAR",
    "stoch_k": "Stochastic %K",
    "stoch_d": "Stochastic %D",
    "stochrsi": "Stochastic RSI",
    "williams_r": "Williams %R",
    "ultimate_osc": "Ultimate oscillator",
    "awesome_osc": "Awesome oscillator",
    "bb_mid": "BB middle",
    "bb_pct_b": "BB %B",
    "linreg_slope_20": "Regression slope 20",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A number that every stock may have."""

    name: str
    label: str
    unit: Unit
    group: Group
    aliases: tuple[str, ...] = ()


def _label(name: str) -> str:
    if name in _LABELS:
        return _LABELS[name]
    words = [word.upper() if word in _ACRONYMS else _WORDS.get(word, word) for word in name.split("_")]
    text = " ".join(words)
    return text[0].upper() + text[1:]


#: Every field by its own name.
FIELDS: Final[dict[str, Field]] = {
    "close_price": Field("close_price", "Close price", unit="price", group="price"),
    "market_cap": Field("market_cap", "Market capitalisation", unit="money", group="valuation"),
    **{
        entry.id: Field(entry.id, _label(entry.id), entry.unit, entry.group, entry.aliases)
        for entry in CATALOG
    },
}
#: Every name a filter may use, aliases included.
NAMES: Final[tuple[str, ...]] = tuple(sorted({*FIELDS, *ALIASES}))


def column(name: str) -> str:
    """The stored column that a name of NAMES stands for."""
    field = resolve(name)
    if field is None:
        raise LookupError(f"{name!r} is no field")
    return field


def shown(field: str, value: float | None) -> Decimal | None:
    """A stored value as a reply shows it: a close exactly, money in whole units, the rest with 4 decimals."""
    if field == "close_price":
        return from_float(value, 8)
    return from_float(value, 0 if FIELDS[field].unit == "money" else 4)

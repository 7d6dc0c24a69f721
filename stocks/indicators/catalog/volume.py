"""Catalogue: volume and liquidity. Volumes are split-adjusted with the prices.

Bars carry no traded value: turnover is close × volume, an estimate. Suspended days have a volume of 0.
"""

from stocks.indicators.catalog.entry import Indicator, Unit

_AMIHUD = "Amihud, J. of Financial Markets 5 (2002) 31-56"
_TYPICAL = "typical price (high + low + close) / 3"


def _entry(
    id_: str,
    unit: Unit,
    formula: str,
    source: str,
    inputs: tuple[str, ...],
    min_bars: int,
    null: str = "",
) -> Indicator:
    return Indicator(
        id=id_,
        group="volume",
        unit=unit,
        formula=formula,
        source=source,
        inputs=inputs,
        min_bars=min_bars,
        null_rule="fewer bars than min_bars" + (f"; {null}" if null else ""),
    )


def _average(id_: str, bars: int) -> Indicator:
    formula = f"mean volume of the last {bars} bars, suspended days (0) included"
    return _entry(id_, "shares", formula, "TA-Lib SMA", ("volume",), bars)


VOLUME = (
    _entry("volume", "shares", "shares traded on the last bar", "the exchange's daily bar", ("volume",), 1),
    _average("volume_avg_20d", 20),
    _average("volume_avg_60d", 60),
    _entry(
        "volume_surge_pct",
        "percent",
        "(volume / volume of the bar before − 1) × 100",
        "rate of change of volume, TA-Lib ROC; the exchanges' lists of surging volume",
        ("volume",),
        2,
        "nothing was traded on the bar before",
    ),
    _entry(
        "rel_volume",
        "ratio",
        "volume / mean volume of the 20 bars before it (the bar itself is not part of its own base)",
        "Gervais, Kaniel & Mingelgrin, J. of Finance 56 (2001) 877-919 (a day against a reference period)",
        ("volume",),
        21,
        "nothing was traded on those 20 bars",
    ),
    _entry(
        "turnover_value",
        "money",
        "close × volume of the last bar",
        f"{_AMIHUD} (dollar volume)",
        ("close", "volume"),
        1,
    ),
    _entry(
        "turnover_avg_20d",
        "money",
        "mean of close × volume over the last 20 bars, suspended days (0) included",
        f"{_AMIHUD} (dollar volume)",
        ("close", "volume"),
        20,
    ),
    _entry(
        "turnover_ratio",
        "percent",
        "volume of the last bar / shares outstanding × 100",
        "Datar, Naik & Radcliffe, J. of Financial Markets 1 (1998) 203-219",
        ("volume", "shares_outstanding"),
        1,
        "shares unknown",
    ),
    _entry(
        "obv",
        "shares",
        "sum since the first bar on file of the volumes of bars that closed higher, less those that"
        " closed lower; it starts from the volume of the first bar, so only its changes tell",
        "Granville, New Key to Stock Market Profits (1963); TA-Lib OBV",
        ("close", "volume"),
        1,
    ),
    _entry(
        "obv_slope_20",
        "shares",
        "slope of the least-squares line through obv over the last 20 bars, shares per bar",
        "TA-Lib LINEARREG_SLOPE of OBV",
        ("close", "volume"),
        20,
    ),
    _entry(
        "mfi_14",
        "points",
        f"100 × rising / (rising + falling), the sums over 14 bars of {_TYPICAL} × volume where it rose"
        " and where it fell; unchanged bars count for neither",
        "Quong & Soudack, Stocks & Commodities 7 (1989); TA-Lib MFI",
        ("high", "low", "close", "volume"),
        15,
        "the typical price moved on no traded bar (0 / 0)",
    ),
    _entry(
        "cmf_20",
        "ratio",
        "sum over 20 bars of volume × ((close − low) − (high − close)) / (high − low) / sum of volume;"
        " −1 to 1; a bar without a range adds only its volume",
        "Chaikin money flow, StockCharts ChartSchool",
        ("high", "low", "close", "volume"),
        20,
        "nothing was traded on the 20 bars",
    ),
    _entry(
        "ad_line",
        "shares",
        "sum since the first bar on file of volume × ((close − low) − (high − close)) / (high − low);"
        " a bar without a range adds nothing; only its changes tell",
        "accumulation/distribution line, Chaikin; TA-Lib AD",
        ("high", "low", "close", "volume"),
        1,
    ),
    _entry(
        "vwap_20",
        "price",
        f"sum over 20 bars of {_TYPICAL} × volume / sum of volume",
        "Berkowitz, Logue & Noser, J. of Finance 43 (1988) 97-112 (on daily bars)",
        ("high", "low", "close", "volume"),
        20,
        "nothing was traded on the 20 bars",
    ),
    _entry(
        "amihud_20",
        "percent",
        "mean of |close / close before − 1| × 100 / (close × volume / 10⁹) over those of the last 20 bars"
        " with a volume: percent moved per 10⁹ of the currency traded",
        f"{_AMIHUD} (illiquidity; scaled by 10¹¹ where he uses 10⁶)",
        ("close", "volume"),
        21,
        "fewer than 10 of the 20 bars have a volume",
    ),
    _entry(
        "zero_volume_days_60",
        "count",
        "bars without a trade among the last 60",
        "Lesmond, Ogden & Trzcinka, Review of Financial Studies 12 (1999) 1113-1141 (after it)",
        ("volume",),
        60,
    ),
)

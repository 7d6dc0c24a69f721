"""Catalogue: volume and liquidity. Volumes are split-adjusted with the prices."""

from stocks.indicators.catalog.entry import Indicator

VOLUME = (
    Indicator(
        id="volume",
        group="volume",
        unit="shares",
        formula="shares traded on the last bar",
        source="the exchange's daily bar",
        inputs=("volume",),
        min_bars=1,
        null_rule="the bar has no volume",
    ),
    Indicator(
        id="volume_avg_20d",
        group="volume",
        unit="shares",
        formula="mean volume of the last 20 bars, suspended days (0) included",
        source="TA-Lib SMA",
        inputs=("volume",),
        min_bars=20,
        null_rule="fewer bars than min_bars, or one of them without a volume",
    ),
    Indicator(
        id="turnover_value",
        group="volume",
        unit="money",
        formula="close × volume of the last bar (an estimate: bars carry no traded value)",
        source="Amihud, J. of Financial Markets 5 (2002) 31-56 (dollar volume)",
        inputs=("close", "volume"),
        min_bars=1,
        null_rule="the bar has no volume",
    ),
)

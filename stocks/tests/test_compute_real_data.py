"""The real files beside the project: all KRX codes in one run, five checked with pandas; the S&P 500 too.

The expectations are worked out from the files themselves by another library and by other formulas; nothing of
the code under test takes part in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # pandas brings no types; only this test needs it
import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count

from stocks.compute import Summary, compute_indicators
from stocks.indicators.catalog import FIELDS
from stocks.models import DailyBar, LatestIndicators

pytestmark = pytest.mark.django_db

BARS = ("krx_daily_2023_2025.csv.gz", "krx_daily_2025_2026.csv.gz")
LISTING = "krx_listing_2026_03.csv"
STATEMENTS = "krx_fundamentals_2023_2025.csv"
#: A giant, three of other sizes and markets, and one that was suspended for 15 days and makes losses.
FIVE = ["005930", "000660", "035420", "247540", "071950"]
#: Least share of the stocks with bars that must have each figure.
COVERAGE = {
    "market_cap": 0.95,
    "rsi_14": 0.95,
    "change_1y": 0.9,
    "pbr": 0.7,
    "roe": 0.7,
    "quality_score": 0.65,
    "value_score": 0.65,
    "growth_score": 0.4,
    "momentum_score": 0.85,
}


@pytest.fixture(scope="module")
def krx(django_db_setup: None, django_db_blocker: Any, market_data_dir: Path) -> Iterator[Summary]:
    """The whole KRX market, loaded once by the project's own commands and taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_stocks", str(market_data_dir / LISTING))
        for name in BARS:
            call_command("load_prices", str(market_data_dir / name))
        call_command("load_statements", str(market_data_dir / STATEMENTS))
        yield compute_indicators()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def bars(market_data_dir: Path) -> pd.DataFrame:
    """Bars of the five codes from the files; a day that both hold counts as in the later file."""
    parts = [pd.read_csv(market_data_dir / name, dtype={"code": str}) for name in BARS]
    table = pd.concat([part[part.code.isin(FIVE)] for part in parts])
    table = table.drop_duplicates(["code", "date"], keep="last").sort_values(["code", "date"])
    halted = table.open == 0
    for column in ("open", "high", "low"):
        table[column] = table[column].astype(float).mask(halted, table.close)
    return table


def seeded(values: pd.Series, period: int, alpha: float) -> pd.Series:
    """A recursive average that begins with the mean of the first ``period`` known values."""
    known = values.dropna()
    begun = known.iloc[period - 1 :].astype(float).copy()
    begun.iloc[0] = known.iloc[:period].mean()
    return begun.ewm(alpha=alpha, adjust=False).mean().reindex(values.index)


def technicals(table: pd.DataFrame) -> dict[str, float]:
    close, high, low, volume = (table[name].astype(float) for name in ("close", "high", "low", "volume"))
    ema_12, ema_26 = (seeded(close, period, 2 / (period + 1)) for period in (12, 26))
    macd = ema_12 - ema_26
    signal = seeded(macd, 9, 0.2)
    change = close.diff().iloc[1:]
    gain, loss = (seeded(moves.clip(lower=0), 14, 1 / 14) for moves in (change, -change))
    span = pd.concat([high - low, (high - close.shift()).abs(), (low - close.shift()).abs()], axis=1).max(
        axis=1
    )
    atr = seeded(span.iloc[1:], 14, 1 / 14)
    deviation = close.rolling(20).std(ddof=0)
    mean = close.rolling(20).mean()
    back = {"1d": 1, "1w": 5, "1m": 21, "3m": 63, "6m": 126, "1y": 252}
    series = {
        **{f"change_{name}": close.pct_change(bars, fill_method=None) * 100 for name, bars in back.items()},
        **{f"sma_{period}": close.rolling(period).mean() for period in (5, 10, 20, 50, 60, 120, 200)},
        "mom_12_1": (close.shift(21) / close.shift(252) - 1) * 100,
        "mom_6_1": (close.shift(21) / close.shift(126) - 1) * 100,
        "high_52w": high.rolling(252).max(),
        "low_52w": low.rolling(252).min(),
        "dist_high_52w": (close / high.rolling(252).max() - 1) * 100,
        "dist_low_52w": (close / low.rolling(252).min() - 1) * 100,
        "volume": volume,
        "volume_avg_20d": volume.rolling(20).mean(),
        "turnover_value": close * volume,
        "ema_12": ema_12,
        "ema_26": ema_26,
        "macd": macd,
        "macd_signal": signal,
        "macd_hist": macd - signal,
        "rsi_14": 100 - 100 / (1 + gain / loss),
        "bb_upper": mean + 2 * deviation,
        "bb_mid": mean,
        "bb_lower": mean - 2 * deviation,
        "bb_pct_b": (close - mean + 2 * deviation) / (4 * deviation),
        "atr_14": atr,
        "atr_pct": atr / close * 100,
        "hv_20": np.log(close).diff().rolling(20).std() * np.sqrt(252) * 100,
        "close_price": close,
    }
    return {id_: float(values.iloc[-1]) for id_, values in series.items()}


def price_and_volume(table: pd.DataFrame) -> dict[str, float]:
    opened, close, high, low, volume = (
        table[name].astype(float) for name in ("open", "close", "high", "low", "volume")
    )
    before, change, money = close.shift(), close.diff(), close * volume
    typical = (high + low + close) / 3
    flow = typical * volume
    into, out_of = (flow.where(typical.diff() * sign > 0, 0.0).rolling(14).sum() for sign in (1, -1))
    balance = (np.sign(change).fillna(1.0) * volume).cumsum()
    pressed = (((close - low) - (high - close)) / (high - low)).fillna(0.0) * volume
    moved = (change / before).abs() * 100 / (money / 1e9)
    series = {
        "change_since_open": (close / opened - 1) * 100,
        "gap_pct": (opened / before - 1) * 100,
        "range_pct": (high - low) / before * 100,
        "days_since_high_52w": high.rolling(252).apply(lambda window: window[::-1].argmax(), raw=True),
        **{
            f"new_{side}_{name}": (values > values.shift().rolling(bars - 1).max()).astype(float)
            for side, values in {"high": high, "low": -low}.items()
            for name, bars in {"20d": 20, "52w": 252}.items()
        },
        "ath": high.cummax(),
        "dist_ath": (close / high.cummax() - 1) * 100,
        **{
            f"{side}_streak": went.astype(float).groupby((~went).cumsum()).cumsum()
            for side, went in {"up": change > 0, "down": change < 0}.items()
        },
        "volume_avg_60d": volume.rolling(60).mean(),
        "volume_surge_pct": volume.pct_change() * 100,
        "rel_volume": volume / volume.shift().rolling(20).mean(),
        "turnover_avg_20d": money.rolling(20).mean(),
        "obv": balance,
        "obv_slope_20": balance.rolling(20).apply(lambda window: np.polyfit(range(20), window, 1)[0]),
        "mfi_14": 100 * into / (into + out_of),
        "ad_line": pressed.cumsum(),
        "cmf_20": pressed.rolling(20).sum() / volume.rolling(20).sum(),
        "vwap_20": flow.rolling(20).sum() / volume.rolling(20).sum(),
        "amihud_20": moved.where(volume > 0).rolling(20, min_periods=10).mean(),
        "zero_volume_days_60": (volume == 0).astype(float).rolling(60).sum(),
    }
    return {id_: float(values.iloc[-1]) for id_, values in series.items()}


def risks(table: pd.DataFrame) -> dict[str, float]:
    close = table.close.astype(float)
    daily, yearly = close.pct_change(), np.sqrt(252)
    losses = (daily.clip(upper=0) ** 2).rolling(252).mean() ** 0.5
    year, fortnight = close.iloc[-252:].reset_index(drop=True), close.iloc[-14:]
    falls = year / year.cummax() - 1
    trough = falls.idxmin()
    series = {
        **{f"hv_{bars}": np.log(close).diff().rolling(bars).std() * yearly * 100 for bars in (60, 252)},
        "sharpe_252": daily.rolling(252).mean() / daily.rolling(252).std() * yearly,
        "sortino_252": daily.rolling(252).mean() / losses * yearly,
        "downside_dev_252": losses * yearly * 100,
        "var95_1d": -100 * daily.rolling(252).quantile(0.05),
    }
    return {
        **{id_: float(values.iloc[-1]) for id_, values in series.items()},
        "mdd_252": falls.min() * 100,
        "mdd_days": trough - year[: trough + 1][::-1].idxmax(),
        "ulcer_index": ((fortnight / fortnight.cummax() - 1) ** 2).mean() ** 0.5 * 100,
    }


def fundamentals(data: Path, code: str, close: float) -> dict[str, float | None]:
    listing = pd.read_csv(data / LISTING, dtype={"code": str}).set_index("code")
    filed = pd.read_csv(data / STATEMENTS, dtype={"stock_code": str}).set_index(
        ["stock_code", "analysis_year"]
    )
    now, before = filed.loc[(code, 2025)], filed.loc[(code, 2024)]
    cap = close * listing.loc[code].shares_outstanding

    def growth(item: str) -> float | None:
        return (now[item] / before[item] - 1) * 100 if before[item] > 0 else None

    return {
        "market_cap": cap,
        "per_ttm": cap / now.net_income if now.net_income > 0 else None,
        "pbr": cap / now.total_equity,
        "psr": cap / now.revenue,
        "earnings_yield": now.net_income / cap * 100,
        "book_yield": now.total_equity / cap * 100,
        "sales_yield": now.revenue / cap * 100,
        "roe": now.net_income / now.total_equity * 100,
        "roa": now.net_income / now.total_asset * 100,
        "operating_margin": now.op_income / now.revenue * 100,
        "net_margin": now.net_income / now.revenue * 100,
        "liabilities_to_equity": now.total_debt / now.total_equity * 100,
        "revenue_yoy": growth("revenue"),
        "operating_profit_yoy": growth("op_income"),
        "net_profit_yoy": growth("net_income"),
        "dividend_yield_ttm": None,
    }


@pytest.mark.parametrize("code", FIVE)
def test_a_real_stock_has_the_figures_that_pandas_finds(
    krx: Summary, bars: pd.DataFrame, market_data_dir: Path, code: str
):
    table = bars[bars.code == code].reset_index(drop=True)
    expected: dict[str, float | None] = {**technicals(table), **price_and_volume(table), **risks(table)}
    expected |= fundamentals(market_data_dir, code, close=float(table.close.iloc[-1]))
    found = LatestIndicators.objects.values("date", *FIELDS).get(stock__code=code)
    assert found.pop("date").isoformat() == table.date.iloc[-1]
    scores = {id_: found.pop(id_) for id_ in list(found) if id_.endswith("_score")}
    assert set(expected) <= set(found)
    for id_, value in expected.items():
        assert found[id_] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-6)), id_
    assert all(score is None or 0 <= score <= 100 for score in scores.values())


def test_all_codes_are_computed_in_one_run_and_most_have_every_figure(krx: Summary):
    with_bars = DailyBar.objects.values("stock_id").distinct().count()
    assert krx.computed == with_bars == LatestIndicators.objects.count()
    assert krx.computed > 2_600
    counts = LatestIndicators.objects.aggregate(**{f"n_{id_}": Count(id_) for id_ in COVERAGE})
    shares = {id_: counts[f"n_{id_}"] / krx.computed for id_ in COVERAGE}
    print("\ncoverage:", {id_: round(share, 3) for id_, share in shares.items()})
    assert [id_ for id_, least in COVERAGE.items() if shares[id_] < least] == []


def test_filed_ratios_agree_with_those_published_beside_them(krx: Summary, market_data_dir: Path):
    filed = pd.read_csv(market_data_dir / STATEMENTS, dtype={"stock_code": str, "rcept_dt": str})
    filed["rcept_dt"] = pd.to_datetime(filed.rcept_dt)
    rows = LatestIndicators.objects.exclude(roe=None).values_list(
        "stock__code", "date", "operating_margin", "liabilities_to_equity", "roe"
    )
    ours = pd.DataFrame(rows, columns=["stock_code", "date", "margin", "leverage", "return"])
    both = ours.merge(filed, on="stock_code")
    both = both[both.rcept_dt <= pd.to_datetime(both.date)]
    both = both.sort_values("rcept_dt").drop_duplicates("stock_code", keep="last")
    for our_name, published in (("margin", "op_margin"), ("leverage", "debt_ratio"), ("return", "roe")):
        pair = both[[our_name, published]].dropna().astype(float)
        agree = (pair[our_name] - pair[published]).abs() <= 0.0051
        # A handful of filings mix thousands and units of won, or publish a ratio of other years.
        assert len(pair) > 1_800 and agree.mean() > 0.98, published


def test_scores_spread_over_the_whole_scale(krx: Summary):
    rows = LatestIndicators.objects.exclude(momentum_score=None).values_list("momentum_score", flat=True)
    scores = np.array(rows, dtype=float)
    assert 0 <= scores.min() < 5 and 95 < scores.max() <= 100
    assert 45 < scores.mean() < 55


def test_published_figures_of_the_s_and_p_500_are_met(market_data_dir: Path):
    call_command("load_stocks", str(market_data_dir / "sp500_constituents.csv"))
    call_command("load_prices", str(market_data_dir / "sp500_daily_2013_2018.csv.gz"))
    file = market_data_dir / "sp500_fundamentals_2018_02.csv"
    call_command("load_statements", str(file), as_of="2018-02-08")
    compute_indicators()
    rows = LatestIndicators.objects.filter(date="2018-02-07").values("stock__code", *FIELDS)
    published = pd.read_csv(file).set_index("Symbol")
    both = published.join(pd.DataFrame(rows).set_index("stock__code").astype(float), how="inner")
    assert len(both) > 300

    # The file's two headings are swapped: its "52 Week Low" is the high.
    for ours, theirs in (("high_52w", "52 Week Low"), ("low_52w", "52 Week High")):
        assert ((both[ours] / both[theirs] - 1).abs() < 1e-6).mean() > 0.99, ours
    # The ratios were published at another day's price, so they move with it.
    moved = both.close_price / both.Price
    earning = both["Earnings/Share"] > 0
    assert (both.per_ttm.notna() == earning).all()
    expected = {
        "per_ttm": (both.close_price / both["Earnings/Share"]).where(earning),
        "pbr": both["Price/Book"] * moved,
        "psr": both["Price/Sales"] * moved,
        "market_cap": both["Market Cap"] * moved,
        "dividend_yield_ttm": both["Dividend Yield"] / moved,
    }
    for id_, values in expected.items():
        np.testing.assert_allclose(both[id_], values, rtol=1e-6, err_msg=id_)

"""Fifty real companies, evening after evening: each computed after the last, against all computed at once.

`STOCKROOM_EVENINGS` says how many evenings (25 where it says nothing).
"""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection

from stocks.compute import compute_indicators, figures_as_of
from stocks.compute.adjusting import adjusted_bars
from stocks.compute.levels import stored_levels
from stocks.compute.market import MarketBars, stocks_of
from stocks.indicators.catalog import FIELDS, RECENT_FIELDS
from stocks.indicators.series import series
from stocks.models import DailyBar, LatestIndicators, RecentIndicators, Stock
from stocks.tests.compute_cases import all_rows
from stocks.tests.test_compute_sessions import recent_rows

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]

STOCKS = 50
#: The law is of 250 evenings; so many take two minutes.
EVENINGS = int(os.environ.get("STOCKROOM_EVENINGS", "25"))
BARS = ("krx_daily_2023_2025.csv.gz", "krx_daily_2025_2026.csv.gz")


@pytest.fixture
def market(market_data_dir: Path, tmp_path: Path) -> list[date]:
    """Fifty codes of both markets, and the last of their days."""
    call_command("load_stocks", str(market_data_dir / "krx_listing_2026_03.csv"))
    codes = _codes(market_data_dir / BARS[1])
    for name in BARS:
        call_command("load_prices", str(_cut(market_data_dir / name, tmp_path / name, codes)))
    call_command("load_statements", str(market_data_dir / "krx_fundamentals_2023_2025.csv"))
    days = DailyBar.objects.order_by("-date").values_list("date", flat=True).distinct()
    return sorted(days[:EVENINGS])


def _codes(file: Path) -> set[str]:
    """Fifty codes from the whole list that have a bar on nearly every day, halted ones among them."""
    with gzip.open(file, "rt") as lines:
        counts = Counter(line.partition(",")[0] for line in lines)
    found = sorted(code for code, bars in counts.items() if bars >= 250)
    return set(found[:: len(found) // STOCKS][:STOCKS])


def _cut(file: Path, target: Path, codes: set[str]) -> Path:
    with gzip.open(file, "rt") as lines, gzip.open(target, "wt") as out:
        out.write(next(lines))
        out.writelines(line for line in lines if line.partition(",")[0] in codes)
    return target


def _evenings(days: list[date]) -> Iterator[tuple[date, dict[int, dict[str, Any]]]]:
    """Take the bars of the days away, and give them back day by day, each with what is then stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE later ON COMMIT DROP AS SELECT * FROM stocks_dailybar WHERE date >= %s",
            [days[0]],
        )
        cursor.execute("DELETE FROM stocks_dailybar WHERE date >= %s", [days[0]])
        compute_indicators()
        for day in days:
            cursor.execute("INSERT INTO stocks_dailybar SELECT * FROM later WHERE date = %s", [day])
            compute_indicators()
            rows = LatestIndicators.objects.filter(date=day).values("stock_id", *FIELDS)
            yield day, {row.pop("stock_id"): row for row in rows}


def test_evenings_one_by_one_are_all_of_them_at_once(market: list[date]):
    evenings = dict(_evenings(market))
    assert len(evenings) == EVENINGS and sum(map(len, evenings.values())) > 40 * EVENINGS

    step_by_step = all_rows(), recent_rows()
    compute_indicators(anew=True)
    assert (all_rows(), recent_rows()) == step_by_step
    LatestIndicators.objects.all().delete()
    RecentIndicators.objects.all().delete()
    compute_indicators(anew=True)
    assert (all_rows(), recent_rows()) == step_by_step

    compared = 0
    for code in ("KOSPI", "KOSDAQ", "KONEX"):
        compared += _compare_series(code, evenings)
    assert compared > 40 * EVENINGS * 100

    # Filings and ranks as well, on a day of each month.
    for day in market[::21]:
        for code in ("KOSPI", "KOSDAQ"):
            found = figures_as_of(code, day)
            for row, stock in enumerate(found.stocks.tolist()):
                if found.days[row].astype(date) == day:
                    stored = np.array(list(evenings[day][stock].values()), dtype=np.float64)
                    np.testing.assert_array_equal(found.values[row], stored, err_msg=f"{stock} on {day}")


def _compare_series(market: str, evenings: dict[date, dict[int, dict[str, Any]]]) -> int:
    """Every stored figure that follows bars, with the series over the whole history; says how many."""
    bars = MarketBars(market, stocks_of(market), anew=True, keeps=False)
    levels = stored_levels(market)
    compared = 0
    for chunk in bars.reader:
        for raw in chunk:
            stock: Stock = bars.stocks[raw.stock_id]
            actions = bars.actions.get(raw.stock_id, ())
            shares = float("nan") if stock.shares_outstanding is None else float(stock.shares_outstanding)
            whole = series(
                adjusted_bars(
                    raw,
                    actions,
                    currency=stock.currency,
                    lists_all_dividends=False,
                    shares=shares,
                    levels=levels,
                )
            )
            days = raw.days.astype(object).tolist()
            for place, day in enumerate(days):
                if day in evenings and raw.stock_id in evenings[day]:
                    stored = evenings[day][raw.stock_id]
                    for name in RECENT_FIELDS[1:]:
                        value = whole[name][place]
                        assert stored[name] == (None if not np.isfinite(value) else value), (
                            stock.code,
                            day,
                            name,
                        )
                        compared += 1
    return compared

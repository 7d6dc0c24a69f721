"""The real listings, bars and fundamentals."""

import csv
import gzip
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Count

from stocks.models import CorporateAction, DailyBar, FundamentalSnapshot, Statement, Stock
from stocks.tests.loading_cases import counts, load, report_rows, version

pytestmark = pytest.mark.django_db

OLDER, NEWER = "krx_daily_2023_2025.csv.gz", "krx_daily_2025_2026.csv.gz"
SP500 = "sp500_daily_2013_2018.csv.gz"
LISTINGS = ["krx_listing_2026_03.csv", "sp500_constituents.csv", "sp500_fundamentals_2018_02.csv"]
STATEMENTS = [
    *["krx_fundamentals_2023_2025.csv", "sp500_fundamentals_2018_02.csv", "sp500_fundamentals_2026_08.csv"]
]
Row = tuple[str, str, Decimal | None, Decimal | None, Decimal | None, Decimal, int]


def test_every_file_loads_with_every_refusal_explained_and_a_second_run_changes_nothing(
    market_data_dir, tmp_path
):
    listings = {name: load("load_stocks", market_data_dir / name) for name in LISTINGS}
    assert [counts(summary) for summary in listings.values()] == [
        (2879, 0, 0, 0),
        (503, 0, 0, 0),
        (150, 0, 355, 0),
    ]
    by_market = Stock.objects.values_list("market_id", "segment").annotate(Count("id")).order_by()
    assert {(market, segment): number for market, segment, number in by_market} == {
        ("KOSPI", ""): 951,
        ("KOSDAQ", ""): 1766,
        ("KOSDAQ", "GLOBAL"): 52,
        ("KONEX", ""): 110,
        ("US", ""): 653,
    }

    prices = {}
    for name in (OLDER, NEWER, SP500):
        report = tmp_path / f"{name}.refused.csv"
        prices[name] = load("load_prices", market_data_dir / name, "--report", str(report))
        listed = set(Stock.objects.values_list("code", flat=True))
        good, refused = expected(market_data_dir / name, listed)
        assert {line for line, _, _ in report_rows(report)} == refused
        assert prices[name]["rows_in"] == good + len(refused)
    assert counts(prices[OLDER]) == (960_227, 0, 0, 26_071)
    assert prices[OLDER]["reasons"] == {"unknown code": 25_986, "the high is below the close": 85}
    assert prices[NEWER]["rows_in"] == 454_083
    assert prices[NEWER]["refused"] == 46
    assert prices[NEWER]["rounded"] == 8_094
    assert (prices[SP500]["rows_in"], prices[SP500]["refused"]) == (619_040, 15)
    inserted = sum(summary["inserted"] for summary in prices.values())
    assert DailyBar.objects.count() == inserted

    assert prices[NEWER]["rebased"] == 172
    assert prices[NEWER]["unjoined_codes"] == ["418250"]
    assert CorporateAction.objects.filter(kind="rebase").count() == 172
    # The exchange lets no price move by more than 30 % a day.
    assert max(jumps_at_rebases()) <= Decimal("0.3")

    statements = {name: load("load_statements", market_data_dir / name) for name in STATEMENTS}
    assert [counts(summary) for summary in statements.values()] == [
        (6187, 0, 0, 5),
        (505, 0, 0, 0),
        (473, 0, 0, 30),
    ]
    assert [summary.get("dividend_yield_in_file") for summary in statements.values()] == [
        *[None, "percent", "fraction"]
    ]
    assert Statement.objects.count() == 6187
    apple = FundamentalSnapshot.objects.filter(stock__code="AAPL")
    assert set(apple.values_list("as_of", flat=True)) == {date(2018, 2, 28), date(2026, 8, 31)}
    assert all(Decimal("0.1") < snapshot.dividend_yield < 3 for snapshot in apple)
    assert not FundamentalSnapshot.objects.extra(where=["high_52w < low_52w"]).exists()

    before = version()
    for command, names in (("load_stocks", LISTINGS), ("load_statements", STATEMENTS)):
        for name in names:
            assert "skipped" in load(command, market_data_dir / name)
            again = load(command, market_data_dir / name, "--force")
            assert (again["inserted"], again["updated"]) == (0, 0)
    for name in (OLDER, NEWER, SP500):
        assert "skipped" in load("load_prices", market_data_dir / name)
    again = load("load_prices", market_data_dir / NEWER, "--force")
    assert (again["inserted"], again["updated"], again["rebased"]) == (0, 0, 0)
    assert version() == before


def expected(path: Path, listed: set[str]) -> tuple[int, set[int]]:
    """How many rows are bars and the lines of those that are none, told row by row without the loader."""
    good = 0
    refused = set()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for line, (code, _, *prices, _) in enumerate(rows, 2):
            idle = prices[:3] in (["0", "0", "0"], ["", "", ""])
            if code in listed and (idle or is_bounded(*prices)):
                good += 1
            else:
                refused.add(line)
    return good, refused


def is_bounded(*prices: str) -> bool:
    # All prices of these files are exact enough as floats to be compared with each other.
    if "" in prices:
        return False
    open_, high, low, close = (float(price) for price in prices)
    return 0 < low <= min(open_, close) and max(open_, close) <= high


def jumps_at_rebases() -> Iterator[Decimal]:
    """Of each rebase the change of the close on its day, the close before it brought to the new basis."""
    for rebase in CorporateAction.objects.filter(kind="rebase"):
        assert rebase.ratio is not None
        bars = DailyBar.objects.filter(stock_id=rebase.stock_id).order_by("date")
        before = bars.filter(date__lt=rebase.ex_date).last()
        after = bars.filter(date__gte=rebase.ex_date).first()
        assert before is not None
        assert after is not None
        yield abs(after.close * rebase.ratio / before.close - 1)


def bars_in(path: Path, codes: set[str]) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for code, day, *prices, volume in rows:
            if code in codes:
                open_, high, low, close = (Decimal(price) for price in prices)
                idle = open_ == high == low == 0
                span = (None, None, None) if idle else (open_, high, low)
                yield code, day, *span, close, int(volume)


def test_bars_are_stored_to_the_last_decimal_of_the_file(market_data_dir, tmp_path):
    codes = {"AAPL", "BRK.B", "ZTS"}
    part = tmp_path / "part.csv"
    with gzip.open(market_data_dir / SP500, "rt") as file:
        part.write_text("".join(line for line in file if line.partition(",")[0] in {"code", *codes}))
    load("load_prices", part, "--create-missing", "--market", "US")
    stored = DailyBar.objects.order_by("stock__code", "date").values_list(
        *["stock__code", "date", "open", "high", "low", "close", "volume"]
    )
    assert [(code, day.isoformat(), *rest) for code, day, *rest in stored] == sorted(
        bars_in(market_data_dir / SP500, codes)
    )
    assert len(stored) > 3000

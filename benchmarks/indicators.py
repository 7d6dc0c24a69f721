"""How fast all indicators of a whole market are worked out: read, computed and written, in one process.

    python benchmarks/indicators.py [--quick]

The KRX market is loaded by the project's own commands into a database of its own, on DATABASE_URL or on
embedded servers that end with the program; where `../shared/data` is absent it is the sandbox market. The
last session of the market is then set aside. A round computes everything anew from the bars, with nothing
kept to save time; adds the last session; and computes once more, as a worker does each evening. In the end
all is computed anew again, and must be to the last bit what is stored. A bare loop of TA-Lib runs over the
same arrays. The last line is a JSON object: `seconds`, `increment_seconds`, `ratio_to_talib` (the first over
the loop's) and what they were measured on, medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench_servers import fresh_environment, manage
from first_codes import first_codes

PROJECT = Path(__file__).resolve().parent.parent
DATA = PROJECT.parent / "shared" / "data"
LISTING, STATEMENTS = "krx_listing_2026_03.csv", "krx_fundamentals_2023_2025.csv"
BARS = ("krx_daily_2023_2025.csv.gz", "krx_daily_2025_2026.csv.gz")
ROUNDS = 3
#: Every figure of TA-Lib that the catalogue has too, with the periods of the catalogue.
CLOSE_ONLY: tuple[tuple[str, dict[str, int]], ...] = (
    *(("SMA", {"timeperiod": n}) for n in (5, 10, 20, 50, 60, 120, 200)),
    *(("EMA", {"timeperiod": n}) for n in (9, 12, 20, 26, 50, 200)),
    ("WMA", {"timeperiod": 20}),
    ("MACD", {}),
    *(("RSI", {"timeperiod": n}) for n in (2, 7, 14)),
    ("STOCHRSI", {}),
    *(("ROC", {"timeperiod": n}) for n in (1, 5, 12, 21, 63, 126, 252)),
    ("MOM", {"timeperiod": 10}),
    ("TRIX", {"timeperiod": 15}),
    ("PPO", {}),
    ("BBANDS", {"timeperiod": 20}),
    ("LINEARREG_SLOPE", {"timeperiod": 20}),
    *(("STDDEV", {"timeperiod": n}) for n in (20, 60, 252)),
)
HIGH_LOW: tuple[tuple[str, dict[str, int]], ...] = (
    ("SAR", {}),
    ("AROON", {"timeperiod": 14}),
    ("MIDPRICE", {"timeperiod": 9}),
    ("MIDPRICE", {"timeperiod": 26}),
    ("MIDPRICE", {"timeperiod": 52}),
)
HIGH_LOW_CLOSE: tuple[tuple[str, dict[str, int]], ...] = (
    ("ADX", {"timeperiod": 14}),
    ("PLUS_DI", {"timeperiod": 14}),
    ("MINUS_DI", {"timeperiod": 14}),
    ("ATR", {"timeperiod": 14}),
    ("STOCH", {}),
    ("CCI", {"timeperiod": 20}),
    ("WILLR", {"timeperiod": 14}),
    ("ULTOSC", {}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the whole market, but once only")
    parser.add_argument("--rounds", type=int, help="so many measurements")
    parser.add_argument("--codes", type=int, help="only the first so many codes")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch,
        fresh_environment(Path(scratch), MARKET_DATA="none" if DATA.is_dir() else "sandbox"),
    ):
        _load(Path(scratch), options.codes)
        print(json.dumps(_measure(options.rounds or (1 if options.quick else ROUNDS))))


def _load(scratch: Path, codes: int | None) -> None:
    if not DATA.is_dir():
        print("the real files are absent: the sandbox market", file=sys.stderr)
        manage(("migrate", "-v0"), ("load_sandbox",))
        return
    manage(
        ("migrate", "-v0"),
        ("load_stocks", str(DATA / LISTING)),
        *(("load_prices", str(first_codes(DATA / name, scratch, codes))) for name in BARS),
        ("load_statements", str(DATA / STATEMENTS)),
    )


def _measure(rounds: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.db import connection

    from stocks.compute import compute_indicators
    from stocks.indicators.catalog import CATALOG
    from stocks.models import DailyBar, LatestIndicators

    with connection.cursor() as cursor:
        # Real files end with days on which only some stocks have a bar; these are left out.
        cursor.execute(
            "WITH days AS (SELECT date, count(*) AS bars FROM stocks_dailybar GROUP BY date)"
            " SELECT max(date) FROM days WHERE bars >= 0.9 * (SELECT bars FROM days"
            " ORDER BY date DESC OFFSET 60 LIMIT 1)"
        )
        last = cursor.fetchone()
        cursor.execute("DELETE FROM stocks_dailybar WHERE date > %s", last)
        cursor.execute("CREATE TABLE bench_last AS SELECT * FROM stocks_dailybar WHERE date = %s", last)
    whole: list[float] = []
    increment: list[float] = []
    for number in range(rounds):
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM stocks_dailybar USING bench_last AS last WHERE stocks_dailybar.stock_id ="
                " last.stock_id AND stocks_dailybar.date = last.date"
            )
            cursor.execute(
                "TRUNCATE stocks_latestindicators, stocks_recentindicators, stocks_packedbars,"
                " stocks_marketlevel, stocks_indicatorstate"
            )
            cursor.execute("VACUUM ANALYZE")
        before = compute_indicators(anew=True)
        whole.append(before.seconds)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO stocks_dailybar SELECT * FROM bench_last")
        after = compute_indicators()
        increment.append(after.seconds)
        print(
            f"round {number + 1}: {before.computed} stocks anew {before.seconds:.2f} s, one more session"
            f" {after.seconds:.2f} s",
            file=sys.stderr,
        )
    again = compute_indicators(anew=True)
    if again.unchanged != again.computed:
        sys.exit(f"computed anew {again.updated} stocks differ from what the increment left")
    bars = DailyBar.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_last")
        (new_bars,) = cursor.fetchone()
    talib_seconds, outputs = _bare_talib()
    seconds = statistics.median(whole)
    return {
        "seconds": round(seconds, 3),
        "ratio_to_talib": round(seconds / talib_seconds, 2),
        "increment_seconds": round(statistics.median(increment), 3),
        "talib_seconds": round(talib_seconds, 3),
        "talib_outputs": outputs,
        "ids": len(CATALOG),
        "stocks": LatestIndicators.objects.count(),
        "bars": bars,
        "new_bars": new_bars,
        "rounds": rounds,
        "loadavg": round(os.getloadavg()[0], 2),
    }


def _bare_talib() -> tuple[float, int]:
    """The time of a loop over all stocks, and how many series it gives of each."""
    import numpy as np
    import talib

    from stocks.compute.reading import BarReader
    from stocks.models import Stock

    ids = list(Stock.objects.order_by("id").values_list("id", flat=True))
    arrays = [
        [np.ascontiguousarray(column) for column in np.where(np.isnan(raw.ohlcv), raw.ohlcv[3], raw.ohlcv)]
        for chunk in BarReader(ids, packs=False, keeps=False)
        for raw in chunk
    ]
    started = time.perf_counter()
    for _, high, low, close, volume in arrays:
        outputs = 0
        for names, given in ((CLOSE_ONLY, (close,)), (HIGH_LOW, (high, low))):
            outputs += _run(names, given)
        outputs += _run(HIGH_LOW_CLOSE, (high, low, close))
        talib.OBV(close, volume)
        talib.AD(high, low, close, volume)
        talib.MFI(high, low, close, volume, timeperiod=14)
        for period in (20, 252):
            talib.MAX(high, timeperiod=period)
            talib.MIN(low, timeperiod=period)
        outputs += 7
    return time.perf_counter() - started, outputs


def _run(calls: Sequence[tuple[str, dict[str, int]]], given: Sequence[Any]) -> int:
    import talib

    outputs = 0
    for name, options in calls:
        found = getattr(talib, name)(*given, **options)
        outputs += len(found) if isinstance(found, tuple) else 1
    return outputs


if __name__ == "__main__":
    main()

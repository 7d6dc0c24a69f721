"""How fast `load_prices` is against a bare COPY of the same rows into an identical table.

    python benchmarks/load_prices.py [--quick]

Runs on DATABASE_URL in a database of its own, or on embedded servers that end with the program. The file is
`../shared/data/krx_daily_2023_2025.csv.gz` where it exists, else an invented one of the same size. Each round
measures both, in turns; the load is a process of its own, measured by the `seconds` of its summary. The last
line is a JSON object: `rows_per_s`, `ratio_to_copy`, `identical_seconds`, `peak_rss_mb` (the largest of all
loads) and the medians behind them.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import itertools
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from config.embedded import EmbeddedServers  # noqa: E402 - the project is on the path only now

REAL_FILE = PROJECT.parent / "shared" / "data" / "krx_daily_2023_2025.csv.gz"
ROWS, QUICK_ROWS = 986_298, 200_000
ROUNDS, QUICK_ROUNDS = 3, 3
PIECE_BYTES = 1024 * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"the first {QUICK_ROWS:,} rows only")
    parser.add_argument("--rows", type=int, help="so many rows")
    parser.add_argument("--rounds", type=int, help="so many measurements of each")
    options = parser.parse_args()
    rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    with tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch, _environment(Path(scratch)):
        file = _file(Path(scratch), rows)
        print(json.dumps(_measure(file, Path(scratch), rounds)))


@contextlib.contextmanager
def _environment(scratch: Path) -> Iterator[None]:
    """Point the environment at a fresh database, which is dropped in the end."""
    servers: Any = contextlib.nullcontext()
    if not os.environ.get("DATABASE_URL"):
        servers = EmbeddedServers(scratch / "state", valkey=False, temporary=True)
    with servers as services:
        given = services.database_url if services else os.environ["DATABASE_URL"]
        name = f"stockroom_bench_{os.getpid()}"
        with psycopg.connect(given, autocommit=True) as connection:
            template = os.environ.get("BENCH_TEMPLATE", "template1")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            try:
                os.environ |= {
                    "DATABASE_URL": urlsplit(given)._replace(path=f"/{name}").geturl(),
                    "REDIS_URL": os.environ.get("REDIS_URL") or "redis://127.0.0.1:1/0",
                    "STATE_DIR": str(scratch / "state"),
                    "MARKET_DATA": "none",
                    "DJANGO_SETTINGS_MODULE": "config.settings",
                }
                _manage("migrate", "-v0")
                yield
            finally:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        if services:
            print("embedded servers, fsync on", file=sys.stderr)


def _file(scratch: Path, rows: int) -> Path:
    """The real file where it is and all of it is wanted, else its first rows, else invented ones."""
    if REAL_FILE.is_file() and rows >= ROWS:
        return REAL_FILE
    path = scratch / "bars.csv.gz"
    with gzip.open(path, "wt", compresslevel=6) as out:
        if REAL_FILE.is_file():
            with gzip.open(REAL_FILE, "rt") as lines:
                out.writelines(itertools.islice(lines, rows + 1))
        else:
            print("the real file is absent: invented rows", file=sys.stderr)
            out.writelines(itertools.islice(_invented(), rows + 1))
    return path


def _invented() -> Iterator[str]:
    yield "code,date,open,high,low,close,volume\n"
    for code in itertools.count(1):
        price = 5_000 + code * 37 % 90_000
        for day in range(360):
            price = max(100, price + (code * 7919 + day * 104_729) % 401 - 200)
            session = date(2023, 12, 5) + timedelta(days=day)
            yield f"{code:06d},{session},{price},{price + 90},{price - 80},{price + 10},{price * 17}\n"


def _measure(file: Path, scratch: Path, rounds: int) -> dict[str, float | int]:
    loads: list[float] = []
    copies: list[float] = []
    again: list[float] = []
    sizes: list[float] = []
    text = scratch / "bars.txt"
    # In a process of its own: a child's peak memory counts what its parent held when it was started.
    preparation = multiprocessing.get_context("spawn").Process(target=_prepare, args=(file, text))
    preparation.start()
    preparation.join()
    if preparation.exitcode:
        sys.exit("the preparation failed")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        for number in range(rounds):
            connection.execute("TRUNCATE stocks_dailybar, stocks_loadedfile")
            connection.execute("TRUNCATE bare")
            for work in ("copy", "load") if number % 2 else ("load", "copy"):
                if work == "copy":
                    copies.append(_bare_copy(connection, text))
                else:
                    summary, size = _load(file)
                    loads.append(summary["seconds"])
                    sizes.append(size)
            repeated, size = _load(file)
            again.append(repeated["seconds"])
            assert "skipped" in repeated
            _same_rows(connection)
        forced, size = _load(file, "--force")
        sizes.append(size)
        rows = summary["rows_in"]
    load, copy = statistics.median(loads), statistics.median(copies)
    print(f"{'':26}{'seconds':>10}{'rows/s':>12}   of {rows:,} rows, median of {rounds}")
    for label, seconds in (
        ("bare COPY", copy),
        ("load_prices", load),
        ("changed nothing", forced["seconds"]),
    ):
        print(f"{label:26}{seconds:>10.3f}{rows / seconds:>12,.0f}")
    print(f"{'the same file again':26}{statistics.median(again):>10.3f}")
    print(f"{'ratio to COPY':26}{copy / load:>10.2f}   of each round " + _each(copies, loads))
    return {
        "rows": rows,
        "refused": summary["refused"],
        "rows_per_s": round(rows / load),
        "ratio_to_copy": round(copy / load, 3),
        "identical_seconds": round(statistics.median(again), 3),
        "peak_rss_mb": round(max(sizes), 1),
        "load_seconds": round(load, 3),
        "copy_seconds": round(copy, 3),
        "unchanged_seconds": round(forced["seconds"], 3),
    }


def _prepare(file: Path, text: Path) -> None:
    """List the file's stocks, make the identical empty table, and write the rows as COPY text."""
    import django

    django.setup()
    import polars as pl

    from stocks.loading.bar_rules import COLUMNS, check_bars
    from stocks.loading.bar_table import bar_text
    from stocks.partitions import ensure_years

    frame = pl.read_csv(file, infer_schema=False, empty_string_is_null=False).select(COLUMNS)
    today = datetime.now(UTC)
    bars = check_bars(frame.with_row_index("line", 2), today.date()).frame
    years = sorted(bars["date"].dt.year().unique())
    ensure_years(years)
    columns = "code, name, market_id, segment, kind, sector, industry, isin, currency, is_active, source"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        with connection.cursor().copy(f"COPY stocks_stock ({columns}, updated_at) FROM STDIN") as copy:
            for code in frame["code"].unique().sort():
                copy.write_row([code, code, "KOSPI", "", "equity", "", "", "", "KRW", True, "bench", today])
        connection.execute("CREATE TABLE bare (LIKE stocks_dailybar INCLUDING ALL) PARTITION BY RANGE (date)")
        for year in years:
            connection.execute(
                f"CREATE TABLE bare_{year} PARTITION OF bare "
                f"FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')"
            )
        ids = pl.DataFrame(
            connection.execute("SELECT code, id FROM stocks_stock").fetchall(),
            schema={"code": pl.String, "stock_id": pl.Int32},
            orient="row",
        )
    text.write_bytes(bar_text(bars.join(ids, on="code", maintain_order="left"), "csv"))


def _bare_copy(connection: psycopg.Connection[Any], text: Path) -> float:
    started = time.perf_counter()
    with text.open("rb") as file, connection.transaction(), connection.cursor() as cursor:
        with cursor.copy(
            "COPY bare (stock_id, date, open, high, low, close, volume, source) FROM STDIN"
        ) as copy:
            while piece := file.read(PIECE_BYTES):
                copy.write(piece)
    return time.perf_counter() - started


def _same_rows(connection: psycopg.Connection[Any]) -> None:
    """The two tables hold the same rows, or the comparison means nothing."""
    columns = "stock_id, date, open, high, low, close, volume, source"
    counts = connection.execute(
        f"SELECT (SELECT count(*) FROM bare), (SELECT count(*) FROM stocks_dailybar), (SELECT count(*) FROM "
        f"(SELECT {columns} FROM bare EXCEPT SELECT {columns} FROM stocks_dailybar) AS other)"
    ).fetchone()
    assert counts is not None and counts[0] == counts[1] and not counts[2], counts


def _load(file: Path, *options: str) -> tuple[dict[str, Any], float]:
    """Run the command; returns its summary and its peak resident memory in MB."""
    output, size = _manage("load_prices", str(file), *options)
    summary: dict[str, Any] = json.loads(output.splitlines()[-1])
    return summary, size


def _manage(*arguments: str) -> tuple[str, float]:
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([sys.executable, PROJECT / "manage.py", *arguments], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"manage.py {arguments[0]} ended with {process.returncode}")
        output.seek(0)
        return output.read(), usage.ru_maxrss / 1024


def _each(copies: list[float], loads: list[float]) -> str:
    return " ".join(f"{copy / load:.2f}" for copy, load in zip(copies, loads, strict=True))


if __name__ == "__main__":
    main()

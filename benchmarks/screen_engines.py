"""The same screens in the same process by our engine, DuckDB and Polars: part of `benchmarks/screen.py`.

All three hold every figure of every stock in memory and return, for each screen, how many stocks match and
the page of them with the figures that a row shows: ours as the JSON of the reply, with its warnings, the
others as Python values. DuckDB runs one statement with a window for the total, Polars a filter and a sort of
the columns that are needed; both use all cores, ours one. What they find is compared, stock by stock.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

ROUNDS = 5


def compare(bodies: Sequence[dict[str, Any]], peers: Path) -> dict[str, float]:
    """Medians in milliseconds and how many times as long the others take; Django is set up.

    Args:
        bodies: what is posted to /v1/screen.
        peers: the interpreter of the environment that has DuckDB.
    """
    from screening.engine import find_in
    from screening.serializers import RunScreen
    from screening.snapshot.read import read
    from screening.snapshot.table import View

    duckdb = _duckdb(peers)
    view = View(read().snapshot)
    screens = [RunScreen.read(_decimals(body)) for body in bodies]
    frame = _frame(view)
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as link:
        frame.write_parquet(file := f"{scratch}/figures.parquet")
        link.execute(f"CREATE TABLE figures AS SELECT * FROM '{file}'")
        statements = [_statement(screen) for screen in screens]

        def ours(at: int) -> tuple[list[str], int]:
            matches = find_in(view, screens[at])
            return _codes(matches.rows), matches.total

        def by_duckdb(at: int) -> tuple[list[str], int]:
            rows = link.execute(statements[at]).fetchall()
            return [row[1] for row in rows], rows[0][0] if rows else 0

        def by_polars(at: int) -> tuple[list[str], int]:
            rows, total = _polars(frame, screens[at])
            return [row[0] for row in rows], total

        engines: dict[str, Callable[[int], Any]] = {
            "engine": lambda at: find_in(view, screens[at]),
            "duckdb": lambda at: link.execute(statements[at]).fetchall(),
            "polars": lambda at: _polars(frame, screens[at]),
        }
        for at in range(len(screens)):
            mine = ours(at)
            for other in (by_duckdb(at), by_polars(at)):
                # Beyond the last page a window has no row to say the total in.
                assert mine == other or not mine[0], (bodies[at], mine, other)
        times = {name: _medians(run, len(screens)) for name, run in engines.items()}
    return {
        **{f"{name}_ms": round(statistics.median(one) * 1000, 3) for name, one in times.items()},
        **{
            f"engine_ratio_to_{name}": round(
                statistics.median(
                    theirs / mine for theirs, mine in zip(times[name], times["engine"], strict=True)
                ),
                2,
            )
            for name in ("duckdb", "polars")
        },
    }


def _duckdb(peers: Path) -> Any:
    """DuckDB, from the environment of what is measured against; behind the project's own packages."""
    sys.path.append(str(next(peers.parent.parent.glob("lib/python*/site-packages"))))
    import duckdb

    return duckdb


def _medians(run: Callable[[int], Any], count: int) -> list[float]:
    """The median seconds of each screen."""
    found: list[list[float]] = [[] for _ in range(count)]
    for _ in range(ROUNDS):
        for at in range(count):
            started = time.perf_counter()
            run(at)
            found[at].append(time.perf_counter() - started)
    return [statistics.median(one) for one in found]


def _frame(view: Any) -> pl.DataFrame:
    snapshot = view.snapshot
    texts = {
        name: [snapshot.text(name, at) for at in range(len(view))] for name in ("code", "name", "market")
    }
    figures = {name: pl.Series(view.column(name)).fill_nan(None) for name in snapshot.fields}
    # The place stands for the code, which each database sorts in its own way.
    return pl.DataFrame(
        {**texts, "place": np.arange(len(view)), "lagging": snapshot.lagging, "day": view.days, **figures}
    )


def _shown(screen: Any) -> list[str]:
    from screening.fields import column
    from screening.selectors import shown_names

    return list(dict.fromkeys(column(name) for name in shown_names(screen)))


def _statement(screen: Any) -> str:
    from screening.fields import column

    conditions = ["NOT lagging"]
    if screen.market != "ALL":
        conditions.append(f"market = '{screen.market}'")
    for one in screen.criteria:
        if one.low is not None:
            conditions.append(f"{one.field} >= {one.low!r}")
        if one.high is not None:
            conditions.append(f"{one.field} <= {one.high!r}")
    order = "DESC" if screen.descending else "ASC"
    return (
        f"SELECT count(*) OVER (), code, name, market, day, {', '.join(_shown(screen))} FROM figures"
        f" WHERE {' AND '.join(conditions)} ORDER BY {column(screen.sort_by)} {order} NULLS LAST, place"
        f" LIMIT {screen.per_page} OFFSET {screen.first}"
    )


def _polars(frame: pl.DataFrame, screen: Any) -> tuple[list[Any], int]:
    from screening.fields import column

    wanted = ~pl.col("lagging")
    if screen.market != "ALL":
        wanted &= pl.col("market") == screen.market
    for one in screen.criteria:
        if one.low is not None:
            wanted &= pl.col(one.field) >= one.low
        if one.high is not None:
            wanted &= pl.col(one.field) <= one.high
    key, shown = column(screen.sort_by), ["code", "name", "market", "day", *_shown(screen)]
    found = frame.lazy().filter(wanted).select(*shown, "place").collect()
    page = found.sort([key, "place"], descending=[screen.descending, False], nulls_last=True)
    return page.slice(screen.first, screen.per_page).rows(), found.height


def _codes(rows: Any) -> list[str]:
    import orjson

    return [row["code"] for row in orjson.loads(orjson.dumps(rows))]


def _decimals(body: dict[str, Any]) -> Any:
    import json

    from config.api.json import loads_strict

    return loads_strict(json.dumps(body).encode())

"""How fast screens are over HTTP: 50 different ones against the whole KRX market, each with a valid token.

    python benchmarks/screen.py [--quick]

The market is loaded by the project's own commands into a database of its own, on DATABASE_URL or on embedded
servers that end with the program; where `../shared/data` is absent it is the sandbox market. Two servers run
at once, each one granian process (WSGI, 16 threads) on 127.0.0.1: one answers from memory, as it is served,
the other (SCREEN_SNAPSHOT=off) from the database. They are asked in turns by `benchmarks/requests_load.py`,
by one client and by 16. Nothing keeps a result. Only 200 with a list of stocks counts; anything else ends the
program, save that the database may refuse what takes it longer than a second (503, `orm_refused`). Then the
screens are run in this process by our engine, DuckDB and Polars (`benchmarks/screen_engines.py`). All of it
is done again with 50,000 stocks, most of them invented: each has the figures of a real one, each changed by
up to a fifth.

The last line is a JSON object. `p50_ms` and `p99_ms` are of the one client, `rps_16` of the sixteen, medians
of the rounds; `orm_…` the same of the database; `ratio_to_orm` the median of the rounds' ratios of `rps_16`.
`engine_ratio_to_duckdb` and `…_polars` say how many times as long as ours theirs take (median of the
screens), `engine_ms` how long ours takes. `refresh_s` is how long after 50,000 stocks were written the server
answered from them, `rss_mb` what its process holds in memory. Keys of the second part end in `_50k` (in
`_wide` where another number was asked for).
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from bench_servers import HOST, PROJECT, START_SECONDS, fresh_environment, manage, peer_python, serving
from first_codes import first_codes
from screen_engines import compare

DATA = PROJECT.parent / "shared" / "data"
BARS = ("krx_daily_2023_2025.csv.gz", "krx_daily_2025_2026.csv.gz")
SCREENS, SEED = 50, 2
CLIENTS = 16
ROUNDS, SECONDS = 3, 10.0
QUICK_ROUNDS, QUICK_SECONDS = 3, 2.0
WIDE = 50_000
PASSWORD = "correct horse 42"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    process: psutil.Process

    def kept_version(self) -> int | None:
        """The version of the data that it answers from in memory, None for none."""
        link = http.client.HTTPConnection(HOST, self.port, timeout=30)
        link.request("GET", "/metrics")
        found = re.search(
            r"^stockroom_screen_version (\d+)$", link.getresponse().read().decode(), re.MULTILINE
        )
        link.close()
        return int(found[1]) if found else None

    def rss_mb(self) -> int:
        """Megabytes in memory, of the process and its children."""
        processes = (self.process, *self.process.children(recursive=True))
        return round(sum(one.memory_info().rss for one in processes) / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS:g} s a round only")
    parser.add_argument("--seconds", type=float, help="so many seconds a round")
    parser.add_argument("--rounds", type=int, help="so many rounds")
    parser.add_argument("--wide", type=int, default=WIDE, help="stocks in the second part, 0 for none")
    parser.add_argument("--codes", type=int, help="bars of only so many codes")
    parser.add_argument("--seed", type=int, default=SEED, help="which fifty screens are drawn")
    options = parser.parse_args()
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    peers = peer_python()
    with (
        tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch,
        fresh_environment(Path(scratch), MARKET_DATA="none" if DATA.is_dir() else "sandbox"),
    ):
        market = load_market(Path(scratch), options.codes)
        import django

        django.setup()
        # A server that has run for a minute has statistics of its tables.
        _execute("VACUUM ANALYZE")
        with (
            _server(Path(scratch), SCREEN_SNAPSHOT="on") as memory,
            _server(Path(scratch), SCREEN_SNAPSHOT="off") as database,
        ):
            token = _token(memory.port)
            bodies = _screens(options.seed)
            assert len(set(map(json.dumps, bodies))) == SCREENS
            result = _measure(memory, database, token, bodies, rounds, seconds, peers)
            if options.wide:
                written_at = _widen(options.wide, options.seed)
                refresh = _wait(memory, token, bodies[0], since=written_at)
                _execute("VACUUM ANALYZE")
                end = "50k" if options.wide == WIDE else "wide"
                wide = _measure(memory, database, token, bodies, rounds, seconds, peers)
                result |= {f"{name}_{end}": value for name, value in wide.items()} | {"refresh_s": refresh}
        print(
            json.dumps(
                result
                | {
                    "screens": SCREENS,
                    "market": market,
                    "rounds": rounds,
                    "seconds": seconds,
                    "server": "granian wsgi, 1 process, 16 threads",
                    "seed": options.seed,
                }
            )
        )


def load_market(scratch: Path, codes: int | None = None) -> str:
    """Fill the database, with bars of all or so many codes; returns whose market it holds."""
    if not DATA.is_dir():
        print("the real files are absent: the sandbox market", file=sys.stderr)
        manage(("migrate", "-v0"), ("load_sandbox",))
        return "sandbox"
    manage(
        ("migrate", "-v0"),
        ("load_stocks", str(DATA / "krx_listing_2026_03.csv")),
        *(("load_prices", str(first_codes(DATA / name, scratch, codes))) for name in BARS),
        ("load_statements", str(DATA / "krx_fundamentals_2023_2025.csv")),
        ("compute_indicators",),
    )
    return "KRX"


@contextlib.contextmanager
def _server(scratch: Path, **environment: str) -> Iterator[Server]:
    command = (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1"),
        *("--blocking-threads", "16", "--host", HOST, "--port", "{port}", "config.wsgi:application"),
    )
    with serving(scratch, *command, **environment) as (port, process):
        yield Server(port, psutil.Process(process.pid))


def _post(port: int, path: str, body: Any, token: str = "") -> Any:
    link = http.client.HTTPConnection(HOST, port, timeout=30)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    link.request("POST", path, json.dumps(body), headers)
    response = link.getresponse()
    reply = response.read()
    link.close()
    if not 200 <= response.status < 300:
        sys.exit(f"{response.status} for {body!r}: {reply[:500]!r}")
    return json.loads(reply)


def _token(port: int) -> str:
    account = {"email": "bench@example.com", "password": PASSWORD, "name": "Bench"}
    token: str = _post(port, "/v1/auth/register", account)["access_token"]
    return token


def _wait(server: Server, token: str, body: Any, *, since: float) -> float:
    """Return when the server answers from the newest version: how many seconds after ``since`` that was."""
    wanted = _scalar("SELECT version FROM stocks_dataset")
    deadline = time.monotonic() + START_SECONDS
    while server.kept_version() != wanted:
        if time.monotonic() > deadline:
            sys.exit("the server does not keep the newest version")
        # The first request of a process begins to keep it.
        _post(server.port, "/v1/screen", body, token)
        time.sleep(0.02)
    return round(time.monotonic() - since, 2)


def _measure(
    memory: Server,
    database: Server,
    token: str,
    bodies: Sequence[dict[str, Any]],
    rounds: int,
    seconds: float,
    peers: Path,
) -> dict[str, Any]:
    _wait(memory, token, bodies[0], since=time.monotonic())
    # Once each, so that imports and plans are paid for, and to know that they find something and the same.
    found = [_post(memory.port, "/v1/screen", body, token)["meta"]["total"] for body in bodies]
    assert [_post(database.port, "/v1/screen", body, token)["meta"]["total"] for body in bodies] == found
    assert sum(total > 0 for total in found) >= 0.8 * SCREENS, found
    taken: dict[str, list[Mapping[str, float]]] = {name: [] for name in ("", "16", "orm", "orm_16")}
    for _ in range(rounds):
        for name, server, clients in (
            *(("", memory, 1), ("orm", database, 1)),
            *(("16", memory, CLIENTS), ("orm_16", database, CLIENTS)),
        ):
            taken[name].append(
                _load_of(server, token, bodies, clients, seconds, may_refuse=server is database)
            )
            _tell(name, taken[name][-1])

    def median(name: str, figure: str) -> float:
        return statistics.median(one[figure] for one in taken[name])

    ratios = [ours["rps"] / theirs["rps"] for ours, theirs in zip(taken["16"], taken["orm_16"], strict=True)]
    engines = compare(bodies, peers)
    print(json.dumps(engines), file=sys.stderr)
    return {
        "p50_ms": median("", "p50_ms"),
        "p99_ms": median("", "p99_ms"),
        "rps_16": round(median("16", "rps")),
        "p99_ms_16": median("16", "p99_ms"),
        "ratio_to_orm": round(statistics.median(ratios), 2),
        **engines,
        "orm_p50_ms": median("orm", "p50_ms"),
        "orm_p99_ms": median("orm", "p99_ms"),
        "orm_rps_16": round(median("orm_16", "rps")),
        "orm_refused": sum(int(one["other"]) for name in ("orm", "orm_16") for one in taken[name]),
        "rss_mb": memory.rss_mb(),
        "orm_rss_mb": database.rss_mb(),
        "rows_found_median": statistics.median(found),
        "stocks": _scalar("SELECT count(*) FROM stocks_stock WHERE is_active"),
        "with_indicators": _scalar("SELECT count(*) FROM stocks_latestindicators"),
    }


def _load_of(
    server: Server,
    token: str,
    bodies: Sequence[dict[str, Any]],
    clients: int,
    seconds: float,
    *,
    may_refuse: bool,
) -> dict[str, float]:
    plan = {
        "port": server.port,
        "path": "/v1/screen",
        "bodies": [json.dumps(body) for body in bodies],
        "expected": '{"stocks":[',
        "token": token,
        "clients": clients,
        "seconds": seconds,
    }
    done = subprocess.run(
        [sys.executable, PROJECT / "benchmarks" / "requests_load.py"],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    if done.returncode:
        sys.exit(f"the load failed: {done.stderr[-2000:]}")
    load: dict[str, float] = json.loads(done.stdout)
    if load["other"] and not may_refuse:
        sys.exit(f"{load['other']} replies were no lists of stocks")
    return load | {"rps": (load["requests"] - load["other"]) / load["seconds"]}


def _tell(name: str, one: Mapping[str, float]) -> None:
    print(
        f"{name or '1':8} p50 {one['p50_ms']:8.2f} ms  p99 {one['p99_ms']:8.2f} ms  {one['rps']:8.1f} req/s",
        file=sys.stderr,
    )


def _widen(stocks: int, seed: int) -> float:
    """Invent as many stocks as are missing; returns when they were written."""
    columns = _columns()
    changed = ", ".join(
        f"round((model.{name} * (0.8 + 0.4 * random()))::numeric, 4)::float8" for name in columns
    )
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("SELECT setseed(%s)", [seed / 100])
        models = connection.execute(
            "CREATE TEMPORARY TABLE models AS SELECT id, row_number() OVER (ORDER BY id) - 1 AS place"
            " FROM stocks_stock JOIN stocks_latestindicators ON stock_id = id WHERE is_active"
        ).rowcount
        connection.execute(
            f"""
            INSERT INTO stocks_stock (code, name, market_id, segment, kind, sector, industry, isin, currency,
                                      is_active, source, updated_at)
            SELECT 'X' || number, 'Invented ' || number, model.market_id, '', 'equity', model.sector, '', '',
                   model.currency, true, 'bench', now()
              FROM generate_series(1, %s - (SELECT count(*) FROM stocks_stock WHERE is_active)) AS number
              JOIN models ON models.place = number %% {models} JOIN stocks_stock AS model USING (id)
            """,
            [stocks],
        )
        connection.execute(
            f"""
            INSERT INTO stocks_latestindicators (stock_id, date, computed_at, {", ".join(columns)})
            SELECT stock.id, model.date, now(), {changed}
              FROM stocks_stock AS stock
              JOIN models ON models.place = substr(stock.code, 2)::int %% {models}
              JOIN stocks_latestindicators AS model ON model.stock_id = models.id
             WHERE stock.source = 'bench'
            """,
            [],
        )
        connection.execute("UPDATE stocks_dataset SET version = version + 1")
    return time.monotonic()


def _execute(statement: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement)


def _screens(seed: int) -> list[dict[str, Any]]:
    """Fifty screens: what people ask for, and others drawn with bounds at deciles of the stored values."""
    chance = random.Random(seed)
    screens: list[dict[str, Any]] = [
        {
            "market": "KOSPI",
            "filters": {
                "per": {"min": 0, "max": 15},
                "pbr": {"min": 0, "max": 1.5},
                "roe": {"min": 10},
                "quality_score": {"min": 70},
            },
            "sort_by": "market_cap",
            "order": "desc",
            "page": 1,
            "per_page": 50,
        },
        {"filters": {"change_1d": {"max": -5}}, "sort_by": "change_1d", "order": "asc"},
        {
            "market": "KOSDAQ",
            "filters": {"rsi_14": {"max": 30}, "change_1y": {"min": 0}},
            "sort_by": "rsi_14",
        },
        {"filters": {}, "sort_by": "volume", "per_page": 100},
    ]
    deciles = deciles_of_figures()
    names = sorted(deciles)
    while len(screens) < SCREENS:
        filters: dict[str, Any] = {}
        for name in chance.sample(names, chance.randint(1, 4)):
            low, high = sorted(chance.sample(range(len(deciles[name])), 2))
            bounds = {"min": deciles[name][low], "max": deciles[name][high]}
            if chance.random() < 0.5:
                del bounds[chance.choice(["min", "max"])]
            filters[name] = bounds
        screens.append(
            {
                "market": chance.choice(["ALL", "ALL", "KOSPI", "KOSDAQ"]),
                "filters": filters,
                "sort_by": chance.choice(names),
                "order": chance.choice(["asc", "desc"]),
                "page": chance.choice([1, 1, 1, 2]),
                "per_page": chance.choice([20, 50, 50, 100]),
            }
        )
    return screens


def deciles_of_figures() -> dict[str, list[float]]:
    """The deciles of every stored figure that most stocks have."""
    columns = _columns()
    tenths = [tenth / 10 for tenth in range(1, 10)]
    deciles: dict[str, list[float]] = {}
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        for column in columns:
            row = connection.execute(
                f"SELECT percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY {column}),"
                f" count({column}) * 2 > count(*) FROM stocks_latestindicators",
                [tenths],
            ).fetchone()
            assert row is not None
            if row[1]:
                deciles[column] = [round(value, 4) for value in row[0]]
    return deciles


def _columns() -> list[str]:
    """The columns of figures."""
    columns: list[str] = _scalar(
        "SELECT array_agg(column_name::text) FROM information_schema.columns"
        " WHERE table_name = 'stocks_latestindicators' AND data_type = 'double precision'"
    )
    return columns


def _scalar(query: str) -> Any:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


if __name__ == "__main__":
    main()

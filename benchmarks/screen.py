"""How fast screens are over HTTP: 50 different ones against the whole KRX market, each with a valid token.

    python benchmarks/screen.py [--quick]

The market is loaded by the project's own commands into a database of its own, on DATABASE_URL or on embedded
servers that end with the program; where `../shared/data` is absent it is the sandbox market. The server is
one granian process (WSGI, 16 threads) on 127.0.0.1, asked first by one client, then by 16. Only 2xx replies
count: any other ends the program. The last line is a JSON object: `p50_ms`, `p99_ms`, `requests` and
`req_per_s` of the one client, the same with `_16` of the sixteen, and what was asked of what.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from bench_servers import fresh_environment

PROJECT = Path(__file__).resolve().parent.parent
DATA = PROJECT.parent / "shared" / "data"
BARS = ("krx_daily_2023_2025.csv.gz", "krx_daily_2025_2026.csv.gz")
SCREENS, SEED = 50, 2
REQUESTS, QUICK_REQUESTS = 1000, 300
CLIENTS = 16
START_SECONDS = 60
HOST = "127.0.0.1"
PASSWORD = "correct horse 42"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_REQUESTS} requests of each kind only")
    parser.add_argument("--requests", type=int, help="so many requests of each kind")
    parser.add_argument("--seed", type=int, default=SEED, help="which fifty screens are drawn")
    options = parser.parse_args()
    requests = options.requests or (QUICK_REQUESTS if options.quick else REQUESTS)
    with (
        tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch,
        fresh_environment(Path(scratch), MARKET_DATA="none" if DATA.is_dir() else "sandbox"),
    ):
        market = _load()
        # A server that has run for a minute has statistics of its tables.
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        with _server(Path(scratch)) as port:
            print(json.dumps(_measure(port, market, requests, options.seed)))


def _load() -> str:
    """Fill the database; returns whose market it holds."""
    _manage("migrate", "-v0")
    if not DATA.is_dir():
        print("the real files are absent: the sandbox market", file=sys.stderr)
        _manage("load_sandbox")
        return "sandbox"
    _manage("load_stocks", str(DATA / "krx_listing_2026_03.csv"))
    for name in BARS:
        _manage("load_prices", str(DATA / name))
    _manage("load_statements", str(DATA / "krx_fundamentals_2023_2025.csv"))
    _manage("compute_indicators")
    return "KRX"


def _manage(*arguments: str) -> None:
    process = subprocess.run(
        [sys.executable, PROJECT / "manage.py", *arguments], capture_output=True, text=True
    )
    if process.returncode:
        sys.exit(f"manage.py {arguments[0]} ended with {process.returncode}:\n{process.stderr[-2000:]}")
    if process.stdout:
        print(process.stdout.splitlines()[-1], file=sys.stderr)


@contextlib.contextmanager
def _server(scratch: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    log = scratch / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1"),
                *("--blocking-threads", "16", "--host", HOST, "--port", str(port), "config.wsgi:application"),
            ],
            cwd=PROJECT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Client:
    """One client with a connection that stays open."""

    def __init__(self, port: int, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=30)
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, body: bytes) -> tuple[float, bytes]:
        """Seconds until the whole reply was here, and the reply; anything but 2xx raises."""
        started = time.perf_counter()
        self._connection.request("POST", path, body, self._headers)
        response = self._connection.getresponse()
        reply = response.read()
        seconds = time.perf_counter() - started
        if not 200 <= response.status < 300:
            raise RuntimeError(f"{response.status} for {body!r}: {reply[:500]!r}")
        return seconds, reply


def _measure(port: int, market: str, requests: int, seed: int) -> dict[str, Any]:
    account = {"email": "bench@example.com", "password": PASSWORD, "name": "Bench"}
    _, reply = Client(port).post("/v1/auth/register", json.dumps(account).encode())
    token = json.loads(reply)["access_token"]
    bodies = [json.dumps(screen).encode() for screen in _screens(seed)]
    assert len(set(bodies)) == SCREENS
    # Once each, so that imports and plans are paid for, and to know that they find something.
    client = Client(port, token)
    found = [json.loads(client.post("/v1/screen", body)[1])["meta"]["total"] for body in bodies]
    assert sum(total > 0 for total in found) >= 0.8 * SCREENS, found

    one, one_wall = _run(port, token, bodies, clients=1, requests=requests)
    many, many_wall = _run(port, token, bodies, clients=CLIENTS, requests=requests)
    for label, times, wall in (("1 client", one, one_wall), (f"{CLIENTS} clients", many, many_wall)):
        print(
            f"{label:12} p50 {_ms(times, 50):8.2f} ms  p99 {_ms(times, 99):8.2f} ms  "
            f"{len(times) / wall:8.1f} req/s  {len(times)} requests",
            file=sys.stderr,
        )
    return {
        "p50_ms": _ms(one, 50),
        "p99_ms": _ms(one, 99),
        "requests": len(one),
        "req_per_s": round(len(one) / one_wall, 1),
        f"p50_ms_{CLIENTS}": _ms(many, 50),
        f"p99_ms_{CLIENTS}": _ms(many, 99),
        f"requests_{CLIENTS}": len(many),
        f"req_per_s_{CLIENTS}": round(len(many) / many_wall, 1),
        "screens": SCREENS,
        "rows_found_median": statistics.median(found),
        "market": market,
        "stocks": _scalar("SELECT count(*) FROM stocks_stock WHERE is_active"),
        "with_indicators": _scalar("SELECT count(*) FROM stocks_latestindicators"),
        "server": "granian wsgi, 1 process, 16 threads",
        "seed": seed,
    }


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
    deciles = _deciles()
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


def _deciles() -> dict[str, list[float]]:
    """The deciles of every stored figure that most stocks have."""
    columns = _scalar(
        "SELECT array_agg(column_name::text) FROM information_schema.columns"
        " WHERE table_name = 'stocks_latestindicators' AND data_type = 'double precision'"
    )
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


def _scalar(query: str) -> Any:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _run(
    port: int, token: str, bodies: Sequence[bytes], *, clients: int, requests: int
) -> tuple[list[float], float]:
    """Seconds of each request, shared evenly among the clients, and of all together."""
    times: list[list[float]] = [[] for _ in range(clients)]
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            client = Client(port, token)
            for position in range(number, requests, clients):
                if failures:
                    return
                times[number].append(client.post("/v1/screen", bodies[position % len(bodies)])[0])
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - started
    if failures:
        sys.exit(f"a request failed: {failures[0]}")
    return [seconds for part in times for seconds in part], wall


def _ms(times: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile in milliseconds."""
    ordered = sorted(times)
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)] * 1000, 2)


if __name__ == "__main__":
    main()

"""How fast portfolios are: a thousand holdings and 100,000 transactions in one, and trades of 16 clients.

    python benchmarks/portfolio.py [--quick]

The ledgers are invented (`benchmarks/ledgers.py`) and stand in a database of their own, on DATABASE_URL or on
embedded servers that end with the program. First `manage.py rebuild_holdings` folds the large one by each
method, beginning with no holding, lot or cash at all. Then one server, two granian processes with 16 threads
each as docker-compose.yml has it, is asked by `benchmarks/requests_load.py`:

- `GET /v1/portfolio` and `GET /v1/holdings` of the large portfolio, which is the default one of its owner, by
  one client and by 16 (`_16`), each asking again as soon as it is answered. No reply is kept anywhere.
- `POST …/transactions`, purchases and sales at a price of now, by 16 clients, each in the portfolio of its
  own user (60 stocks, 1,000 rows): as a rule five a second each at random moments, measured from when a trade
  was due (`trade_…`); the same with one a second each (`trade_at_1_…`), where a trade seldom waits for others
  and the time is its own; and each as soon as it is answered, which is as much as the server can do
  (`trade_closed_…`, `trades_per_s`). `…_one_…` is the same with all clients in the large portfolio, whose row
  is a lock that each trade waits for. The load, the database and Redis share the server's processors.

Trades are counted only with 201; at the end all portfolios are held against their ledgers, and a difference
ends the program. The last line is a JSON object: `…_p50_ms` and `…_p99_ms` are medians of the rounds;
`…_first_ms` is the first answer of a server that has just started. `rebuild_per_s` are rows of the ledger by
the average method, `rebuild_<method>_per_s` by the others, `rebuild_unchanged_per_s` where nothing differs;
`rebuild_mb` is what that process held in memory at most, and `rebuild_small_mb` the same for a ledger of
1,000 rows. With them come the figures of `benchmarks/revalue.py`, where that is there.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib.util
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from bench_servers import HOST, PROJECT, fresh_environment, serving

HOLDINGS, ROWS = 1_000, 100_000
SMALL_HOLDINGS, SMALL_ROWS = 60, 1_000
CLIENTS, PACE, CALM_PACE = 16, 5.0, 1.0
#: At the slow pace so many seconds are the least that hold enough trades.
CALM_SECONDS = 2.0
ROUNDS, SECONDS = 3, 10.0
QUICK_ROUNDS, QUICK_SECONDS = 1, 3.0
METHODS = ("average", "fifo", "lifo", "hifo")

#: Method, path, token and body.
Request = tuple[str, str, str, str | None]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"one round, {QUICK_SECONDS:g} s a measurement")
    parser.add_argument("--seconds", type=float, help="so many seconds a measurement")
    parser.add_argument("--rounds", type=int, help="so many rounds")
    parser.add_argument("--rows", type=int, default=ROWS, help="so many transactions in the large portfolio")
    parser.add_argument("--small-rows", type=int, default=SMALL_ROWS, help="and in each of the small ones")
    parser.add_argument("--without-revaluation", action="store_true", help="leave out benchmarks/revalue.py")
    options = parser.parse_args()
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    with (
        tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch,
        fresh_environment(Path(scratch), JWT_SIGNING_KEY=secrets.token_urlsafe(48)),
    ):
        result = _run(Path(scratch), options.rows, options.small_rows, rounds, seconds)
    if not options.without_revaluation and importlib.util.find_spec("revalue") is not None:
        revalue = importlib.import_module("revalue")
        result |= revalue.measure(quick=options.quick)
    print(json.dumps(result))


def _run(scratch: Path, rows: int, small_rows: int, rounds: int, seconds: float) -> dict[str, Any]:
    subprocess.run([sys.executable, PROJECT / "manage.py", "migrate", "-v0"], check=True, timeout=600)
    import django

    django.setup()
    import ledgers

    from portfolios.services.rebuilding import holdings_rebuild

    stocks = ledgers.market()
    assert len(stocks) == HOLDINGS
    owners = _owners()
    large = ledgers.ledger(owners[0][0], "large", stocks, rows, seed=1, is_default=True)
    small = [
        ledgers.ledger(
            *(user, "small", stocks[number * 7 :: 16][:SMALL_HOLDINGS], small_rows),
            seed=number,
            is_default=True,
        )
        for number, (user, _) in enumerate(owners[1:], 2)
    ]
    _execute("VACUUM ANALYZE")
    result = _rebuilds(large.pk, small[0].pk, rows)
    for portfolio in (large, *small):
        holdings_rebuild(portfolio_id=portfolio.pk, now=datetime.now(UTC))
    _execute("VACUUM ANALYZE")
    with _server(scratch) as port:
        token = owners[0][1]
        reads: dict[str, list[Request]] = {
            "summary": [("GET", "/v1/portfolio", token, None)],
            "holdings": [("GET", "/v1/holdings", token, None)],
        }
        expected = {"summary": f'"holdings_count":{_held(large.pk)}', "holdings": '"curr_evaluation":'}
        for name, requests in reads.items():
            result[f"{name}_first_ms"] = round(_timed(port, requests[0]) * 1000, 2)
        trades = {
            "trade": [
                request
                for batch in zip(
                    *(_trades(one.pk, key, one.pk) for one, (_, key) in zip(small, owners[1:], strict=True)),
                    strict=True,
                )
                for request in batch
            ],
            "trade_one": _trades(large.pk, token, 0),
        }
        taken: dict[str, list[Mapping[str, float]]] = {}
        for _ in range(rounds):
            for name, requests in reads.items():
                for label, clients in ((name, 1), (f"{name}_16", CLIENTS)):
                    plan = {"expected": expected[name], "clients": clients}
                    taken.setdefault(label, []).append(_load(port, requests, seconds, **plan))
            for name, requests in trades.items():
                plan = {"expected": '"holding":{', "clients": CLIENTS, "status": 201, "own": name == "trade"}
                paced = _load(port, requests, seconds, per_second=PACE, **plan)
                taken.setdefault(name, []).append(paced)
                calm = _load(port, requests, max(seconds, CALM_SECONDS), per_second=CALM_PACE, **plan)
                taken.setdefault(f"{name}_at_1", []).append(calm)
                taken.setdefault(f"{name}_closed", []).append(_load(port, requests, seconds, **plan))
    for name, loads in taken.items():
        for figure in ("p50_ms", "p99_ms"):
            result[f"{name}_{figure}"] = statistics.median(one[figure] for one in loads)
        per_s = round(statistics.median(one["requests"] / one["seconds"] for one in loads))
        if name == "trade_closed":
            result["trades_per_s"] = per_s
        elif name == "trade_one_closed":
            result["trades_one_per_s"] = per_s
    return (
        result
        | _checked()
        | {
            "holdings": _held(large.pk),
            "transactions": rows,
            "clients": CLIENTS,
            "trades_a_second_each": PACE,
            "trades_a_second_each_at_1": CALM_PACE,
            "rounds": rounds,
            "seconds": seconds,
            "server": "granian wsgi, 2 processes, 16 threads each",
        }
    )


def _owners() -> list[tuple[Any, str]]:
    """The owner of the large portfolio and those of the small ones, each with an access token."""
    from accounts.models import User
    from accounts.services.sessions import session_start

    users = [
        User.objects.create(email=f"bench{number}@example.com", name=f"Bench {number}")
        for number in range(CLIENTS + 1)
    ]
    return [(user, session_start(user=user).access_token) for user in users]


def _trades(portfolio: Any, token: str, seed: Any, count: int = 400) -> list[Request]:
    """Purchases of what is held already, and sales of less than that; half of each."""
    chance = random.Random(str(seed))
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        held = connection.execute(
            "SELECT code, quantity FROM portfolios_holding JOIN stocks_stock AS stock ON stock.id = stock_id"
            " WHERE portfolio_id = %s AND quantity > 5 ORDER BY code",
            [portfolio],
        ).fetchall()
    path = f"/v1/portfolios/{portfolio}/transactions"
    requests: list[Request] = []
    for number in range(count):
        code, _ = chance.choice(held)
        body = {
            "type": "SELL" if number % 2 else "BUY",
            "stock_code": code,
            # More comes in than goes out, however the requests are drawn.
            "quantity": 0.001 if number % 2 else 1.5,
            "price": chance.randrange(1_000, 50_000) / 100,
            "fee": 1.25,
        }
        requests.append(("POST", path, token, json.dumps(body)))
    return requests


def _rebuilds(large: Any, small: Any, rows: int) -> dict[str, float]:
    result: dict[str, float] = {}
    for method in METHODS:
        _execute(f"UPDATE portfolios_portfolio SET method = '{method}'")
        _execute("TRUNCATE portfolios_lot, portfolios_holding, portfolios_cashbalance")
        seconds, megabytes = _rebuild(large)
        result[f"rebuild_{method}_per_s"] = round(rows / seconds)
        if method == "fifo":
            # Of those that keep most lots.
            result["rebuild_mb"] = megabytes
            result["rebuild_unchanged_per_s"] = round(rows / _rebuild(large)[0])
            result["rebuild_small_mb"] = _rebuild(small)[1]
    _execute("UPDATE portfolios_portfolio SET method = 'average'")
    return {"rebuild_per_s": result.pop("rebuild_average_per_s"), **result}


def _rebuild(portfolio: Any) -> tuple[float, float]:
    """Seconds that the command says it took, and the megabytes that its process held at most."""
    command = [sys.executable, str(PROJECT / "manage.py"), "rebuild_holdings", "--portfolio", str(portfolio)]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, cwd=PROJECT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        last = output.read().splitlines()[-1:]
    if process.returncode or not last:
        sys.exit(f"rebuild_holdings ended with {process.returncode}")
    seconds = float(json.loads(last[0])["seconds"])
    print(f"rebuilt in {seconds} s", file=sys.stderr)
    return seconds, round(usage.ru_maxrss / 1024, 1)


def _checked() -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, PROJECT / "manage.py", "reconcile"], capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        sys.exit(f"a portfolio differs from its ledger:\n{done.stdout[-2000:]}")
    return {"breaks": int(json.loads(done.stdout.splitlines()[-1])["breaks"])}


@contextlib.contextmanager
def _server(scratch: Path) -> Iterator[int]:
    command = (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "2"),
        *("--blocking-threads", "16", "--host", HOST, "--port", "{port}", "config.wsgi:application"),
    )
    with serving(scratch, *command, DATABASE_POOL_SIZE="16") as (port, _):
        yield port


def _timed(port: int, request: Request) -> float:
    """Seconds until one request over a new connection was answered with 200."""
    method, path, token, body = request
    link = http.client.HTTPConnection(HOST, port, timeout=60)
    began = time.perf_counter()
    link.request(method, path, body, {"Authorization": f"Bearer {token}"})
    response = link.getresponse()
    text = response.read()
    taken = time.perf_counter() - began
    link.close()
    if response.status != 200:
        sys.exit(f"{response.status} for {path}: {text[:500]!r}")
    return taken


def _load(port: int, requests: Sequence[Request], seconds: float, **plan: Any) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, PROJECT / "benchmarks" / "requests_load.py"],
        input=json.dumps({"port": port, "requests": requests, "seconds": seconds, **plan}),
        capture_output=True,
        text=True,
        timeout=seconds + 120,
    )
    if done.returncode:
        sys.exit(f"the load failed: {done.stderr[-2000:]}")
    load: dict[str, float] = json.loads(done.stdout)
    if load["other"]:
        sys.exit(f"{load['other']} of {load['requests']} replies were not what they should be")
    print(
        f"{requests[0][0]:4} {requests[0][1][:40]:40} {plan['clients']:3} clients  p50 {load['p50_ms']:8.2f}"
        f"  p99 {load['p99_ms']:8.2f} ms  {load['requests'] / load['seconds']:7.1f} a second",
        file=sys.stderr,
    )
    return load


def _held(portfolio: Any) -> int:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT count(*) FROM portfolios_holding WHERE portfolio_id = %s AND quantity > 0", [portfolio]
        ).fetchone()
    assert row is not None
    return int(row[0])


def _execute(statement: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement)


if __name__ == "__main__":
    main()

"""What the limits cost a request: one step in Redis, for its account and its address together.

    python benchmarks/limiter.py [--quick]

Measured is the time in the process that answers, with the connection to Redis that requests have: of a
request with a credential; of one whose address is counted apart, at the door, as where nothing is left of
that; of each of the two alone, and of a bare PING for comparison. Accounts are of the tier `free`, of which
two limits hold at once, and change from request to request. Redis is that of the environment, or an embedded
one.

The last line is a JSON object, in milliseconds: `request_p50_ms` and `request_p99_ms` of a request and the
CPU time of the process for one, `request_cpu_ms`; then `apart_p50_ms`, `account_p50_ms`, `address_p50_ms`,
`ping_p50_ms`; and `threads_p50_ms`, of requests in sixteen threads at once, which share one interpreter.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from bench_servers import fresh_environment

REQUESTS, QUICK_REQUESTS = 20_000, 3_000
WARM = 200
ACCOUNTS, THREADS = 500, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_REQUESTS} requests only")
    parser.add_argument("--requests", type=int, help="so many requests")
    options = parser.parse_args()
    count = options.requests or (QUICK_REQUESTS if options.quick else REQUESTS)
    with (
        tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch,
        fresh_environment(
            Path(scratch), RATE_LIMITS="on", LIMITS_FREE="90000000/minute,900000000/day", REQUEST_LOG="off"
        ),
    ):
        print(json.dumps(measure(count)))


def measure(count: int) -> dict[str, float]:
    """The figures of the last line; the environment names the servers."""
    import django

    django.setup()
    from accounts import limiter
    from accounts.redis import call

    accounts = [str(uuid4()) for _ in range(ACCOUNTS)]

    def address(number: int) -> None:
        _allowed(limiter.take_address(address=f"192.0.2.{number % 250}"))

    def account(number: int) -> None:
        _allowed(limiter.take(account=accounts[number % ACCOUNTS], tier="free"))

    def apart(number: int) -> None:
        address(number)
        account(number)

    def request(number: int) -> None:
        from_there = f"192.0.2.{number % 250}"
        _allowed(limiter.take(account=accounts[number % ACCOUNTS], tier="free", address=from_there))

    _times(request, 0)
    began = time.process_time()
    whole = _times(request, count)
    cpu = (time.process_time() - began) / (WARM + count)
    with ThreadPoolExecutor(THREADS) as pool:
        parts = list(pool.map(lambda _: _times(request, count // THREADS), range(THREADS)))
    figures = {
        "request_p50_ms": _percentile(whole, 50),
        "request_p99_ms": _percentile(whole, 99),
        "request_cpu_ms": round(cpu * 1000, 4),
        "apart_p50_ms": _percentile(_times(apart, count), 50),
        "account_p50_ms": _percentile(_times(account, count), 50),
        "address_p50_ms": _percentile(_times(address, count), 50),
        "ping_p50_ms": _percentile(_times(lambda _: call("PING"), count), 50),
        "threads_p50_ms": _percentile([one for part in parts for one in part], 50),
    }
    for name, figure in figures.items():
        print(f"{name:>16} {figure:8.3f}", file=sys.stderr)
    return figures


def _allowed(decision: object) -> None:
    assert decision is not None
    assert getattr(decision, "allowed")  # noqa: B009  (its class is imported after the settings)


def _times(call: Callable[[int], object], count: int) -> list[float]:
    """Seconds of each of so many calls, after some that are not counted."""
    for number in range(WARM):
        call(number)
    times = []
    for number in range(count):
        began = time.perf_counter()
        call(number)
        times.append(time.perf_counter() - began)
    return times


def _percentile(times: list[float], percent: int) -> float:
    return round(statistics.quantiles(times, n=100)[percent - 1] * 1000, 4)


if __name__ == "__main__":
    main()

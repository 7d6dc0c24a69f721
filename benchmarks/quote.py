"""The hot read, `GET /v1/market/quote` with a token and limits on, against the same work done with FastAPI.

    python benchmarks/quote.py [--quick]

Three servers run at once and are asked in turns, one process each: the project on granian (WSGI, 16
threads) as docker-compose.yml serves it, the same on uvicorn as `make run` does, and the application of
`benchmarks/peers/quote_fastapi.py` on uvicorn with uvloop and httptools, from a virtual environment of its
own below .venv/benchmarks. Sixteen clients (`benchmarks/requests_load.py`, a process of its own) each keep
a connection open. The account is of the tier `pro`, whose limit is raised by LIMITS_PRO, so that every
request is counted and none is refused. A feed renews the prices every few seconds, as ticks would. Redis
and the database are those of the environment, or embedded ones.

CPU is that of the server's processes, user and system, by psutil; Redis, which does the same for all, is
left out. The last line is a JSON object: `ratio_to_fastapi` (requests per CPU-second; the median of the
rounds), `ratios` (of each round), then medians of the rounds: `requests_per_s`, `per_cpu_second`,
`p50_ms`, `p99_ms`, the same of the other two with `fastapi_` and `uvicorn_` before them; and `non_2xx`,
which has to be 0.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import psycopg
from bench_servers import fresh_environment, peer_python

PROJECT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PATH = "/v1/market/quote?symbol={}"
CLIENTS = 16
ROUNDS, SECONDS = 3, 20.0
QUICK_ROUNDS, QUICK_SECONDS = 3, 2.0
WARM_SECONDS = 1.0
SYMBOLS = [f"BENCH{number:02d}" for number in range(50)]
FEED_SECONDS = 5.0
START_SECONDS = 60
LIMIT = 900_000_000


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one server."""

    requests_per_s: float
    per_cpu_second: float
    p50_ms: float
    p99_ms: float
    other: int


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS:g} s a round only")
    parser.add_argument("--seconds", type=float, help="so many seconds a round")
    parser.add_argument("--rounds", type=int, help="so many rounds")
    parser.add_argument("--warm", type=float, default=WARM_SECONDS, help="seconds before each round")
    options = parser.parse_args()
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    peer = peer_python()
    with (
        tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch,
        fresh_environment(
            Path(scratch),
            RATE_LIMITS="on",
            LIMITS_PRO=f"{LIMIT}/minute",
            LIMIT_ADDRESS=f"{LIMIT}/minute",
            JWT_SIGNING_KEY=secrets.token_urlsafe(48),
        ),
    ):
        _manage("migrate", "-v0")
        print(json.dumps(_run(Path(scratch), peer, rounds, seconds, options.warm)))


def _manage(*arguments: str) -> None:
    subprocess.run([sys.executable, PROJECT / "manage.py", *arguments], check=True, timeout=300)


def _run(scratch: Path, peer_python: Path, rounds: int, seconds: float, warm: float) -> dict[str, Any]:
    import django

    django.setup()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_feed())
        granian = ["-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "16"]
        uvicorn = ["-m", "uvicorn", "--log-level", "warning", "--no-access-log", "--host", HOST]
        servers = {
            "granian": _Server(
                [sys.executable, *granian, "--host", HOST, "config.wsgi:application"], scratch
            ),
            "uvicorn": _Server([sys.executable, *uvicorn, "config.asgi:application"], scratch),
            "fastapi": _Server([peer_python, *uvicorn, "quote_fastapi:app"], scratch, _peer_environment()),
        }
        for server in servers.values():
            stack.enter_context(server)
        servers["granian"].wait("/health/live")
        servers["uvicorn"].wait("/health/live")
        token = _token(servers["granian"].port)
        for server in servers.values():
            server.wait(PATH.format(SYMBOLS[0]), token)
        measured: dict[str, list[Round]] = {name: [] for name in servers}
        for number in range(rounds):
            # Each in each place of the order, for what one leaves warm or full for the next.
            names = list(servers)[number % 3 :] + list(servers)[: number % 3]
            for name in names:
                measured[name].append(_measure(servers[name], token, seconds, warm))
                _tell(name, measured[name][-1])
    return _summary(measured, seconds)


def _peer_environment() -> dict[str, str]:
    lua = (PROJECT / "accounts" / "lua" / "limit.lua", PROJECT / "config" / "lua" / "hot_read.lua")
    return {
        "PYTHONPATH": str(PROJECT / "benchmarks" / "peers"),
        "PEER_LUA": ":".join(map(str, lua)),
        "PEER_LIMIT": str(LIMIT),
    }


class _Server:
    """A server process on a port of its own, with its children."""

    def __init__(
        self, command: Sequence[str | Path], scratch: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        with socket.socket() as free:
            free.bind((HOST, 0))
            self.port: int = free.getsockname()[1]
        self._command = [*map(str, command), "--port", str(self.port)]
        self._environment = {**os.environ, **(environment or {})}
        self._log = scratch / f"server-{self.port}.log"

    def __enter__(self) -> _Server:
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, cwd=PROJECT, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def wait(self, path: str, token: str = "") -> None:
        """Return when the server answers 200."""
        deadline = time.monotonic() + START_SECONDS
        while self._status(path, token) != 200:
            if self._process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"a server did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def cpu_seconds(self) -> float:
        """What the process and its children have used so far."""
        process = psutil.Process(self._process.pid)
        return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))

    def _status(self, path: str, token: str) -> int:
        link = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            link.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            return link.getresponse().status
        except OSError:
            return 0
        finally:
            link.close()


@contextlib.contextmanager
def _feed() -> Iterator[None]:
    """Prices of the stocks, written anew every few seconds as ticks bring them."""
    import redis

    from stocks.models import Market, Stock
    from stocks.quote_cache import QuoteCache
    from stocks.quotes import write_quotes
    from stocks.reference import ensure_reference_rows

    ensure_reference_rows()
    market = Market.objects.get(code="NASDAQ")
    Stock.objects.bulk_create(
        [Stock(code=code, name=code, market=market, currency="USD", source="bench") for code in SYMBOLS]
    )
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    client.set("peer:session", "alive")
    cache = QuoteCache()

    def renew(number: int) -> None:
        ticks = _ticks(number)
        write_quotes(ticks)
        cache.put(ticks)
        client.hset("peer:quotes", mapping={tick.code: _peer_value(tick) for tick in ticks})

    stop = threading.Event()

    def run() -> None:
        number = 1
        while not stop.wait(FEED_SECONDS):
            number += 1
            renew(number)

    renew(1)
    thread = threading.Thread(target=run, name="feed")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        client.close()


def _ticks(number: int) -> list[Any]:
    from stocks.types import Tick

    now = datetime.now(UTC)
    return [
        Tick(
            code=code,
            price=Decimal("245.50") + Decimal(number) / 100,
            as_of=now,
            received_at=now,
            source="bench",
            seq=number,
            volume=163_741_300 + number,
            open=Decimal("241.225"),
            high=Decimal("346.30"),
            low=Decimal("240.2106"),
            previous_close=Decimal("237.88"),
        )
        for code in SYMBOLS
    ]


def _peer_value(tick: Any) -> bytes:
    """The reply of the other side, written when the price came in."""
    from config.api.json import dumps_exact
    from stocks.quote_cache import CachedQuote
    from stocks.serializers.quotes import quote_reply
    from stocks.services.quotes import priced_stock

    quote = CachedQuote(tick, "USD", "XNYS", tick.received_at)
    return dumps_exact(quote_reply(priced_stock(quote, tick.received_at)))


def _token(port: int) -> str:
    """The access token of a registered user of the tier pro."""
    account = {"email": "bench@example.com", "password": secrets.token_urlsafe(16), "name": "Bench"}
    link = http.client.HTTPConnection(HOST, port, timeout=30)
    link.request("POST", "/v1/auth/register", json.dumps(account), {"Content-Type": "application/json"})
    reply = json.loads(link.getresponse().read())
    link.close()
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("UPDATE accounts_user SET tier = 'pro'")
    token: str = reply["access_token"]
    return token


def _measure(server: _Server, token: str, seconds: float, warm: float) -> Round:
    _load(server, token, warm)
    before = server.cpu_seconds()
    load = _load(server, token, seconds)
    cpu = server.cpu_seconds() - before
    return Round(
        requests_per_s=load["requests"] / load["seconds"],
        per_cpu_second=load["requests"] / cpu,
        p50_ms=load["p50_ms"],
        p99_ms=load["p99_ms"],
        other=load["other"],
    )


def _load(server: _Server, token: str, seconds: float) -> dict[str, Any]:
    plan = {
        "port": server.port,
        "path": PATH,
        "symbols": SYMBOLS,
        "token": token,
        "clients": CLIENTS,
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
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _tell(name: str, one: Round) -> None:
    print(
        f"{name:8} {one.requests_per_s:8.0f} req/s  {one.per_cpu_second:8.0f} per CPU-second  "
        f"p50 {one.p50_ms:6.2f} ms  p99 {one.p99_ms:6.2f} ms  {one.other} other",
        file=sys.stderr,
    )


def _summary(measured: Mapping[str, Sequence[Round]], seconds: float) -> dict[str, Any]:
    def median(name: str, figure: str) -> float:
        return statistics.median(getattr(one, figure) for one in measured[name])

    ratios = [
        ours.per_cpu_second / theirs.per_cpu_second
        for ours, theirs in zip(measured["granian"], measured["fastapi"], strict=True)
    ]
    result: dict[str, Any] = {
        "ratio_to_fastapi": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }
    for name, prefix in (("granian", ""), ("fastapi", "fastapi_"), ("uvicorn", "uvicorn_")):
        result |= {
            f"{prefix}p99_ms": round(median(name, "p99_ms"), 2),
            f"{prefix}p50_ms": round(median(name, "p50_ms"), 2),
            f"{prefix}requests_per_s": round(median(name, "requests_per_s")),
            f"{prefix}per_cpu_second": round(median(name, "per_cpu_second")),
        }
    return result | {
        "non_2xx": sum(one.other for rounds in measured.values() for one in rounds),
        "clients": CLIENTS,
        "rounds": len(ratios),
        "seconds": seconds,
        "server": "granian wsgi, 1 process, 16 threads",
    }


if __name__ == "__main__":
    main()

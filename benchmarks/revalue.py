"""How fast watched portfolios follow a batch of ticks: from XADD to the message in the room of each.

    python benchmarks/revalue.py [--quick]

10,000 portfolios (1,000 with --quick) of 10 to 20 stocks each, out of 2,700 in two currencies, stand in a
database of its own, on DATABASE_URL or on embedded servers that end with the program; a REDIS_URL must name
an empty database. `manage.py revalue_portfolios` runs as it does in production, and another process is
subscribed to the room of every portfolio, as web processes are. Every two seconds one batch with ticks of 500
stocks is appended; what is measured is the time from its XADD until each message has come to the subscriber.

Every portfolio that holds one of the stocks must have been told, in order, and the values of some are worked
out again with Decimals; else the program ends with an error. The last line is a JSON object.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import redis
from bench_servers import fresh_environment
from bench_subscriber import Subscriber

PROJECT = Path(__file__).resolve().parent.parent
STOCKS, TOUCHED = 2_700, 500
SEED = 5
PAUSE_SECONDS, WAIT_SECONDS = 2.0, 120.0
#: Nothing comes for so long once all has come.
QUIET_SECONDS = 0.5
RATE = Decimal("1337.25")
#: Portfolios whose messages are worked out again.
CHECKED = 50

#: What a portfolio holds: codes and quantities.
Held = dict[UUID, dict[str, Decimal]]


def measure(*, quick: bool) -> dict[str, float]:
    """The figures of one run, in a process of its own."""
    command = [sys.executable, str(PROJECT / "benchmarks" / "revalue.py"), *(["--quick"] if quick else [])]
    given = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600, env=given)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="1,000 portfolios and 5 batches")
    parser.add_argument("--portfolios", type=int, help="so many")
    parser.add_argument("--batches", type=int, help="so many")
    options = parser.parse_args()
    count = options.portfolios or (1_000 if options.quick else 10_000)
    batches = options.batches or (5 if options.quick else 20)
    with tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch, fresh_environment(Path(scratch)):
        held = _fill(count)
        figures = _measure(Path(scratch), held, batches)
    print(
        f"| portfolios | batches of {TOUCHED} | messages | p50 ms | p99 ms | max ms |\n"
        "|---|---|---|---|---|---|\n"
        f"| {count:,} | {batches} | {figures['revalue_messages']:,.0f} | {figures['revalue_p50_ms']}"
        f" | {figures['revalue_p99_ms']} | {figures['revalue_max_ms']} |\n"
    )
    print(json.dumps(figures))


def _fill(count: int) -> Held:
    """Stocks with quotes, a rate, and portfolios of one owner, written without their ledgers."""
    migrate = [sys.executable, str(PROJECT / "manage.py"), "migrate", "-v0"]
    subprocess.run(migrate, check=True, cwd=PROJECT)
    import django

    django.setup()
    from accounts.models import User
    from portfolios.models import Holding, Portfolio
    from stocks.models import FxRate, Quote, Stock

    now, chance = datetime.now(UTC), random.Random(SEED)
    stocks = Stock.objects.bulk_create(
        Stock(
            code=f"{number:06d}",
            name=f"Company {number}",
            market_id="NASDAQ" if number % 5 == 0 else "KOSPI",
            currency="USD" if number % 5 == 0 else "KRW",
            source="sandbox",
        )
        for number in range(STOCKS)
    )
    Quote.objects.bulk_create(
        Quote(stock=stock, price=100, previous_close=99, as_of=now, received_at=now, source="sandbox", seq=0)
        for stock in stocks
    )
    FxRate.objects.create(
        base="USD", quote="KRW", date=now.date(), rate=RATE, as_of=now, received_at=now, source="test"
    )
    owner = User.objects.create(email="owner@example.com")
    portfolios = Portfolio.objects.bulk_create(
        Portfolio(owner=owner, name=f"Portfolio {number}", base_currency="KRW") for number in range(count)
    )
    held: Held = {}
    rows = []
    for portfolio in portfolios:
        held[portfolio.pk] = {}
        for stock in chance.sample(stocks, chance.randrange(10, 21)):
            quantity = Decimal(chance.randrange(1, 500)).scaleb(-chance.choice((0, 0, 0, 2)))
            held[portfolio.pk][stock.code] = quantity
            cost = quantity * 90 + 1
            rate = RATE if stock.currency == "USD" else 1
            rows.append(
                Holding(
                    portfolio=portfolio,
                    stock=stock,
                    quantity=quantity,
                    cost=cost,
                    base_cost=cost * rate,
                    newest_at=now,
                    newest_sequence=1,
                )
            )
    Holding.objects.bulk_create(rows, batch_size=5_000)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return held


def _measure(scratch: Path, held: Held, batches: int) -> dict[str, float]:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    ours, theirs = multiprocessing.Pipe()
    listener = multiprocessing.Process(
        target=_listen, args=(theirs, _number(client), list(held)), daemon=True
    )
    listener.start()
    _heard(ours, "the subscriber")
    log = (scratch / "revaluer.log").open("wb")
    command = [sys.executable, str(PROJECT / "manage.py"), "revalue_portfolios"]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
    try:
        # First each is told as a whole.
        ours.send(len(held))
        _heard(ours, "the first messages")
        waits, told = _run(client, ours, held, batches)
        used = os.sysconf("SC_CLK_TCK")
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        seconds = (int(fields[11]) + int(fields[12])) / used
    finally:
        process.terminate()
        process.wait(timeout=30)
        listener.kill()
    waits.sort()
    return {
        "revalue_portfolios": len(held),
        "revalue_messages": told,
        "revalue_p50_ms": _percentile(waits, 50),
        "revalue_p99_ms": _percentile(waits, 99),
        "revalue_max_ms": round(waits[-1], 1),
        "revalue_process_cpu_s": round(seconds, 2),
    }


def _run(
    client: redis.Redis, ours: Connection[Any, Any], held: Held, batches: int
) -> tuple[list[float], int]:
    from stocks import stream
    from stocks.tests.tick_cases import tick, update

    chance = random.Random(SEED)
    prices = {f"{number:06d}": Decimal(100) for number in range(STOCKS)}
    waits: list[float] = []
    for number in range(batches):
        codes = chance.sample(sorted(prices), TOUCHED)
        prices |= {code: Decimal(chance.randrange(5_000, 20_000)).scaleb(-2) for code in codes}
        touched = [one for one, lines in held.items() if not lines.keys().isdisjoint(codes)]
        ours.send(len(touched))
        time.sleep(PAUSE_SECONDS)
        now = datetime.now(UTC)
        ticks = [
            tick(code, str(prices[code]), as_of=now, received_at=now, source="sandbox", seq=number + 1)
            for code in codes
        ]
        began = time.time()
        stream.append(client, update(*ticks))
        messages: list[tuple[float, bytes]] = _heard(ours, f"batch {number}")
        waits += [(at - began) * 1000 for at, _ in messages]
        _check(messages, touched, held, prices)
    return waits, len(waits)


def _check(
    messages: list[tuple[float, bytes]], touched: list[UUID], held: Held, prices: dict[str, Decimal]
) -> None:
    """Each that was touched has one message, and the values of some are right."""
    found = [json.loads(message, parse_float=Decimal) for _, message in messages]
    by_id = {UUID(message["room"].partition(":")[2]): message["data"] for message in found}
    assert by_id.keys() == set(touched) and len(found) == len(touched), "not each was told once"
    for portfolio_id in touched[:CHECKED]:
        value = sum(
            quantity * prices[code] * (RATE if int(code) % 5 == 0 else 1)
            for code, quantity in held[portfolio_id].items()
        )
        expected = Decimal(value).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
        assert by_id[portfolio_id]["summary"]["total_current_value"] == expected, portfolio_id


class Room(NamedTuple):
    """A room as a web process follows it."""

    written: bytes


def _listen(theirs: Connection[Any, Any], database: int, held: list[UUID]) -> None:
    """Be in all rooms; send what comes, each with its time, whenever as many have come as was asked for."""
    from realtime import keys
    from realtime.protocol.bundles import log_messages
    from realtime.protocol.envelope import unpack

    rooms = {f"portfolio:{one}".encode(): Room(f'"portfolio:{one}"'.encode()) for one in held}
    bundles = keys.bundles(database, "portfolio").encode()
    channels = [bundles, *(keys.channel(database, name.decode()).encode() for name in rooms)]
    with Subscriber() as subscriber:
        subscriber.subscribe(channels)
        theirs.send([])
        while True:
            wanted = theirs.recv()
            raw: list[tuple[float, bytes]] = []
            while len(raw) < wanted:
                for at, channel, payload in subscriber.messages(subscriber.until_quiet(QUIET_SECONDS)):
                    if channel == bundles:
                        raw += [(at / 1e6, envelope.message) for _, envelope in log_messages(payload, rooms)]
                    else:
                        raw.append((at / 1e6, unpack(payload).message))
            theirs.send(raw)


def _heard(ours: Connection[Any, Any], what: str) -> Any:
    assert ours.poll(WAIT_SECONDS), f"{what} did not come"
    return ours.recv()


def _number(client: redis.Redis) -> int:
    return int(client.get_connection_kwargs().get("db") or 0)


def _percentile(ordered: list[float], percent: int) -> float:
    """The nearest-rank percentile of sorted values."""
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 1)


if __name__ == "__main__":
    main()

"""Sixteen clients change ledgers at random while servers and connections to the database are killed.

Each change that was acknowledged is there exactly once, none that was repeated is there twice, and every
portfolio is what its ledger says. `STOCKROOM_OPERATIONS` says how many changes (800 where it says nothing),
`STOCKROOM_SEED` repeats what was asked for.

A killed backend lets PostgreSQL start all others anew, so that this is done where no other tests use it, and
where they do the connection is ended. What was committed has to outlive that: the test's servers commit as
production does, and not as tests do otherwise.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
from django.db import connection

from accounts.models import IdempotencyKey
from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from accounts.tokens import AccessToken
from portfolios.models import AppliedAction, Portfolio, Transaction
from portfolios.tests.identities import breaks_of
from portfolios.tests.ledger_load import HOST, Client, Outcome, Target
from portfolios.types import Method
from realtime.tests.servers import free_port
from stocks.models import FxRate
from stocks.tests.factories import ActionFactory, StockFactory

if TYPE_CHECKING:
    from config.testing import LiveStack

OPERATIONS = int(os.environ.get("STOCKROOM_OPERATIONS", "800"))
SEED = int(os.environ.get("STOCKROOM_SEED") or random.randrange(10**6))
CLIENTS = 16
#: Changes for each kill, and the fewest kills.
PER_KILL, FEWEST = 500, 3
#: Stocks grow in number with the changes, so that the rows of each stay some hundreds.
PER_STOCK = 1500
CURRENCIES = (("NASDAQ", "USD"), ("KOSPI", "KRW"), ("NSE", "INR"))
READY_SECONDS = 90.0

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600 + OPERATIONS // 10)]


class Servers:
    """Two web servers over one database, as `make run` and as production serve; either may be killed."""

    def __init__(self, stack: LiveStack) -> None:
        self._stack = stack
        self._port = free_port()
        self._granian = self._start()
        self._wait()

    @property
    def ports(self) -> tuple[int, int]:
        return self._stack.port, self._port

    def kill(self, number: int) -> None:
        """End one as a crash does, with its children, and start it anew."""
        if number == 0:
            self._stack.kill(self._stack.web)
            self._stack.restart_web()
            return
        self.close()
        self._granian = self._start()
        self._wait()

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._granian.pid, signal.SIGKILL)
        self._granian.wait()

    def said(self) -> str:
        return f"{self._stack.output(self._stack.web)}\n{self._stack.output(self._granian)}"[-10_000:]

    def _start(self) -> subprocess.Popen[bytes]:
        return self._stack.start(
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1"),
            *("--blocking-threads", "8", "--host", HOST, "--port", str(self._port)),
            "config.wsgi:application",
            DATABASE_POOL_SIZE="8",
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"http://{HOST}:{self._port}/health/live", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                assert self._granian.poll() is None, self.said()
                assert time.monotonic() < deadline, self.said()
                time.sleep(0.05)


def _kill_backend(chance: random.Random) -> str:
    """End a connection of the servers to the database, most often one within a transaction."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        found = database.execute(
            "SELECT pid, state LIKE 'idle in%%' OR state = 'active' FROM pg_stat_activity"
            " WHERE datname = %s AND backend_type = 'client backend'",
            [connection.settings_dict["NAME"]],
        ).fetchall()
        busy = [pid for pid, is_busy in found if is_busy] or [pid for pid, _ in found]
        if not busy:
            return "no backend"
        pid = chance.choice(busy)
        if "PYTEST_XDIST_WORKER" in os.environ or not _is_ours(pid):
            database.execute("SELECT pg_terminate_backend(%s)", [pid])
            return "backend ended"
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return "backend killed"


def _is_ours(pid: int) -> bool:
    """Whether it is a process of this machine that serves the database of this test."""
    try:
        return connection.settings_dict["NAME"] in " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return False


class Killer:
    """Kills by the progress of the clients: one for each so many outcomes."""

    def __init__(self, servers: Servers, target: Target, chance: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self._servers, self._target, self._chance = servers, target, chance
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._failed: AssertionError | RuntimeError | None = None

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(READY_SECONDS + 60)
        assert not self._thread.is_alive()
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        kills = max(FEWEST, OPERATIONS // PER_KILL)
        due = [OPERATIONS * (number + 1) // (kills + 1) for number in range(kills)]
        for number, progress in enumerate(due):
            while len(self._target.outcomes) < progress:
                if self._stop.wait(0.01):
                    return
            try:
                self._kill(number % 3)
            except (AssertionError, RuntimeError) as error:
                self._failed = error
                return

    def _kill(self, what: int) -> None:
        if what == 2:
            self.done[_kill_backend(self._chance)] += 1
            return
        self._servers.kill(what)
        self.done["server killed"] += 1


@pytest.fixture
def durable(transactional_db: None) -> Iterator[None]:
    """Connections to the test database that are made from here on wait for their commits to be written."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
    yield
    # The one of the test may have gone with a backend that was killed.
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} RESET synchronous_commit")


@pytest.fixture
def target(durable: None, monkeypatch: pytest.MonkeyPatch) -> Target:
    # A long run takes more than an hour.
    monkeypatch.setattr(AccessToken, "lifetime", timedelta(days=1))
    user = UserFactory.create()
    stocks = max(6, OPERATIONS // PER_STOCK)
    for number in range(stocks):
        market, currency = CURRENCIES[number % 3]
        stock = StockFactory.create(code=f"STOCK{number}", market_id=market, currency=currency)
        # The servers write these into every ledger that held the stock.
        ActionFactory.create(stock=stock, kind="split", ex_date=date(2024, 4, 3), ratio=Decimal(2))
        ActionFactory.create(stock=stock, kind="dividend", ex_date=date(2024, 6, 5), amount=Decimal("0.25"))
    for base, rate in (("KRW", "0.00075"), ("INR", "0.012")):
        moment = datetime(2024, 1, 1, tzinfo=UTC)
        FxRate.objects.create(
            base=base,
            quote="USD",
            date=moment.date(),
            rate=Decimal(rate),
            as_of=moment,
            received_at=moment,
            source="test",
        )
    portfolios = [
        Portfolio.objects.create(
            owner=user, name=method.value, method=method.value, base_currency="USD", records_cash=records_cash
        )
        for method in Method
        for records_cash in (True, False)
    ]
    return Target(
        ports=(),
        token=session_start(user=user).access_token,
        portfolios=[(str(one.pk), one.records_cash) for one in portfolios],
        stocks=[f"STOCK{number}" for number in range(stocks)],
    )


def test_each_change_has_its_effect_once_whoever_is_killed(target: Target, live_stack: LiveStack):
    print(f"seed {SEED}, {OPERATIONS} changes")
    began = time.monotonic()
    shares = [OPERATIONS // CLIENTS + (number < OPERATIONS % CLIENTS) for number in range(CLIENTS)]
    with (
        contextlib.closing(Servers(live_stack)) as servers,
        Killer(servers, target, random.Random(SEED)) as killer,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        target.ports = servers.ports
        clients = [Client(target, number, SEED) for number in range(CLIENTS)]
        list(pool.map(lambda client, count: client.run(count), clients, shares))
    print(f"{time.monotonic() - began:.1f} s, {dict(killer.done)}, {dict(target.seen)}")
    # A killed backend took this connection with it.
    connection.close()

    assert len(target.outcomes) == OPERATIONS
    assert list(_strange(target.outcomes)) == [], servers.said()
    assert list(_wrong(target.outcomes)) == []
    assert IdempotencyKey.objects.count() >= sum(one.status == 201 for one in target.outcomes)
    for portfolio in Portfolio.objects.all():
        assert breaks_of(portfolio) == [], f"{portfolio.method}, seed {SEED}"
    actions = AppliedAction.objects.exclude(transaction=None).values_list("transaction_id", flat=True)
    assert len(actions) == len(set(actions)) > 0
    assert sum(killer.done.values()) >= FEWEST
    assert target.seen["replayed"] > 0
    kinds = set(Transaction.objects.values_list("type", flat=True))
    assert len(kinds) == 12


def _strange(outcomes: list[Outcome]) -> Iterator[str]:
    """Outcomes that no rule of the ledger explains."""
    allowed = {"", "INSUFFICIENT_QUANTITY", "ALREADY_REVERSED", "ACTION_ALREADY_APPLIED", "EXTERNAL_ID_TAKEN"}
    for one in outcomes:
        if one.status not in (201, 409) or one.error not in allowed:
            yield f"{one.note} {one.kind}: {one.status} {one.error}"
        elif one.error == "EXTERNAL_ID_TAKEN":
            # Every external id is sent under one key, whose reply is the first one.
            yield f"{one.note}: taken, though nobody else has it"


def _wrong(outcomes: list[Outcome]) -> Iterator[str]:
    """Acknowledged changes that are not there exactly once, and refused ones that are there."""
    rows = list(Transaction.objects.values_list("id", "note", "portfolio_id", "reverses_id", "sequence"))
    by_note = Counter(note for _, note, _, reverses, _ in rows if note and reverses is None)
    by_id = {str(key): (str(portfolio), reverses, sequence) for key, _, portfolio, reverses, sequence in rows}
    told: set[str] = set()
    for one in outcomes:
        there = by_note.pop(one.note, 0)
        if one.status != 201:
            if there:
                yield f"{one.note} was refused ({one.error}) and is there {there} times"
            continue
        portfolio, reverses, sequence = by_id.get(one.transaction["id"], ("", None, 0))
        if portfolio != one.portfolio or sequence != one.transaction["sequence"]:
            yield f"{one.note} was acknowledged and is not there"
        if one.transaction["id"] in told:
            yield f"{one.note} was acknowledged with the row of another change"
        told.add(one.transaction["id"])
        if one.kind == "REVERSE" and str(reverses) != one.transaction["reverses"]:
            yield f"{one.note} reversed nothing"
        if one.kind != "REVERSE" and there != 1:
            yield f"{one.note} was acknowledged and is there {there} times"
    for note in by_note:
        yield f"nobody knows of {note}"

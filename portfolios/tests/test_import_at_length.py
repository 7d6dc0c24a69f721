"""Long files, sent to a real server whose memory is looked at while it answers others.

`STOCKROOM_IMPORT_ROWS` says how long they are: 10,000 rows where it says nothing. What the server may take in
addition does not depend on it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from portfolios.models import Holding, ImportRun, Lot, Portfolio, Transaction
from portfolios.services.rebuilding import portfolio_reconcile
from stocks.models import Stock
from stocks.tests.factories import StockFactory

if TYPE_CHECKING:
    from config.testing import LiveStack

ROWS = int(os.environ.get("STOCKROOM_IMPORT_ROWS", "10000"))
#: One row of so many is wrong, in a file that has errors.
ONE_IN = 1000
BEGAN = datetime(2020, 1, 2, tzinfo=UTC)
#: In kB. A file of 100,000 rows has 5 MB, and its rows as objects would be some 100 MB.
MOST_MORE = 32 * 1024
#: Seconds that a short request may take while a file is read by the same process, on a busy machine.
MOST_WAIT = 15.0

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300 + ROWS // 50)]


def lines(stocks: list[Stock], rows: int, *, errors: bool) -> Iterator[str]:
    """Purchases and sales of some stocks, and here and there a row that is none."""
    yield "type,stock_code,quantity,price,fee,traded_at\n"
    for number in range(rows):
        kind = "BUY" if number < 100 or number % 3 else "SELL"
        if errors and number % ONE_IN == ONE_IN - 1:
            kind = "SHORT"
        quantity = 1 if kind == "SELL" else number % 7 + 1
        moment = BEGAN + timedelta(minutes=10 * number)
        code = stocks[number % len(stocks)].code
        yield f"{kind},{code},{quantity},{number % 90 + 10}.5,0.25,{moment:%Y-%m-%dT%H:%M:%SZ}\n"


def held(stocks: list[Stock], rows: int) -> dict[str, Decimal]:
    """What the file comes to, counted by hand."""
    found: dict[str, Decimal] = {}
    for kind, code, quantity, *_ in csv.reader(list(lines(stocks, rows, errors=False))[1:]):
        found[code] = found.get(code, Decimal(0)) + Decimal(quantity) * (1 if kind == "BUY" else -1)
    return found


class Caller:
    """One user's requests to a server."""

    def __init__(self, stack: LiveStack, token: str) -> None:
        self._stack, self._token = stack, token

    def post(self, url: str, text: str, *, kind: str = "text/csv") -> tuple[int, Any]:
        request = self._request(url, kind)
        request.data = text.encode()
        try:
            with urllib.request.urlopen(request, timeout=60 + ROWS // 100) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def get(self, url: str) -> str:
        with urllib.request.urlopen(self._request(url, "text/csv"), timeout=120) as answer:
            return str(answer.read().decode())

    def _request(self, url: str, kind: str) -> urllib.request.Request:
        headers = {"Content-Type": kind, "Authorization": f"Bearer {self._token}"}
        return urllib.request.Request(f"{self._stack.url}{url}", headers=headers)


@dataclass
class Others:
    """What other requests came to, in seconds."""

    reads: list[float] = field(default_factory=list)
    trades: list[float] = field(default_factory=list)
    wrong: list[Any] = field(default_factory=list)


@contextmanager
def others_asking(caller: Caller, portfolio: Portfolio, stock: Stock) -> Iterator[Others]:
    """Another user reads holdings and trades all the while, one request after the other."""
    others, done = Others(), threading.Event()
    url = f"/v1/portfolios/{portfolio.pk}"
    trade = json.dumps({"type": "BUY", "stock_code": stock.code, "quantity": 1, "price": 10})

    def ask() -> None:
        while not done.wait(0.02):
            began = time.perf_counter()
            try:
                caller.get(f"{url}/lots")
                read = time.perf_counter()
                status, body = caller.post(f"{url}/transactions", trade, kind="application/json")
            except OSError as error:
                others.wrong.append(repr(error))
                return
            others.reads.append(read - began)
            others.trades.append(time.perf_counter() - read)
            if status != 201:
                others.wrong.append((status, body))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield others
    finally:
        done.set()
        thread.join(timeout=120)
        assert not thread.is_alive()


class Memory:
    """What the server has in memory, and the most that it had since it was asked last, in kB."""

    def __init__(self, stack: LiveStack) -> None:
        self._home = Path(f"/proc/{stack.web.pid}")
        if not (self._home / "clear_refs").exists():
            pytest.skip("this system does not tell the peak memory of a process")

    def now(self) -> int:
        return self._line("VmRSS:")

    def peak(self) -> int:
        return self._line("VmHWM:")

    def forget_peak(self) -> None:
        (self._home / "clear_refs").write_text("5")

    def _line(self, name: str) -> int:
        told = (self._home / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in told if line.startswith(name))


def test_a_long_file_is_taken_whole_or_not_at_all_in_flat_memory_while_others_are_answered(
    live_stack: LiveStack,
) -> None:
    owner, other = UserFactory.create(), UserFactory.create()
    caller = Caller(live_stack, session_start(user=owner).access_token)
    stocks = [StockFactory.create() for _ in range(20)]
    long, short = (Portfolio.objects.create(owner=owner, name=name, method="fifo") for name in ("l", "s"))
    theirs = Portfolio.objects.create(owner=other, name="theirs")
    asking = Caller(live_stack, session_start(user=other).access_token)
    memory = Memory(live_stack)
    # Everything that first requests build is there before memory is looked at.
    few = "".join(lines(stocks, 2000, errors=False))
    with others_asking(asking, theirs, stocks[0]):
        assert caller.post(f"/v1/portfolios/{short.pk}/transactions/import", few)[0] == 201
    before = memory.now()
    memory.forget_peak()

    url = f"/v1/portfolios/{long.pk}/transactions"
    right, wrong = ("".join(lines(stocks, ROWS, errors=errors)) for errors in (False, True))
    seconds: dict[str, float] = {}

    def sent(what: str, text: str, query: str = "") -> tuple[int, Any]:
        began = time.perf_counter()
        answer = caller.post(f"{url}/import{query}", text)
        seconds[what] = round(time.perf_counter() - began, 1)
        print(f"{what}: {seconds[what]} s, {memory.peak() - before} kB more at most")
        return answer

    def read_report(body: Any) -> list[list[str]]:
        return list(csv.reader(io.StringIO(caller.get(body["report_url"]))))

    with others_asking(asking, theirs, stocks[0]) as others:
        status, body = sent("refused", wrong)
        assert status == 422, body
        details = body["details"]
        bad = [number + 2 for number in range(ONE_IN - 1, ROWS, ONE_IN)]
        assert (details["rows"], details["new"], details["refused"]) == (ROWS, ROWS - len(bad), len(bad))
        shown = [(row["line"], row["column"]) for row in details["report"] if row["status"] == "refused"]
        assert shown == [(line, "type") for line in bad[:100]]
        assert not Transaction.objects.filter(portfolio=long).exists()
        assert not Holding.objects.filter(portfolio=long).exists()
        report = read_report(details)
        assert [int(line[0]) for line in report[1:]] == list(range(2, ROWS + 2))
        assert [int(line[0]) for line in report if line[1] == "refused"] == bad
        assert {tuple(line[2:]) for line in report if line[1] == "refused"} == {
            ("type", "'SHORT' is no known type", "")
        }

        status, body = sent("dry run", right, "?dry_run=true")
        assert status == 200, body
        would_be = body["holdings"]
        assert (body["new"], len(would_be)) == (ROWS, len(stocks))
        assert not Transaction.objects.filter(portfolio=long).exists()

        status, body = sent("imported", right)
        assert (status, body["new"], body["refused"]) == (201, ROWS, 0), body
        ids = {line[4] for line in read_report(body)[1:]}
        assert ids == {
            str(row) for row in Transaction.objects.filter(portfolio=long).values_list("pk", flat=True)
        }
        assert body["holdings"] == would_be
        status, body = sent("again", right)
        assert (status, body["new"], body["duplicates"]) == (201, 0, ROWS), body
        began = time.perf_counter()
        text = caller.get(f"{url}/export")
        seconds["exported"] = round(time.perf_counter() - began, 1)
    peak, after = memory.peak(), memory.now()

    assert text.count("\n") == ROWS + 1
    quantities = Holding.objects.filter(portfolio=long).values_list("stock__code", "quantity")
    assert dict(quantities) == held(stocks, ROWS)
    assert Lot.objects.filter(holding__portfolio=long).count() > ROWS // 3
    assert [run.imported for run in ImportRun.objects.filter(portfolio=long)] == [True, True, False, False]
    assert portfolio_reconcile(portfolio_id=long.pk) == []
    waits = {
        name: f"{len(times)} times, median {statistics.median(times) * 1000:.0f} ms, most {max(times):.2f} s"
        for name, times in (("reads", others.reads), ("trades", others.trades))
    }
    print(f"{ROWS} rows, {seconds} s; RSS {before} kB before, {peak} at most, {after} after; others: {waits}")
    assert others.wrong == []
    assert max(*others.reads, *others.trades) < MOST_WAIT
    assert Transaction.objects.filter(portfolio=theirs).count() >= len(others.trades) > 3
    assert peak - before < MOST_MORE

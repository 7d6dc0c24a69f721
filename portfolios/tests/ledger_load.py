"""Clients that change ledgers at random over HTTP, and stop at nothing before they know what became of it.

Every request has an Idempotency-Key and a note of its own. A client repeats a request, at any of the servers,
until one of them says what it did: after a connection that broke, a server that is away, a reply that the
client never read on purpose, and once more for good measure where all went well.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

HOST = "127.0.0.1"
PATIENCE_SECONDS = 120.0
#: Of all requests: replies that are not read, and requests that are sent again though the reply was.
LOST, REPEATED = 0.04, 0.04
BEGAN = datetime(2024, 1, 2, 15, tzinfo=UTC)
_CASH = ("DEPOSIT", "WITHDRAW", "FEE", "TAX", "INTEREST", "TRANSFER_IN", "TRANSFER_OUT")
_SHARES = {"BUY": 30, "SELL": 25, "DIVIDEND": 4, "SPLIT": 2, "BONUS": 3, "TRANSFER_IN": 6, "TRANSFER_OUT": 6}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: its last status, and the row that it made, if any."""

    note: str
    kind: str
    portfolio: str
    status: int
    error: str
    transaction: dict[str, Any]


@dataclass(slots=True)
class Target:
    """Where the clients send to, and what they found out of each other: ports, and rows to be corrected."""

    ports: Sequence[int]
    token: str
    portfolios: Sequence[tuple[str, bool]]
    stocks: Sequence[str]
    rows: dict[str, list[str]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Client:
    """One thread: ``run`` sends ``count`` changes, one after the other."""

    def __init__(self, target: Target, number: int, seed: int) -> None:
        self._target, self._number = target, number
        self._chance = random.Random(f"{seed}-{number}")
        self._port = target.ports[number % len(target.ports)]
        self._link: http.client.HTTPConnection | None = None

    def run(self, count: int) -> None:
        for sent in range(count):
            self._change(f"{self._number}-{sent}")
        if self._link is not None:
            self._link.close()

    def _change(self, note: str) -> None:
        chance, target = self._chance, self._target
        portfolio, records_cash = chance.choice(target.portfolios)
        kind, path, body = "RECORD", f"/v1/portfolios/{portfolio}/transactions", None
        row = self._row_of(portfolio) if chance.random() < 0.12 else None
        if row is not None:
            kind = chance.choice(("REVERSE", "REPLACE"))
            path += f"/{row}/{'reversal' if kind == 'REVERSE' else 'replacement'}"
        if kind != "REVERSE":
            body = {**self._transaction(records_cash), "note": note}
            if chance.random() < 0.3:
                body["external_id"] = note
        status, reply = self._insist(path, body, note)
        made = reply.get("transaction", {})
        with target.lock:
            outcome = Outcome(note, kind, portfolio, status, reply.get("error", ""), made)
            target.outcomes.append(outcome)
            if status == 201 and kind != "REVERSE":
                target.rows.setdefault(portfolio, []).append(made["id"])

    def _row_of(self, portfolio: str) -> str | None:
        """A row that somebody wrote, most often a new one; more than one client may try to correct it."""
        with self._target.lock:
            rows = self._target.rows.get(portfolio, [])
            return rows[-min(len(rows), 1 + int(self._chance.expovariate(0.1)))] if rows else None

    def _insist(self, path: str, body: dict[str, Any] | None, note: str) -> tuple[int, dict[str, Any]]:
        """Send a request until its outcome is known."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        known: tuple[int, dict[str, Any]] | None = None
        while True:
            assert time.monotonic() < deadline, f"no server answered {note}"
            answer = self._send(path, body, note)
            if answer is None:
                self._port = self._chance.choice(self._target.ports)
                time.sleep(self._chance.uniform(0.05, 0.3))
                continue
            status, reply = answer
            if status == 503 or reply.get("error") == "IDEMPOTENCY_KEY_IN_FLIGHT":
                time.sleep(self._chance.uniform(0.02, 0.2))
                continue
            if known is not None:
                assert answer == known, f"{note} was answered otherwise the second time"
            elif self._chance.random() < REPEATED:
                known = answer
                continue
            return answer

    def _send(self, path: str, body: dict[str, Any] | None, note: str) -> tuple[int, dict[str, Any]] | None:
        """The status and body of the reply; None where it is not known, because of a fault or on purpose."""
        headers = {
            "Authorization": f"Bearer {self._target.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"key {note}",
        }
        if self._link is None:
            self._link = http.client.HTTPConnection(HOST, self._port, timeout=30)
        try:
            self._link.request("POST", path, None if body is None else json.dumps(body), headers)
            if self._chance.random() < LOST:
                self._seen("reply not read")
                self._drop()
                return None
            response = self._link.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self._seen("connection lost")
            self._drop()
            return None
        reply = json.loads(text)
        self._seen(f"{response.status} {reply.get('error', '')}".strip())
        if response.headers.get("Idempotent-Replayed"):
            self._seen("replayed")
        # Whether it was carried out nobody knows after an error of the server, as little as after silence.
        return (response.status, _without_times(response.status, reply)) if response.status != 500 else None

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None

    def _seen(self, what: str) -> None:
        with self._target.lock:
            self._target.seen[what] += 1

    def _transaction(self, records_cash: bool) -> dict[str, Any]:
        chance = self._chance
        body: dict[str, Any] = {}
        if chance.random() < 0.35:
            moment = BEGAN + timedelta(days=chance.randrange(300), seconds=chance.randrange(3))
            body["traded_at"] = moment.isoformat()
        if chance.random() < 0.1:
            kinds = _CASH if records_cash else ("FEE", "TAX", "INTEREST")
            body |= {"type": chance.choice(kinds), "currency": chance.choice(("USD", "KRW", "INR"))}
            return body | {"amount": chance.randrange(1, 10**6) / 100}
        kind = chance.choices(list(_SHARES), list(_SHARES.values()))[0]
        body |= {"type": kind, "stock_code": chance.choice(self._target.stocks)}
        price = chance.randrange(100, 50_000) / 100
        if kind == "SPLIT":
            return body | {"ratio": chance.choice(("2:1", "1:2", "3:2", "2:3"))}
        if kind == "DIVIDEND":
            return body | {"amount": price, "tax": 1.5}
        if kind == "BONUS" and chance.random() < 0.5:
            return body | {"ratio": "11:10"}
        body["quantity"] = chance.choice((chance.randrange(1, 50), chance.randrange(1, 50_000) / 1000))
        if kind == "BONUS":
            return body
        if kind in ("BUY", "SELL"):
            return body | {"price": price, "fee": chance.randrange(500) / 100, "tax": 0.25}
        if kind == "TRANSFER_IN" or chance.random() < 0.5:
            return body | {"price": price}
        # Shares that leave at what they cost.
        return body


def _without_times(status: int, reply: dict[str, Any]) -> dict[str, Any]:
    """An error says when it was sent and to which request."""
    if status < 400:
        return reply
    return {name: value for name, value in reply.items() if name not in ("timestamp", "request_id")}

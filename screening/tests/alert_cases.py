"""Alerts and ticks for the tests of the evaluator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import User
from accounts.tests.factories import UserFactory
from screening.alerts.evaluator import GROUP, Evaluator
from screening.models import Alert, Notification
from screening.services.alerts import alert_create
from stocks.lease import Lease
from stocks.models import Stock
from stocks.selectors.listing import stock_by_code
from stocks.tests.factories import StockFactory
from stocks.tests.tick_cases import batch, tick, update
from stocks.types import Tick

_numbers = count(1)


def stock(code: str = "005930") -> Stock:
    """The stock with this code, made where it is missing, as services take it."""
    if not Stock.objects.filter(code=code).exists():
        StockFactory.create(code=code)
    return stock_by_code(code)


def alert(user: User | None = None, code: str = "005930", **values: Any) -> Alert:
    """An alert on a price of 100 or more, of a user who may have many."""
    asked: dict[str, Any] = {"kind": "price", "condition": "above", "threshold": Decimal(100)} | values
    return alert_create(
        user=user or UserFactory.create(tier="pro"), stock=stock(code), now=datetime.now(UTC), **asked
    )


def at(price: str | int, code: str = "005930", **values: Any) -> Tick:
    """A tick of this moment, newer than all before it."""
    moment = datetime.now(UTC) + timedelta(microseconds=next(_numbers))
    return tick(code, str(price), as_of=moment, received_at=moment, source="sandbox", **values)


def prices(*figures: str | int, code: str = "005930") -> list[Tick]:
    return [at(figure, code) for figure in figures]


class Bench:
    """An evaluator that holds the lease, and is handed ticks without a stream."""

    def __init__(self) -> None:
        self.lease = Lease(GROUP)
        assert self.lease.take()
        self.hurried = 0
        self.evaluator = Evaluator(self.lease, self._hurry)
        self.evaluator.look()

    def _hurry(self) -> None:
        self.hurried += 1

    def show(self, *ticks: Tick) -> None:
        """One entry with these ticks."""
        self.evaluator.handle(batch(update(*ticks)))

    def read_anew(self) -> None:
        """Forget what is known, and read all alerts."""
        self.evaluator._doubtful = True
        self.look()

    def look(self) -> None:
        """Look at once at what users have changed."""
        self.evaluator._looked_at = float("-inf")
        self.evaluator.look()


def values(one: Alert | None = None) -> list[Decimal | None]:
    """What has fired, in order."""
    found = Notification.objects.order_by("number")
    if one is not None:
        found = found.filter(alert=one)
    return list(found.values_list("value", flat=True))

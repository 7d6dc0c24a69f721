"""Live screens, ticks and what a member of a room hears, for the tests of the evaluator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import redis

from accounts.models import User
from accounts.tests.factories import UserFactory
from realtime import keys
from realtime.protocol.encoding import dumps
from realtime.tests.bus import log
from screening.live.evaluator import Evaluator
from screening.live.reading import GROUP
from screening.models import SavedScreen, ScreenMember
from screening.rooms import ScreenRoom
from screening.services.saved import screen_save
from stocks import stream
from stocks.lease import Lease
from stocks.models import Stock
from stocks.tests.factories import StockFactory, indicators
from stocks.tests.tick_cases import batch, tick, update
from stocks.types import Tick

_numbers = count(1)
CLOSE = 100.0


def listed(code: str, close: float = CLOSE, **figures: Any) -> Stock:
    """A stock whose last session closed so."""
    stock = StockFactory.create(code=code)
    indicators(stock, close_price=close, **figures)
    return stock


def saved(q: str = "close_price > 110", user: User | None = None, **asked: Any) -> SavedScreen:
    """A saved screen that asks this."""
    return screen_save(
        user=user or UserFactory.create(tier="pro"),
        name=f"Screen {next(_numbers)}",
        description="",
        asked={"q": q, "sort_by": "code", "order": "asc", **asked},
        now=datetime.now(UTC),
    )


def at(price: str | float, code: str, *, age: float = 0.0, **values: Any) -> Tick:
    """A tick of this moment, or of so many seconds ago; newer than all before it of the same age."""
    moment = datetime.now(UTC) - timedelta(seconds=age) + timedelta(microseconds=next(_numbers))
    given: dict[str, Any] = {"source": "sandbox", "previous_close": None} | values
    return tick(code, str(price), as_of=moment, received_at=moment, **given)


@contextmanager
def somebody_in(client: redis.Redis, *screens: SavedScreen) -> Iterator[None]:
    """The rooms of these screens are occupied."""
    database = int(client.get_connection_kwargs().get("db") or 0)
    with client.pubsub() as link:
        link.subscribe(*(keys.channel(database, f"screen:{one.pk}") for one in screens))
        for _ in screens:
            assert link.get_message(timeout=5) is not None
        yield


class Bench:
    """An evaluator that holds the lease, and is handed ticks without a stream."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.lease = Lease(GROUP)
        assert self.lease.take()
        self.hurried = 0
        self.evaluator = Evaluator(self.lease, client, self._hurry)
        self.look()

    def _hurry(self) -> None:
        self.hurried += 1

    def show(self, *ticks: Tick) -> None:
        """One entry with these ticks, which whoever begins finds in the stream."""
        stream.append(self.client, update(*ticks))
        self.evaluator.handle(batch(update(*ticks)))

    def look(self) -> None:
        """Look at once at all that is due besides ticks."""
        self.evaluator._looked_at = self.evaluator._ranked_at = self.evaluator._read_at = float("-inf")
        self.evaluator.look()

    def tell_updates(self) -> None:
        """Tell what has changed, whether it is time to or not."""
        self.evaluator._updates._looked_at = float("-inf")
        self.evaluator._updates._told_at = {}
        self.evaluator._tell_updates()

    def replaced(self) -> Bench:
        """This one ends without a word, and another begins."""
        self.lease.release()
        return Bench(self.client)


def logged(client: redis.Redis, screen: SavedScreen) -> list[dict[str, Any]]:
    """What the room of the screen was told, in order."""
    messages = [json.loads(one.message, parse_float=Decimal) for one in log(client, f"screen:{screen.pk}")]
    assert {one["type"] for one in messages} <= {"screen"}
    return [one["data"] for one in messages]


def crossings(client: redis.Redis, screen: SavedScreen) -> list[tuple[str, str]]:
    """Which stocks have entered and left, in order."""
    told = logged(client, screen)
    return [(one["event"], one["stock_code"]) for one in told if one["event"] in ("enter", "leave")]


def members(screen: SavedScreen) -> list[str]:
    """The codes of the stored members, in order."""
    found = ScreenMember.objects.filter(live__screen_id=screen.pk)
    return sorted(found.values_list("stock__code", flat=True))


def snapshot(screen_id: UUID) -> dict[str, Any]:
    """What somebody is told who joins."""
    fields = ScreenRoom().snapshot(str(screen_id))
    assert fields is not None
    assert fields["type"] == "screen"
    data = json.loads(dumps(fields["data"]), parse_float=Decimal)
    assert isinstance(data, dict)
    return data

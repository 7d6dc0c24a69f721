"""Runs a client for a test and waits for what it should yield."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from stockroom_client import Backoff, Event, Stockroom, StockroomError

SECONDS = 30.0
E = TypeVar("E", bound=Event)


def run(scenario: Coroutine[Any, Any, Any]) -> Any:
    """The result of a scenario, which may take no longer than a working system needs."""
    return asyncio.run(asyncio.wait_for(scenario, 2 * SECONDS))


def client(url: str, **options: Any) -> Stockroom:
    """A client that is quick to come back, and signs in as `basic`."""
    if "token_provider" not in options:
        options.setdefault("token", "basic")
    options.setdefault("backoff", Backoff(0.05, 0.2))
    return Stockroom(url, connect_options={"proxy": None}, **options)


async def next_of(stockroom: Stockroom, kind: type[E], which: Callable[[E], Any] = lambda event: True) -> E:
    """The next event of a kind that fits, whatever comes before."""
    async with asyncio.timeout(SECONDS):
        async for event in stockroom:
            if isinstance(event, kind) and which(event):
                return event
    raise AssertionError("the iterator has ended")


async def all_of(stockroom: Stockroom) -> tuple[list[Event], BaseException | None]:
    """Everything until the end, and what it ended with."""
    events = []
    try:
        async with asyncio.timeout(SECONDS):
            async for event in stockroom:
                events.append(event)
    except (StockroomError, LookupError) as error:
        return events, error
    return events, None

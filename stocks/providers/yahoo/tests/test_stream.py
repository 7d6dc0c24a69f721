"""The stream: it comes back after every end, registers again, and never keeps its caller waiting."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from decimal import Decimal
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from stocks.providers.protocol import Update
from stocks.providers.yahoo.stream import Stream
from stocks.providers.yahoo.tests.standin import NOW, Streamer, ending, frame
from stocks.tests.standin import Answer, Request, StandIn, websocket_stand_in
from stocks.types import StockKey

APPLE, BERKSHIRE = StockKey("AAPL", "NASDAQ", "USD"), StockKey("BRK.B", "NYSE", "USD")
BOTH = {"AAPL": APPLE, "BRK-B": BERKSHIRE}
SECONDS = 20.0

Script = Callable[[Streamer, ServerConnection, int], None]


@contextmanager
def _updates(
    streamer: Streamer, wanted: Callable[[], Mapping[str, StockKey]], **options: Any
) -> Iterator[Iterator[Update]]:
    options.setdefault("first_pause", 0.05)
    with websocket_stand_in(streamer) as url, ending(streamer):
        updates = Stream(url, wanted, lambda: NOW, **options).updates()
        try:
            yield updates
        finally:
            updates.close()  # type: ignore[attr-defined]


def _until(updates: Iterator[Update], done: Callable[[Update], bool]) -> Update:
    """The first update for which something is true, within a bound of time."""
    give_up = time.monotonic() + SECONDS
    for update in updates:
        if done(update):
            return update
        assert time.monotonic() < give_up, "it never came"
    raise AssertionError("the stream has ended")


def _has_tick(update: Update) -> bool:
    return bool(update.ticks)


def test_it_works():
    streamer = Streamer()
    with _updates(streamer, lambda: BOTH) as updates:
        (tick,) = _until(updates, _has_tick).ticks
        assert (tick.code, tick.source, tick.price) == ("AAPL", "yahoo", Decimal("273.48"))
    assert streamer.said[0] == (1, {"subscribe": ["AAPL", "BRK-B"]})


def _close_after_a_price(streamer: Streamer, connection: ServerConnection, number: int) -> None:
    streamer.hear(connection, number, 5.0)
    connection.send(frame("AAPL", 100.0 + number, NOW))
    if number < 4:
        connection.close()
    else:
        streamer.prices(connection, number)


def _abort_after_a_price(streamer: Streamer, connection: ServerConnection, number: int) -> None:
    streamer.hear(connection, number, 5.0)
    connection.send(frame("AAPL", 100.0 + number, NOW))
    if number < 4:
        connection.socket.shutdown(socket.SHUT_RDWR)
    else:
        streamer.prices(connection, number)


@pytest.mark.parametrize("script", [_close_after_a_price, _abort_after_a_price])
def test_it_comes_back_after_a_clean_close_and_after_an_abort_and_registers_again(script):
    streamer = Streamer(script)
    with _updates(streamer, lambda: BOTH) as updates:
        for number in range(1, 5):
            tick = _until(updates, _has_tick).ticks[0]
            assert tick.price == 100 + number
    registrations = [said for said in streamer.said if "subscribe" in said[1]]
    assert [number for number, _ in registrations][:4] == [1, 2, 3, 4]
    assert all(message == {"subscribe": ["AAPL", "BRK-B"]} for _, message in registrations)


def test_a_server_that_ends_every_connection_at_once_is_not_stormed():
    def slam(_: Streamer, connection: ServerConnection, number: int) -> None:
        connection.close()

    streamer = Streamer(slam)
    with _updates(streamer, lambda: BOTH, first_pause=0.5) as updates:
        until, count = time.monotonic() + 4.0, 0
        while time.monotonic() < until:
            next(updates)
            count += 1
    assert 2 <= streamer.connections <= 15
    assert count <= 40


def test_registrations_follow_the_wishes():
    wanted: dict[str, StockKey] = {"AAPL": APPLE}
    streamer = Streamer()
    with _updates(streamer, lambda: dict(wanted)) as updates:
        _until(updates, _has_tick)
        wanted["BRK-B"] = BERKSHIRE
        _until(updates, lambda update: any(tick.code == "BRK.B" for tick in update.ticks))
        del wanted["AAPL"]
        _until(updates, lambda _: any("unsubscribe" in message for _, message in streamer.said))
    assert [message for _, message in streamer.said] == [
        {"subscribe": ["AAPL"]},
        {"subscribe": ["BRK-B"]},
        {"unsubscribe": ["AAPL"]},
    ]


def test_registrations_are_said_again_and_again():
    streamer = Streamer()
    with _updates(streamer, lambda: BOTH, resend_seconds=0.2) as updates:
        _until(updates, lambda _: len(streamer.said) >= 4)
    assert all(message == {"subscribe": ["AAPL", "BRK-B"]} for _, message in streamer.said)


def test_nothing_wanted_is_nothing_opened():
    streamer = Streamer()
    wanted: dict[str, StockKey] = {}
    with _updates(streamer, lambda: wanted) as updates:
        assert [next(updates) for _ in range(2)] == [Update(), Update()]
        assert streamer.connections == 0
        wanted.update(BOTH)
        _until(updates, _has_tick)


def _silence(streamer: Streamer, connection: ServerConnection, number: int) -> None:
    streamer.ended.wait(SECONDS)


def _chatter(streamer: Streamer, connection: ServerConnection, number: int) -> None:
    """Frames that bring nothing, faster than a caller can look at its clock."""
    while not streamer.ended.is_set():
        connection.send(frame("MSFT", 1.0, NOW))
        connection.send("{}")


@pytest.mark.parametrize("script", [_silence, _chatter])
def test_an_update_comes_every_second_even_if_there_is_nothing_to_tell(script):
    with _updates(Streamer(script), lambda: BOTH) as updates:
        _no_wait_is_long(updates, 3)


def test_an_update_comes_every_second_while_nobody_answers():
    with closing(socket.socket()) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)  # takes the connection and never says a word
        url = f"ws://127.0.0.1:{deaf.getsockname()[1]}"
        updates = Stream(url, lambda: BOTH, lambda: NOW, first_pause=0.05).updates()
        _no_wait_is_long(updates, 3)
        updates.close()  # type: ignore[attr-defined]


def test_an_update_comes_every_second_while_nobody_is_there():
    with closing(socket.socket()) as gone:
        gone.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{gone.getsockname()[1]}"
    updates = Stream(url, lambda: BOTH, lambda: NOW, first_pause=4.0).updates()
    _no_wait_is_long(updates, 4)


def _no_wait_is_long(updates: Iterator[Update], count: int) -> None:
    for _ in range(count):
        began = time.monotonic()
        assert next(updates) == Update()
        assert time.monotonic() - began < 2.0


def test_a_caller_that_stops_leaves_no_connection_behind():
    left = threading.Event()

    def watch(streamer: Streamer, connection: ServerConnection, number: int) -> None:
        try:
            streamer.prices(connection, number)
        finally:
            left.set()

    streamer = Streamer(watch)
    with _updates(streamer, lambda: BOTH) as updates:
        _until(updates, _has_tick)
        updates.close()  # type: ignore[attr-defined]
        assert left.wait(SECONDS)


def test_numbers_rise_while_the_clock_stands_still():
    streamer = Streamer()
    with _updates(streamer, lambda: BOTH) as updates:
        ticks = [_until(updates, _has_tick).ticks[0] for _ in range(10)]
    assert [tick.seq for tick in ticks] == sorted({tick.seq for tick in ticks})


def test_a_redirect_is_not_followed():
    moved = threading.Event()

    def move(_: Request) -> Answer:
        moved.set()
        return Answer(b"", 302, {"Location": elsewhere})

    streamer = Streamer()
    with websocket_stand_in(streamer) as elsewhere, ending(streamer), StandIn(move) as upstream:
        url = upstream.url.replace("http", "ws", 1)
        updates = Stream(url, lambda: BOTH, lambda: NOW, first_pause=0.05).updates()
        _until(updates, lambda _: moved.is_set())
        _no_wait_is_long(updates, 3)
        updates.close()  # type: ignore[attr-defined]
    assert streamer.connections == 0

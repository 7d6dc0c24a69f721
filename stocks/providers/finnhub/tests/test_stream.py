"""The stream of trades against a WebSocket server that ends, refuses, hangs and talks nonsense."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Response
from websockets.sync.client import ClientConnection

from stocks.providers.errors import AuthFailed
from stocks.providers.finnhub.line import Line
from stocks.providers.finnhub.stream import LONGEST_PAUSE, follow, full_jitter
from stocks.providers.finnhub.tests.case import FIRST_TRADE, NOW
from stocks.providers.finnhub.tests.standin import KEY, Exchange, until
from stocks.providers.protocol import Update
from stocks.types import Tick

SECONDS = 15.0


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with Exchange(FIRST_TRADE).open() as one:
        yield one


def at_once(_: int) -> float:
    return 0.0


@contextmanager
def following(
    url: str,
    wanted: Callable[[], Sequence[str]] = lambda: ["AAPL"],
    pause: Callable[[int], float] = at_once,
    key: str = KEY,
) -> Iterator[Iterator[Update]]:
    with closing(follow(Line(url, key), wanted, now=lambda: NOW, source="finnhub", pause=pause)) as updates:
        yield updates


def ticks_until(updates: Iterator[Update], enough: Callable[[list[Tick]], bool]) -> list[Tick]:
    """The ticks that come until there are enough of them, which has to be soon."""
    end = time.monotonic() + SECONDS
    found: list[Tick] = []
    for update in updates:
        found += update.ticks
        if enough(found):
            return found
        assert time.monotonic() < end, f"{len(found)} ticks are not enough"
    raise AssertionError("the stream has ended")


def some(count: int) -> Callable[[list[Tick]], bool]:
    return lambda found: len(found) >= count


def refusal(status: int, **headers: str) -> Response:
    return Response(status, "No", Headers({"Content-Length": "0", **headers}))


def test_it_works(exchange):
    with following(exchange.url) as updates:
        found = ticks_until(updates, some(10))
    assert {tick.code for tick in found} == {"AAPL"}
    assert all(tick.volume is None and tick.source == "finnhub" for tick in found)
    # Both trades of a message are of one millisecond, and told apart by their number.
    assert found[0].as_of == found[1].as_of
    assert [tick.seq for tick in found] == sorted({tick.seq for tick in found})
    assert exchange.received == [[{"type": "subscribe", "symbol": "AAPL"}]]


@pytest.mark.parametrize("clean", [True, False])
def test_it_connects_and_subscribes_again_when_the_connection_ends(exchange, clean):
    with following(exchange.url, lambda: ["AAPL", "BRK.B"]) as updates:
        for again in (1, 2, 3):
            before = ticks_until(updates, some(4))
            exchange.end(clean=clean)
            end = time.monotonic() + SECONDS
            after: list[Tick] = []
            while len(exchange.following) <= again or not after:
                after = list(next(updates).ticks)
                assert time.monotonic() < end
            assert after[0].seq > before[-1].seq
        subscribed = [{"type": "subscribe", "symbol": symbol} for symbol in ("AAPL", "BRK.B")]
        # The first tick may have come before the last subscription was read.
        until(lambda: next(updates) and exchange.received[3:] == [subscribed])
    assert exchange.received == [subscribed] * 4


def test_it_pauses_longer_after_each_failure():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    failures: list[int] = []

    def pause(failed: int) -> float:
        failures.append(failed)
        return 0.0

    with following(f"ws://127.0.0.1:{port}", pause=pause) as updates:
        until(lambda: next(updates) and len(failures) >= 4)
    assert failures[:4] == [1, 2, 3, 4]


def test_the_pause_is_anything_up_to_a_bound_that_doubles_to_a_minute():
    pauses = {attempt: [full_jitter(attempt) for _ in range(300)] for attempt in (0, 3, 6, 10_000)}
    assert max(pauses[0]) <= 1.0
    assert 4.0 < max(pauses[3]) <= 8.0
    assert min(pauses[6]) < 10.0
    assert max(pauses[10_000]) <= LONGEST_PAUSE


def test_registrations_follow_what_is_wanted(exchange):
    wanted = ["AAPL", "MSFT"]
    with following(exchange.url, lambda: wanted) as updates:
        ticks_until(updates, lambda found: {tick.code for tick in found} == {"AAPL", "MSFT"})
        wanted = ["MSFT", "NVDA"]
        found = ticks_until(updates, lambda found: "NVDA" in {tick.code for tick in found})
        assert exchange.following[0] == ["MSFT", "NVDA"]
        wanted = []
        until(lambda: next(updates) and exchange.following[0] == [])
    assert "AAPL" not in {tick.code for tick in found[-2:]}
    assert exchange.received[0][2:4] == [
        {"type": "unsubscribe", "symbol": "AAPL"},
        {"type": "subscribe", "symbol": "NVDA"},
    ]


def test_no_more_is_registered_than_a_free_key_may(exchange):
    with following(exchange.url, lambda: [f"S{number}" for number in range(60)]) as updates:
        ticks_until(updates, lambda _: len(exchange.following) > 0 and len(exchange.following[0]) == 50)
        ticks_until(updates, some(100))
    assert len(exchange.received[0]) == 50


def test_where_fewer_are_let_in_the_most_wanted_are_followed():
    wanted = ["A", "B", "C", "D", "E"]
    with Exchange(FIRST_TRADE, most=3).open() as exchange, following(exchange.url, lambda: wanted) as updates:
        ticks_until(updates, lambda _: len(exchange.received) > 0 and len(exchange.received[0]) >= 7)
        # The two that were refused are given up, and asked for no more.
        found = ticks_until(updates, some(600))
        assert len(exchange.received[0]) == 7
        assert exchange.following[0] == ["A", "B", "C"]
        assert {tick.code for tick in found} == {"A", "B", "C"}
        wanted = ["E", "A", "B", "C", "D"]
        until(lambda: next(updates) and sorted(exchange.following[0]) == ["A", "B", "E"])


def test_trades_of_what_is_no_longer_followed_are_dropped(exchange):
    exchange.scripted.append(
        '{"type":"trade","data":[{"c":null,"p":1,"s":"OTHER","t":1763154000000,"v":1},'
        '{"c":null,"p":2,"s":"AAPL","t":1763154000000,"v":1}]}'
    )
    with following(exchange.url) as updates:
        found = ticks_until(updates, some(10))
    assert {tick.code for tick in found} == {"AAPL"}


def test_nonsense_is_passed_over_and_said_once(exchange, caplog):
    good = '{"c":null,"p":2.5,"s":"AAPL","t":1763154000000,"v":1}'
    with following(exchange.url) as updates:
        ticks_until(updates, some(1))
        exchange.scripted.extend(
            [
                "hello",
                b"\x00\xff",
                "[" * 10_000,
                '{"type":"trade","data":7}',
                '{"type":"new"}',
                '{"type":"trade","data":[{"p":NaN,"s":"AAPL","t":1763154000000}]}',
                f'{{"type":"trade","data":[{{"p":0,"s":"AAPL","t":1763154000000}},{good}]}}',
            ]
        )
        found = ticks_until(updates, lambda found: any(tick.price == 2.5 for tick in found))
    assert all(tick.price > 0 for tick in found)
    assert len(exchange.received) == 1
    assert sum("the stream:" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_handshake_that_is_answered_otherwise_is_tried_again(exchange, status):
    exchange.handshakes.extend([refusal(status), refusal(status)])
    with following(exchange.url) as updates:
        ticks_until(updates, some(2))


def test_a_redirect_is_not_followed(exchange):
    with Exchange(FIRST_TRADE).open() as elsewhere:
        exchange.handshakes.append(refusal(302, Location=f"{elsewhere.url}/?token={KEY}"))
        with following(exchange.url) as updates:
            ticks_until(updates, some(2))
        assert elsewhere.received == []


@pytest.mark.parametrize("key", ["another key", "schlüssel&x=1"])
def test_a_refused_key_ends_the_stream_and_is_shown_nowhere(exchange, caplog, key):
    caplog.set_level(logging.DEBUG)
    with following(exchange.url, key=key) as updates, pytest.raises(AuthFailed) as refused:
        until(lambda: next(updates) is None)
    for shown in (str(refused.value), repr(refused.value.__cause__), caplog.text):
        assert key not in shown
        assert "token" not in shown


def test_a_key_that_is_refused_in_words_ends_the_stream_too(exchange):
    exchange.scripted.append('{"type":"error","msg":"Invalid API key"}')
    with following(exchange.url) as updates, pytest.raises(AuthFailed):
        ticks_until(updates, some(1000))


def test_the_key_is_in_no_log_whatever_happens(exchange, caplog):
    caplog.set_level(logging.DEBUG)
    exchange.handshakes.extend([refusal(503), refusal(302, Location=f"ws://127.0.0.1:9/?token={KEY}")])
    exchange.scripted.append(f'{{"type":"error","msg":"odd symbol for {KEY}"}}')
    with following(exchange.url) as updates:
        ticks_until(updates, some(4))
        exchange.end(clean=False)
        ticks_until(updates, some(4))
    assert "odd symbol for [secret]" in caplog.text
    assert KEY not in caplog.text


def _gaps(updates: Iterator[Update], seconds: float) -> list[float]:
    """The time that each update took."""
    end = time.monotonic() + seconds
    gaps = []
    while (began := time.monotonic()) < end:
        next(updates)
        gaps.append(time.monotonic() - began)
    return gaps


def test_a_silent_server_is_no_reason_to_be_silent(exchange):
    exchange.quiet.set()
    with following(exchange.url) as updates:
        assert max(_gaps(updates, 2.5)) < 1.0


def test_a_server_that_never_answers_the_handshake_is_no_reason_either():
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with following(f"ws://127.0.0.1:{mute.getsockname()[1]}") as updates:
            assert max(_gaps(updates, 2.5)) < 1.0


def test_a_long_pause_is_no_reason_either(exchange):
    exchange.handshakes.append(refusal(503))
    with following(exchange.url, pause=lambda _: 3600.0) as updates:
        assert max(_gaps(updates, 2.5)) < 1.0


def test_who_no_longer_asks_leaves_no_connection_and_no_thread(exchange):
    before = threading.active_count()
    with following(exchange.url) as updates:
        ticks_until(updates, some(2))
        serving = threading.active_count()
        assert serving > before
    # The server's own thread of the connection ends with it.
    until(lambda: threading.active_count() <= before)


def test_a_connection_that_comes_too_late_is_closed(exchange):
    gate = threading.Event()
    connections: list[ClientConnection] = []

    class Late(Line):
        def open(self) -> ClientConnection:
            gate.wait(SECONDS)
            connections.append(super().open())
            return connections[0]

    updates = follow(Late(exchange.url, KEY), lambda: ["AAPL"], now=lambda: NOW, source="finnhub")
    assert next(updates) == Update()
    updates.close()
    gate.set()
    until(lambda: connections and connections[0].close_code is not None)

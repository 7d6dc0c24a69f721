"""The stream against a server that speaks the protocol of KIS."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from stocks.folds import why_refused
from stocks.providers.errors import AuthFailed, ProviderError, RateLimited, Upstream
from stocks.providers.kis.frames import BOOKS, PRICES
from stocks.providers.kis.line import dial
from stocks.providers.kis.pauses import InUse, KeyRefused, Pace, Pauses
from stocks.providers.kis.stream import MAX_BAD, ApprovalKey, PriceStream
from stocks.providers.kis.tests.case import NOW
from stocks.providers.kis.tests.standin import (
    BOOK_FRAME,
    PRICE_FRAME,
    Feed,
    Session,
    frame_of,
    running,
)
from stocks.providers.protocol import Update
from stocks.tests.standin import websocket_stand_in

SECONDS = 20.0
PACE = Pace(beat=0.02, wanted=0.05, opening=2.0, sending=0.5, silence=5.0, first_pause=0.05, long_pause=0.4)
PINGS = '{"header":{"tr_id":"PINGPONG","datetime":"20260914093000"}}', '{"header": {"tr_id":"PINGPONG"} }'


class Keys:
    """Approval keys ``key-0``, ``key-1`` …, each until it is refused; or an error to raise instead."""

    def __init__(self) -> None:
        self.given = ["key-0"]
        self.error: ProviderError | None = None

    def __call__(self, *, refused: str | None = None) -> str:
        if self.error is not None:
            raise self.error
        if refused == self.given[-1]:
            self.given.append(f"key-{len(self.given)}")
        return self.given[-1]


class Follower:
    """A stream under way: what is wanted may be changed, and what came is kept."""

    def __init__(self, url: str, codes: Sequence[str], pace: Pace, keys: ApprovalKey | None = None) -> None:
        self.codes = list(codes)
        self.updates: list[Update] = []
        self.arrivals: list[float] = []
        stream = PriceStream(url, approval_key=keys or Keys(), now=lambda: NOW, pace=pace)
        self.stream = stream.follow(lambda: list(self.codes))

    def until(self, reached: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + SECONDS
        while not (value := reached()):
            assert time.monotonic() < deadline
            self.updates.append(next(self.stream))
            self.arrivals.append(time.monotonic())
        return value

    def since(self, count: int) -> list[Any]:
        return [one for update in self.updates[count:] for one in (*update.ticks, *update.books)]

    @property
    def ticks(self) -> list[Any]:
        return [tick for update in self.updates for tick in update.ticks]

    @property
    def books(self) -> list[Any]:
        return [book for update in self.updates for book in update.books]


@contextmanager
def following(
    feed: Callable[[ServerConnection], None], *codes: str, pace: Pace = PACE, keys: Keys | None = None
) -> Iterator[Follower]:
    server = running(feed) if isinstance(feed, Feed) else websocket_stand_in(feed)
    with server as url:
        follower = Follower(url, codes, pace, keys)
        with closing(follower.stream):
            yield follower


def codes(count: int, start: int = 0) -> list[str]:
    return [f"{number:06}" for number in range(start, start + count)]


def test_prices_and_order_books_of_the_wanted_stocks_arrive():
    feed = Feed()
    with following(feed, "005930", "247540") as follower:
        follower.until(lambda: len(follower.ticks) > 20 and len(follower.books) > 20)
    assert feed.paths == ["/tryitout"]
    assert feed.sessions[0].asked == [
        ("1", PRICES, "005930"),
        ("1", BOOKS, "005930"),
        ("1", PRICES, "247540"),
        ("1", BOOKS, "247540"),
    ]
    for one in (*follower.ticks, *follower.books):
        assert one.source == "kis"
        assert one.received_at == NOW
        assert why_refused(one, NOW) is None
    assert {tick.code for tick in follower.ticks} == {"005930", "247540"}
    assert {book.code for book in follower.books} == {"005930", "247540"}


def test_numbers_rise_within_equal_seconds_also_across_connections():
    feed = Feed()
    with following(feed, "005930") as follower:
        follower.until(lambda: len(follower.ticks) > 20)
        feed.sessions[0].connection.close()
        count = len(follower.ticks)
        follower.until(lambda: len(follower.ticks) > count + 20)
    assert len({tick.as_of for tick in follower.ticks}) == 1
    assert all(one.seq < other.seq for one, other in pairwise(follower.ticks))
    assert all(one.seq < other.seq for one, other in pairwise(follower.books))


def test_every_record_of_a_frame_arrives():
    feed = Feed(pushes=False)
    with following(feed, *codes(3)) as follower:
        session = registered(follower, feed, 6)
        for kind, frame in ((PRICES, PRICE_FRAME), (BOOKS, BOOK_FRAME)):
            fields = frame.split("|", 3)[3]
            records = [fields.replace("005930", code, 1) for code in codes(3)]
            session.say(f"0|{kind}|003|{'^'.join(records)}")
        follower.until(lambda: len(follower.ticks) + len(follower.books) == 6)
    assert [tick.code for tick in follower.ticks] == codes(3)
    assert [book.code for book in follower.books] == codes(3)


def registered(follower: Follower, feed: Feed, count: int) -> Session:
    follower.until(lambda: feed.sessions and len(feed.sessions[-1].registered) == count)
    return feed.sessions[-1]


def test_a_wrong_record_leaves_the_others_of_its_frame():
    feed = Feed(pushes=False)
    with following(feed, *codes(3)) as follower:
        session = registered(follower, feed, 6)
        fields = PRICE_FRAME.split("|", 3)[3]
        records = [fields.replace("005930", code, 1) for code in codes(3)]
        records[1] = records[1].replace("^250500^5^", "^0^5^")
        session.say(f"0|H0STCNT0|003|{'^'.join(records)}")
        follower.until(lambda: len(follower.ticks) == 2)
    assert [tick.code for tick in follower.ticks] == ["000000", "000002"]


@pytest.mark.parametrize(
    "frame",
    [
        PRICE_FRAME + "^0",
        PRICE_FRAME.replace("|001|", "|002|"),
        "1" + PRICE_FRAME[1:],
        PRICE_FRAME.replace("^250500^5^", "^NaN^5^"),
        PRICE_FRAME.replace("20260724", "20260799"),
        "{",
        "",
        b"\x00\x01",
    ],
)
def test_a_frame_that_cannot_be_read_is_left_out_and_said_once(frame, caplog):
    feed = Feed(pushes=False)
    with following(feed, "005930") as follower:
        session = registered(follower, feed, 2)
        for _ in range(3):
            session.connection.send(frame)
        session.say(PRICE_FRAME)
        follower.until(lambda: follower.ticks)
    assert len(follower.ticks) == 1
    ours = [record.message for record in caplog.records if record.name.startswith("stocks.")]
    assert len(ours) == 1
    assert ours[0].startswith("a frame is left out: ")
    assert len(feed.sessions) == 1


def test_a_server_that_speaks_something_else_is_left():
    feed = Feed(pushes=False)
    with following(feed, "005930") as follower:
        session = registered(follower, feed, 2)
        session.say(*["<html>"] * MAX_BAD)
        follower.until(lambda: len(feed.sessions) > 1)


def test_what_is_not_wanted_is_not_passed_on():
    feed = Feed(pushes=False)
    with following(feed, "005930") as follower:
        session = registered(follower, feed, 2)
        session.say(frame_of(PRICES, "000660"), frame_of(BOOKS, "000660"), PRICE_FRAME)
        follower.until(lambda: follower.ticks)
    assert [tick.code for tick in follower.ticks] == ["005930"]
    assert follower.books == []


def test_registrations_follow_what_is_wanted_endings_first():
    feed = Feed()
    with following(feed, *codes(20)) as follower:
        session = registered(follower, feed, 40)
        follower.codes = codes(20, start=12)
        wanted = {(kind, code) for code in codes(20, start=12) for kind in (PRICES, BOOKS)}
        follower.until(lambda: session.registered == wanted)
        changes = session.asked[40:]
        assert [tr_type for tr_type, _, _ in changes] == ["2"] * 24 + ["1"] * 24
        follower.codes = []
        follower.until(lambda: not session.registered)
        count = len(follower.updates)
        follower.until(lambda: len(follower.updates) > count + 20)
        assert follower.since(count + 10) == []
    assert session.most == 40
    assert len(feed.sessions) == 1


def test_no_more_than_41_are_ever_registered():
    feed = Feed()
    with following(feed, *codes(60)) as follower:
        session = registered(follower, feed, 41)
        for start in (5, 30, 10, 50):
            follower.codes = codes(60, start=start)
            follower.until(partial(session.registered.__contains__, (PRICES, f"{start + 20:06}")))
    assert session.most == 41
    assert set(session.answers) == {"OPSP0000", "OPSP0001"}


def test_a_session_that_is_allowed_fewer_keeps_the_most_wanted(caplog):
    feed = Feed(limit=10)
    with following(feed, *codes(20)) as follower:
        session = registered(follower, feed, 10)
        follower.until(lambda: len(follower.ticks) > 50)
        asked = len(session.asked)
        follower.until(lambda: len(follower.ticks) > 100)
    assert session.registered == {(kind, code) for code in codes(5) for kind in (PRICES, BOOKS)}
    assert len(session.asked) == asked == 40
    assert "OPSP0008" in caplog.text


def test_a_refused_stock_does_not_stop_the_others():
    feed = Feed()
    feed.refused = {(PRICES, "000001"): "OPSP8992", (BOOKS, "000001"): "OPSP0007"}
    with following(feed, *codes(3)) as follower:
        follower.until(lambda: len(follower.ticks) > 30)
    assert {tick.code for tick in follower.ticks} == {"000000", "000002"}
    assert len(feed.sessions[0].asked) == 6


def test_a_ping_comes_back_as_it_was():
    feed = Feed(pushes=False)
    with following(feed, "005930") as follower:
        session = registered(follower, feed, 2)
        session.say(*PINGS)
        follower.until(lambda: len(session.echoes) == 2)
    assert tuple(session.echoes) == PINGS


@pytest.mark.parametrize("end", ["close", "cut"])
def test_a_lost_connection_is_made_again_with_all_registrations(end):
    feed = Feed()
    with following(feed, *codes(3)) as follower:
        for number in range(3):
            follower.until(partial(feed.has_sessions, number + 1))
            session = registered(follower, feed, 6)
            follower.until(partial(follower.since, len(follower.updates)))
            if end == "close":
                session.connection.close()
            else:
                session.connection.socket.shutdown(socket.SHUT_RDWR)
        follower.until(partial(feed.has_sessions, 4))
        registered(follower, feed, 6)


def test_a_server_that_is_away_is_tried_until_it_is_back():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{free.getsockname()[1]}"
    follower = Follower(url, ["005930"], PACE)
    with closing(follower.stream):
        follower.until(lambda: len(follower.updates) > 50)
    assert follower.since(0) == []


def test_a_refused_approval_key_is_replaced():
    feed = Feed()
    feed.good_keys = lambda key: key == "key-2"
    keys = Keys()
    with following(feed, "005930", keys=keys) as follower:
        follower.until(lambda: follower.ticks)
    assert keys.given == ["key-0", "key-1", "key-2"]
    assert len(feed.sessions) == 3


def test_an_app_key_in_use_is_left_for_a_long_pause():
    feed = Feed()
    feed.in_use = True
    keys = Keys()
    with following(feed, "005930", keys=keys) as follower:
        follower.until(lambda: feed.sessions and feed.sessions[0].asked)
        began = time.monotonic()
        follower.until(lambda: len(feed.sessions) == 2)
        assert time.monotonic() - began >= PACE.long_pause
        feed.in_use = False
        follower.until(lambda: follower.ticks)
    assert keys.given == ["key-0"]


@pytest.mark.parametrize("error", [Upstream(), RateLimited(retry_after=0.1), AuthFailed()])
def test_where_no_key_is_had_the_stream_waits_for_one(error):
    keys = Keys()
    keys.error = error
    feed = Feed()
    with following(feed, "005930", keys=keys) as follower:
        follower.until(lambda: len(follower.updates) > 10)
        assert feed.sessions == []
        keys.error = None
        follower.until(lambda: follower.ticks)


def test_nothing_is_opened_while_nothing_is_wanted():
    feed = Feed()
    with following(feed) as follower:
        follower.until(lambda: len(follower.updates) > 20)
        assert feed.sessions == []
        follower.codes = ["005930"]
        follower.until(lambda: follower.ticks)


def test_a_silent_line_is_left():
    feed = Feed(pushes=False)
    pace = Pace(beat=0.02, wanted=0.05, silence=0.3, first_pause=0.05)
    with following(feed, "005930", pace=pace) as follower:
        follower.until(lambda: len(feed.sessions) == 3)


def test_an_update_comes_every_second_whatever_happens():
    """Issuing a key and dialling both take longer than that here."""
    keys = Keys()

    def slowly(*, refused: str | None = None) -> str:
        time.sleep(1.2)
        return keys(refused=refused)

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        follower = Follower(f"ws://127.0.0.1:{deaf.getsockname()[1]}", ["005930"], Pace(opening=1.5), slowly)
        began = time.monotonic()
        with closing(follower.stream):
            follower.until(lambda: time.monotonic() - began > 4)
    gaps = [later - earlier for earlier, later in pairwise([began, *follower.arrivals])]
    assert max(gaps) < 1


def test_a_stream_that_is_left_hangs_up():
    feed = Feed()
    with following(feed, "005930") as follower:
        follower.until(lambda: follower.ticks)
    with pytest.raises(ConnectionClosed):
        feed.sessions[0].connection.recv(timeout=SECONDS)


def test_a_stream_that_is_left_while_it_dials_hangs_up():
    entered, left, seen = threading.Event(), threading.Event(), threading.Event()

    def handler(connection: ServerConnection) -> None:
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=SECONDS)
        seen.set()

    def key(*, refused: str | None = None) -> str:
        entered.set()
        assert left.wait(SECONDS)
        return "key"

    with websocket_stand_in(handler) as url:
        follower = Follower(url, ["005930"], PACE, key)
        follower.until(entered.is_set)
        follower.stream.close()
        left.set()
        assert seen.wait(SECONDS)


def test_a_redirect_is_not_followed():
    seen: list[str] = []

    def elsewhere(connection: ServerConnection) -> None:
        seen.append("here")

    with websocket_stand_in(elsewhere) as other, socket.create_server(("127.0.0.1", 0)) as line:

        def redirect() -> None:
            taken, _ = line.accept()
            with taken:
                taken.recv(65_536)
                taken.sendall(
                    f"HTTP/1.1 302 Found\r\nLocation: {other}/\r\nContent-Length: 0\r\n\r\n".encode()
                )

        thread = threading.Thread(target=redirect)
        thread.start()
        with pytest.raises(Upstream, match="redirect"):
            dial(f"ws://127.0.0.1:{line.getsockname()[1]}/tryitout", opening=2.0, sending=1.0)
        thread.join()
    assert seen == []


def test_a_send_to_a_peer_that_takes_nothing_fails_in_time():
    hold = threading.Event()

    def handler(connection: ServerConnection) -> None:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        hold.wait(SECONDS)

    with websocket_stand_in(handler) as url:
        connection = dial(url, opening=2.0, sending=0.5)
        began = time.monotonic()
        with pytest.raises((ConnectionClosed, OSError)):
            for _ in range(100):
                connection.send("x" * 500_000)
        assert time.monotonic() - began < 10
        hold.set()


def test_the_approval_key_is_in_no_log_however_fine(caplog):
    caplog.set_level(logging.DEBUG)
    feed = Feed()
    feed.good_keys = lambda key: key == "key-1"
    with following(feed, "005930") as follower:
        follower.until(lambda: follower.ticks)
        feed.sessions[-1].connection.close(1011, "key-1 is bad")
        follower.until(lambda: len(feed.sessions) == 3)
    said = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert said
    assert not any("key-" in record.getMessage() for record in said)


def test_pauses_double_up_to_a_bound_until_data_come():
    bounds: list[tuple[float, float]] = []

    def jitter(low: float, high: float) -> float:
        bounds.append((low, high))
        return high

    pauses = Pauses(Pace(), jitter)
    assert [pauses.after(OSError()) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert all(low == 0 for low, _ in bounds)
    pauses.reset()
    assert pauses.after(OSError()) == 1
    for _ in range(2000):
        pauses.after(OSError())
    assert pauses.after(KeyRefused()) == 60
    assert pauses.after(RateLimited(retry_after=61)) == 121
    assert pauses.after(RateLimited()) == 60
    assert pauses.after(InUse()) == pauses.after(AuthFailed()) == 120
    assert bounds[-1][0] == 60

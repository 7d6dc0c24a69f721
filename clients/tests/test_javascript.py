"""The browser's module, run by node against real servers and against one that plays each part on demand."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import redis
from pytest_django.fixtures import Settings
from tests.front import Front
from tests.standin import NOW, StandIn, Visitor

from realtime.protocol import codes
from realtime.publish import RoomEvent, publish
from realtime.tests import cast
from realtime.tests.servers import OwnValkey, OwnWeb
from realtime.tests.talking import price

HERE = Path(__file__).parent
SECONDS = 30.0
ME = "alert:me"
StartWeb = Callable[..., OwnWeb]


def _node() -> str | None:
    program = shutil.which("node")
    if program is None:
        return None
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return program if int(version.lstrip("v").partition(".")[0]) >= 20 else None


NODE = _node()
pytestmark = pytest.mark.skipif(NODE is None, reason="node 20 or newer is not installed")


class Page:
    """A client in a process of its own."""

    def __init__(self, url: str, **options: Any) -> None:
        assert NODE is not None
        if "tokens" not in options:
            options.setdefault("token", "basic")
        self._process = subprocess.Popen(
            [NODE, str(HERE / "talk.mjs"), json.dumps({"url": url, **options})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.seen: list[dict[str, Any]] = []

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def order(self, *words: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def next(self, event: str, **fields: Any) -> dict[str, Any]:
        """The next event of a type with these fields, whatever comes before."""
        while True:
            told: dict[str, Any] = json.loads(self._lines.get(timeout=SECONDS))
            self.seen.append(told)
            if told["event"] == event and fields.items() <= told.items():
                return told

    def price(self, value: float) -> dict[str, Any]:
        while (told := self.next("price_update"))["data"]["current_price"] != value:
            continue
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._reader.join()
            self._process.stdout.close()


@pytest.fixture
def floor(settings: Settings, redis_client: redis.Redis) -> Settings:
    settings.REALTIME_ROOMS = cast.ROOMS
    return settings


@pytest.fixture
def start_web(floor: Settings, tmp_path: Path) -> Iterator[StartWeb]:
    started: list[OwnWeb] = []

    def start(redis_url: str = "", **limits: Any) -> OwnWeb:
        log = tmp_path / f"{len(started)}.log"
        started.append(OwnWeb(redis_url or os.environ["REDIS_URL"], log, **limits))
        return started[-1]

    yield start
    for web in started:
        web.stop()


def alerted(*numbers: int) -> None:
    publish([RoomEvent(ME, "alert", {"data": {"n": number}}) for number in numbers])


def test_the_pure_parts_work() -> None:
    assert NODE is not None
    table = [{"number": code.number, "reconnect": code.reconnect} for code in codes.TABLE if code.closes]
    ran = subprocess.run(
        [NODE, "--test", str(HERE / "pure.test.mjs")],
        env=os.environ | {"CODES": json.dumps(table)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# pass 9" in ran.stdout, ran.stdout


@pytest.mark.parametrize("compact", [False, True])
def test_prices_arrive_from_the_snapshot_on(start_web: StartWeb, compact: bool) -> None:
    publish([price("price:A", 1)])
    with Page(start_web().url, rooms=["price:A"], compact=compact) as page:
        assert page.price(1)["is_snapshot"] is True
        publish([price("price:A", 2)])
        event = page.price(2)
        assert (event["is_snapshot"], event["sequence"], event["room"]) == (False, 2, "price:A")
        page.order("subscribe", "price:B")
        page.next("subscribed")
        publish([price("price:B", 3)])
        assert page.price(3)["room"] == "price:B"
        page.order("unsubscribe", "price:A")
        page.order("close")
        page.next("state", state="ended")


def test_alerts_that_came_while_the_web_process_was_dead_follow_each_once(start_web: StartWeb) -> None:
    first = start_web()
    with Front(first.port) as front, Page(front.url, rooms=[ME, "price:A"]) as page:
        page.next("subscribed")
        alerted(1, 2, 3)
        numbers = [page.next("alert")["data"]["n"] for _ in range(3)]
        first.process.kill()
        waiting = page.next("state", state="waiting")
        assert waiting["code"] == 1006 and 0 <= waiting["retryIn"] <= 0.2
        alerted(*range(4, 500))
        publish([price("price:A", 7)])
        front.target = start_web().port
        page.price(7)
        alerted(500)
        while numbers[-1] != 500:
            numbers.append(page.next("alert")["data"]["n"])
        alerts = [event["data"]["n"] for event in page.seen if event["event"] == "alert"]
        assert alerts == list(range(1, 501))
        assert not [event for event in page.seen if event["event"] == "gap"]


def test_alerts_lost_with_redis_are_told_as_a_gap(
    start_web: StartWeb, floor: Settings, tmp_path: Path
) -> None:
    valkey = OwnValkey(tmp_path)
    valkey.start()
    floor.REDIS_URL = valkey.url
    try:
        with Page(start_web(valkey.url).url, rooms=[ME]) as page:
            page.next("subscribed")
            alerted(1, 2)
            page.next("alert", sequence=2)
            valkey.kill()
            valkey.start()
            alerted(3)
            gap = page.next("gap")
            assert gap["since"]["sequence"] == 2 and gap["epoch"] != gap["since"]["epoch"]
            alerted(4)
            assert page.next("alert", data={"n": 4})["epoch"] == gap["epoch"]
    finally:
        valkey.close()


def test_a_token_that_ends_is_replaced(start_web: StartWeb) -> None:
    with Page(start_web().url, rooms=["price:A"], tokens=["basic:1", "basic"]) as page:
        page.next("subscribed")
        told = page.next("state", state="waiting")
        assert told["code"] == 4401
        page.next("state", state="live")
        page.next("subscribed")


def test_a_refused_token_ends_the_client(start_web: StartWeb) -> None:
    with Page(start_web().url, token="nobody") as page:
        assert page.next("state", state="ended")["code"] == 4401
    with Page(start_web().url, tokens=["nobody"]) as page:
        page.next("state", state="waiting")
        assert page.next("state", state="ended")["code"] == 4401


def test_refused_rooms_are_told_and_the_others_are_joined(start_web: StartWeb) -> None:
    with Page(start_web().url, rooms=["price:A", "price:secret"]) as page:
        assert page.next("error")["room"] == "price:secret"
        assert set(page.next("subscribed")["rooms"]) == {"price:A"}


def quiet(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.stay()


@pytest.mark.parametrize("code", [code for code in codes.TABLE if code.closes], ids=lambda code: code.name)
def test_a_closed_connection_is_begun_again_where_the_code_allows_it(code: codes.Code) -> None:
    def refuse(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.close(code.number, code.name)

    with StandIn(refuse, quiet) as server, Page(server.url) as page:
        if code.reconnect:
            assert page.next("state", state="waiting")["code"] == code.number
            page.next("state", state="live")
            assert server.visitors[1].path == "/ws/stocks"
        else:
            ended = page.next("state", state="ended")
            assert (ended["code"], ended["reason"]) == (code.number, code.name)


def test_every_room_is_asked_for_from_where_it_stood_in_frames_that_the_server_takes() -> None:
    wanted = [f"sector:{number:03d}{'전' * 50}" for number in range(60)]

    def first(visitor: Visitor) -> None:
        visitor.sign_in(limits={"rooms": 500, "connections": 2, "frame_bytes": 4096})
        while sum(len(frame.get("rooms", [])) for frame in visitor.heard) < len(wanted):
            visitor.acknowledge(epoch="0123456789abcdef", sequence=10**12)
        visitor.connection.close_socket()

    def second(visitor: Visitor) -> None:
        visitor.sign_in(limits={"rooms": 500, "connections": 2, "frame_bytes": 4096})
        while sum(len(frame.get("rooms", [])) for frame in visitor.heard) < len(wanted):
            visitor.acknowledge(epoch="0123456789abcdef", sequence=10**12, recovered=True)
        visitor.say({"type": "alert", "data": {}})
        visitor.stay()

    with StandIn(first, second) as server, Page(server.url, rooms=wanted) as page:
        page.next("alert")
        heard = server.visitors[1].heard
    assert heard[0]["session"] == "00ff00ff00ff00ff"
    assert [room for frame in heard[1:] for room in frame["rooms"]] == wanted
    assert all(set(frame["since"]) == set(frame["rooms"]) for frame in heard[1:])
    sizes = [len(json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()) for frame in heard]
    assert max(sizes) <= 4096


def test_a_token_that_ends_soon_is_renewed_on_the_open_connection() -> None:
    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.say({"type": "token_expiring", "expires_at": NOW, "seconds_left": 60, "timestamp": NOW})
        visitor.hear()
        visitor.say({"type": "authenticated", "tier": "free", "expires_at": NOW, "limits": {}})
        visitor.stay()

    with StandIn(script) as server, Page(server.url, tokens=["one", "two"]) as page:
        page.next("authenticated")
        assert [frame["token"] for frame in server.visitors[0].heard] == ["one", "two"]


def test_the_compact_format_yields_the_same_events() -> None:
    def script(visitor: Visitor) -> None:
        visitor.sign_in(format="compact", columns={"price_update": ["stock_code", "data.current_price"]})
        visitor.acknowledge(sequence=4, id=17)
        visitor.say([0, 17, 5, 1772415025125, "A", 75000.5])
        visitor.say([[0, 17, 6, 1772415025126, "A", 75001], [0, 99, 7, 0, "?", 1]])
        visitor.stay()

    with StandIn(script, quiet) as server, Page(server.url, compact=True, rooms=["price:A"]) as page:
        event = page.price(75000.5)
        assert (event["room"], event["epoch"], event["timestamp"]) == (
            "price:A",
            "e1",
            "2026-03-02T01:30:25.125Z",
        )
        assert "array" in page.next("state", state="waiting")["reason"]
        page.next("state", state="live")


def test_silence_longer_than_two_and_a_half_heartbeats_begins_a_new_connection() -> None:
    def silent(visitor: Visitor) -> None:
        visitor.sign_in(heartbeat_seconds=0.2)
        visitor.stay()

    with StandIn(silent, quiet) as server, Page(server.url) as page:
        assert "nothing came" in page.next("state", state="waiting")["reason"]
        page.next("state", state="live")

"""The client against a server that plays each part of the protocol on demand."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from realtime.protocol import codes
from stockroom_client import (
    Alert,
    Authenticated,
    ConnectionEnded,
    Disconnected,
    Event,
    Gap,
    Hello,
    Position,
    PriceUpdate,
    ServerError,
    Stockroom,
    Subscribed,
    TokenExpiring,
)
from tests.standin import NOW, StandIn, Visitor
from tests.watching import all_of, client, next_of, run

ME = "alert:me"
CLOSING = [code for code in codes.TABLE if code.closes]


def alert(sequence: int) -> dict[str, Any]:
    return {"type": "alert", "room": ME, "data": {"n": sequence}, "sequence": sequence, "timestamp": NOW}


def price(room: str, sequence: int, value: Any) -> dict[str, Any]:
    data = {"current_price": value}
    return {"type": "price_update", "room": room, "stock_code": "A", "data": data, "sequence": sequence}


def quiet(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.stay()


def test_the_token_goes_in_the_first_frame_and_not_in_the_address() -> None:
    with StandIn(quiet) as server:

        async def scenario() -> Hello:
            async with client(server.url, token="secret-token", rooms=["price:A"]) as stockroom:
                return await next_of(stockroom, Hello)

        hello = run(scenario())
    assert (hello.session, hello.limits["rooms"]) == ("00ff00ff00ff00ff", 30)
    [visitor] = server.visitors
    assert visitor.path == "/ws/stocks" and visitor.token == "secret-token"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://127.0.0.1:{}", "/ws/stocks"),
        ("ws://127.0.0.1:{}/", "/ws/stocks"),
        ("ws://127.0.0.1:{}/prefix/ws/stocks?a=b", "/prefix/ws/stocks?a=b"),
    ],
)
def test_an_address_may_be_short(url: str, path: str) -> None:
    with StandIn(quiet) as server:

        async def scenario() -> None:
            async with client(url.format(server.port)) as stockroom:
                await next_of(stockroom, Hello)

        run(scenario())
    assert server.visitors[0].path == path


def test_what_cannot_work_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="begins with"):
        Stockroom("ftp://localhost", token="x")
    with pytest.raises(ValueError, match="either"):
        Stockroom("ws://localhost")
    with pytest.raises(ValueError, match="no room"):
        Stockroom("ws://localhost", token="x", rooms=["everything"])


@pytest.mark.parametrize("code", CLOSING, ids=lambda code: code.name)
def test_a_closed_connection_is_begun_again_where_the_code_allows_it(code: codes.Code) -> None:
    def refuse(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.close(code.number, code.name)

    with StandIn(refuse, quiet) as server:

        async def scenario() -> tuple[list[Event], BaseException | None]:
            async with client(server.url) as stockroom:
                if not code.reconnect:
                    return await all_of(stockroom)
                lost = await next_of(stockroom, Disconnected)
                return [lost, await next_of(stockroom, Hello)], None

        events, error = run(scenario())
    if code.reconnect:
        assert events[0].code == code.number and events[0].reason == code.name
        assert 0 <= events[0].retry_in <= 0.2
        assert len(server.visitors) == 2
    else:
        assert isinstance(error, ConnectionEnded)
        assert (error.code, error.reason) == (code.number, code.name)
        assert len(server.visitors) == 1


def test_after_a_reconnect_every_room_is_asked_for_from_where_it_stood() -> None:
    def first(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.acknowledge(sequence=40)
        visitor.say(alert(41))
        visitor.say({"type": "batch", "messages": [price("price:A", 45, 1), alert(42)]})
        visitor.connection.close_socket()

    def second(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.acknowledge(sequence=42, recovered=True)
        # The overlap that a resume may bring is not told twice.
        for sequence in (42, 43, 44):
            visitor.say(alert(sequence))
        visitor.stay()

    with StandIn(first, second) as server:

        async def scenario() -> list[Event]:
            seen: list[Event] = []
            async with client(server.url, rooms=["price:A", ME]) as stockroom:
                async for event in stockroom:
                    seen.append(event)
                    if event.sequence == 44:
                        break
            return seen

        seen = run(scenario())
    assert [event.sequence for event in seen if isinstance(event, Alert)] == [41, 42, 43, 44]
    assert {event.epoch for event in seen if isinstance(event, Alert)} == {"e1"}
    assert not [event for event in seen if isinstance(event, Gap)]
    # The server may still count the lost connection: it is told which one this takes the place of.
    assert "session" not in server.visitors[0].heard[0]
    assert server.visitors[1].heard[0]["session"] == "00ff00ff00ff00ff"
    resumed = server.visitors[1].heard[1]
    assert set(resumed["rooms"]) == {"price:A", ME}
    assert resumed["since"] == {
        "price:A": {"epoch": "e1", "sequence": 45},
        ME: {"epoch": "e1", "sequence": 42},
    }


def test_what_a_resume_could_not_bring_back_is_told_as_a_gap_with_the_snapshot_behind_it() -> None:
    snapshot = {"type": "alert", "room": ME, "data": {"open": 3}, "sequence": 7}

    def first(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.acknowledge(sequence=40)
        visitor.connection.close_socket()

    def second(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.acknowledge(epoch="e2", sequence=7, recovered=False, snapshot=snapshot)
        visitor.say(alert(8))
        visitor.stay()

    called: list[Gap] = []
    with StandIn(first, second) as server:

        async def scenario() -> list[Event]:
            async with client(server.url, rooms=[ME], on_gap=called.append) as stockroom:
                gap = await next_of(stockroom, Gap)
                return [gap, await anext(stockroom), await anext(stockroom)]

        gap, held, event = run(scenario())
    assert called == [gap]
    assert (gap.room, gap.since, gap.position) == (ME, Position("e1", 40), Position("e2", 7))
    assert isinstance(held, Alert) and held.is_snapshot and held.data == {"open": 3}
    assert isinstance(event, Alert) and (event.epoch, event.sequence, event.is_snapshot) == ("e2", 8, False)


def test_a_gap_within_a_connection_moves_the_room_to_its_new_position() -> None:
    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.acknowledge(sequence=40)
        since = {"epoch": "e1", "sequence": 40}
        visitor.say(
            {"type": "gap", "room": ME, "since": since, "epoch": "e2", "sequence": 2, "snapshot": None}
        )
        visitor.say(alert(3))
        visitor.say(alert(6))
        visitor.stay()

    with StandIn(script) as server:

        async def scenario() -> list[Any]:
            async with client(server.url, rooms=[ME]) as stockroom:
                told = await next_of(stockroom, Gap)
                after = await anext(stockroom)
                # Numbers that skip without a word of the server are a gap all the same.
                unsaid = await anext(stockroom)
                return [told, after, unsaid, await anext(stockroom), stockroom.positions]

        told, after, unsaid, last, positions = run(scenario())
    assert (told.since, told.position) == (Position("e1", 40), Position("e2", 2))
    assert (after.epoch, after.sequence) == ("e2", 3)
    assert isinstance(unsaid, Gap)
    assert (unsaid.since, unsaid.position) == (Position("e2", 3), Position("e2", 6))
    assert last.sequence == 6 and positions == {ME: Position("e2", 6)}


def test_a_kept_position_is_where_a_new_program_goes_on() -> None:
    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.acknowledge()
        visitor.stay()

    with StandIn(script) as server:

        async def scenario() -> None:
            async with client(server.url, rooms=[ME], since={ME: Position("e1", 9)}) as stockroom:
                await next_of(stockroom, Subscribed)

        run(scenario())
    assert server.visitors[0].heard[1]["since"] == {ME: {"epoch": "e1", "sequence": 9}}


def test_a_token_that_ends_soon_is_renewed_on_the_open_connection() -> None:
    expiring = {"type": "token_expiring", "expires_at": NOW, "seconds_left": 60, "timestamp": NOW}

    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.say(expiring)
        visitor.hear()
        # Told once more although a token has just come: it is not asked for again at once.
        visitor.say(expiring)
        limits = {"rooms": 100}
        visitor.say({"type": "authenticated", "tier": "basic", "expires_at": NOW, "limits": limits})
        visitor.stay()

    asked: list[str] = []

    async def provide() -> str:
        asked.append(f"token-{len(asked) + 1}")
        return asked[-1]

    with StandIn(script) as server:

        async def scenario() -> tuple[TokenExpiring, Authenticated]:
            async with client(server.url, token_provider=provide) as stockroom:
                expires = await next_of(stockroom, TokenExpiring)
                return expires, await next_of(stockroom, Authenticated)

        expires, renewed = run(scenario())
    assert expires.seconds_left == 60
    assert renewed.tier == "basic" and renewed.limits == {"rooms": 100}
    assert [frame["token"] for frame in server.visitors[0].heard] == ["token-1", "token-2"] == asked


def test_a_program_may_renew_its_token_by_itself() -> None:
    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.say({"type": "token_expiring", "expires_at": NOW, "seconds_left": 60})
        visitor.hear()
        visitor.say({"type": "authenticated", "tier": "free", "expires_at": NOW, "limits": {}})
        visitor.connection.close_socket()

    with StandIn(script, quiet) as server:

        async def scenario() -> None:
            async with client(server.url, token="old") as stockroom:
                await next_of(stockroom, TokenExpiring)
                await stockroom.refresh("new")
                await next_of(stockroom, Authenticated)
                await next_of(stockroom, Hello)

        run(scenario())
    assert [visitor.token for visitor in server.visitors] == ["old", "new"]
    assert server.visitors[0].heard[1] == {"type": "auth", "token": "new"}


def refuse_token(visitor: Visitor) -> None:
    visitor.hear()
    visitor.close(4401, "UNAUTHORIZED")


def test_a_refused_token_is_replaced_once_and_then_the_client_gives_up() -> None:
    asked: list[str] = []

    async def provide() -> str:
        asked.append("x")
        return "stale"

    with StandIn(refuse_token) as server:

        async def scenario() -> BaseException | None:
            async with client(server.url, token_provider=provide) as stockroom:
                return (await all_of(stockroom))[1]

        error = run(scenario())
    assert isinstance(error, ConnectionEnded) and error.code == 4401
    assert len(asked) == len(server.visitors) == 2


def test_a_token_that_ended_is_replaced_whenever_the_connection_had_been_signed_in() -> None:
    def end(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.close(4401, "the token has expired")

    async def provide() -> str:
        return "fresh"

    with StandIn(end, end, end, quiet) as server:

        async def scenario() -> None:
            async with client(server.url, token_provider=provide) as stockroom:
                for _ in range(4):
                    await next_of(stockroom, Hello)

        run(scenario())


def test_a_token_that_cannot_be_had_for_now_is_asked_for_again() -> None:
    failures: list[Exception] = [OSError("no network"), TimeoutError()]

    async def provide() -> str:
        if failures:
            raise failures.pop()
        return "token"

    with StandIn(quiet) as server:

        async def scenario() -> None:
            async with client(server.url, token_provider=provide) as stockroom:
                await next_of(stockroom, Hello)

        run(scenario())


def test_a_bug_of_the_provider_reaches_the_program() -> None:
    async def provide() -> str:
        raise LookupError("no such user")

    async def scenario() -> BaseException | None:
        async with client("ws://127.0.0.1:9", token_provider=provide) as stockroom:
            return (await all_of(stockroom))[1]

    assert isinstance(run(scenario()), LookupError)


def test_silence_longer_than_two_and_a_half_heartbeats_begins_a_new_connection() -> None:
    def silent(visitor: Visitor) -> None:
        visitor.sign_in(heartbeat_seconds=0.2)
        visitor.stay()

    with StandIn(silent, quiet) as server:

        async def scenario() -> Disconnected:
            async with client(server.url) as stockroom:
                lost = await next_of(stockroom, Disconnected)
                await next_of(stockroom, Hello)
                return lost

        assert run(scenario()).code == 1006


def test_heartbeats_keep_a_connection_on_which_nothing_happens() -> None:
    def beating(visitor: Visitor) -> None:
        visitor.sign_in(heartbeat_seconds=0.2)
        for _ in range(10):
            visitor.say({"type": "heartbeat", "timestamp": NOW})
            time.sleep(0.15)
        visitor.say({"type": "alert", "data": {}})
        visitor.stay()

    with StandIn(beating) as server:

        async def scenario() -> None:
            async with client(server.url) as stockroom:
                await next_of(stockroom, Alert)

        run(scenario())
    assert len(server.visitors) == 1


def test_the_compact_format_yields_the_same_events() -> None:
    columns = {"price_update": ["stock_code", "data.current_price", "data.volume"]}

    def script(visitor: Visitor) -> None:
        visitor.sign_in(format="compact", columns=columns)
        visitor.acknowledge(sequence=4, id=17)
        visitor.say('[0,17,5,1772415025125,"005930",75000.50,null]')
        visitor.say([[0, 17, 6, 1772415025126, "000660", 75001, 3], alert(1)])
        visitor.say([0, 99, 7, 0, "?", 1, 1])
        visitor.stay()

    with StandIn(script, quiet) as server:

        async def scenario() -> list[Event]:
            async with client(server.url, compact=True, rooms=["price:005930"]) as stockroom:
                first = await next_of(stockroom, PriceUpdate)
                second = await next_of(stockroom, PriceUpdate)
                lost = await next_of(stockroom, Disconnected)
                await next_of(stockroom, Hello)
                return [first, second, lost]

        first, second, lost = run(scenario())
    assert server.visitors[0].path == "/ws/stocks?format=compact"
    assert isinstance(first, PriceUpdate) and isinstance(second, PriceUpdate)
    assert (first.room, first.epoch, first.sequence) == ("price:005930", "e1", 5)
    assert first.current_price == Decimal("75000.50") and first.volume is None
    assert first.timestamp is not None and first.timestamp.microsecond == 125_000
    assert second.volume == 3
    # A room that was never told is a misunderstanding: better a new connection than a guess.
    assert isinstance(lost, Disconnected) and "array" in lost.reason


def test_a_refused_room_is_told_and_not_asked_for_again() -> None:
    def first(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.hear()
        error = {"type": "error", "error": "STOCK_NOT_FOUND", "code": 4404, "message": "No such stock."}
        visitor.say(error | {"details": {"code": "nowhere"}, "room": "price:nowhere", "timestamp": NOW})
        visitor.connection.close_socket()

    with StandIn(first, quiet) as server:

        async def scenario() -> tuple[ServerError, list[str]]:
            async with client(server.url, rooms=["price:A", "price:nowhere"]) as stockroom:
                error = await next_of(stockroom, ServerError)
                await next_of(stockroom, Hello)
                await until(lambda: len(server.visitors[1].heard) == 2)
                return error, stockroom.rooms

        error, rooms = run(scenario())
    assert (error.error, error.code, error.room) == ("STOCK_NOT_FOUND", 4404, "price:nowhere")
    assert rooms == ["price:A"] == server.visitors[1].heard[1]["rooms"]


def test_a_frame_that_was_refused_as_too_many_is_sent_again_later() -> None:
    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.hear()
        visitor.say({"type": "error", "error": "FRAME_LIMIT", "code": 4429, "message": "", "details": {}})
        visitor.acknowledge()
        visitor.stay()

    with StandIn(script) as server:

        async def scenario() -> Subscribed:
            async with client(server.url, rooms=["price:A"]) as stockroom:
                return await next_of(stockroom, Subscribed)

        assert run(scenario()).rooms == {"price:A": Position("e1", 0)}


def test_many_rooms_are_asked_for_in_frames_that_the_server_takes() -> None:
    wanted = [f"sector:{number:03d}{'전' * 50}" for number in range(120)]

    def script(visitor: Visitor) -> None:
        limits = {"rooms": 500, "frame_bytes": 4096}
        visitor.sign_in(limits=limits)
        while True:
            visitor.acknowledge(epoch="0123456789abcdef", sequence=10**12)

    with StandIn(script) as server:

        async def scenario() -> None:
            async with client(server.url, rooms=wanted) as stockroom:
                await until(lambda: len(stockroom.positions) == len(wanted))
                await asyncio.to_thread(server.visitors[0].connection.close_socket)
                await until(lambda: len(server.visitors) == 2 and len(asked(server.visitors[1])) == 120)

        run(scenario())
    for visitor in server.visitors:
        assert asked(visitor) == wanted
        assert max(len(encoded(frame)) for frame in visitor.heard) <= 4096


def asked(visitor: Visitor) -> list[str]:
    return [room for frame in visitor.heard if frame["type"] == "subscribe" for room in frame["rooms"]]


def encoded(frame: dict[str, Any]) -> bytes:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()


def test_rooms_can_be_joined_and_left_at_any_time_in_few_frames() -> None:
    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.acknowledge()
        visitor.acknowledge()
        visitor.hear()
        for room in ("price:1", "price:0"):
            visitor.say(price(room, 1, 1))
        visitor.stay()

    with StandIn(script) as server:

        async def scenario() -> PriceUpdate:
            async with client(server.url, rooms=["price:0"]) as stockroom:
                await next_of(stockroom, Subscribed)
                for number in range(40):
                    stockroom.subscribe(f"price:{number}")
                await next_of(stockroom, Subscribed)
                stockroom.unsubscribe("price:1")
                return await next_of(stockroom, PriceUpdate)

        assert run(scenario()).room == "price:0"
    assert [frame["type"] for frame in server.visitors[0].heard[1:]] == [
        "subscribe",
        "subscribe",
        "unsubscribe",
    ]
    assert len(server.visitors[0].heard[2]["rooms"]) == 39


@pytest.mark.parametrize("frame", ["no JSON", "5", '{"a":NaN}', '{"type":"batch"}', '{"type":"subscribed"}'])
def test_what_no_server_says_begins_a_new_connection(frame: str) -> None:
    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.say(frame)
        visitor.stay()

    with StandIn(script, quiet) as server:

        async def scenario() -> Disconnected:
            async with client(server.url) as stockroom:
                lost = await next_of(stockroom, Disconnected)
                await next_of(stockroom, Hello)
                return lost

        assert run(scenario()).code == 1006


def test_a_message_of_a_later_version_is_passed_on_as_it_is() -> None:
    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.say({"type": "dividend", "what": {"n": 1}})
        visitor.stay()

    with StandIn(script) as server:

        async def scenario() -> Event:
            async with client(server.url) as stockroom:
                return await next_of(stockroom, Event, lambda event: event.type == "dividend")

        event = run(scenario())
    assert type(event) is Event and event.raw == {"type": "dividend", "what": {"n": 1}}


def test_closing_ends_the_iterator_and_says_so_to_the_server() -> None:
    ends: list[int | None] = []

    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.stay()
        ends.append(visitor.connection.close_code)

    with StandIn(script) as server:

        async def scenario() -> None:
            stockroom = client(server.url)
            await next_of(stockroom, Hello)
            await stockroom.close()
            await stockroom.close()
            assert await all_of(stockroom) == ([], None)
            await until(lambda: ends)

        run(scenario())
    assert ends == [1000]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_slow_consumer_gets_every_event_that_counts_and_the_server_is_held_back() -> None:
    count = 20_000
    sent: list[int] = []

    def script(visitor: Visitor) -> None:
        visitor.sign_in()
        visitor.acknowledge()
        for sequence in range(1, count + 1):
            visitor.say(alert(sequence) | {"padding": "x" * 2000})
            sent.append(sequence)
        visitor.stay()

    with StandIn(script) as server:

        async def scenario() -> list[int | None]:
            async with client(server.url, rooms=[ME], queue_size=50) as stockroom:
                await next_of(stockroom, Subscribed)
                while sent[-1:] != (before := sent[-1:]) or not sent:
                    await asyncio.sleep(0.2)
                assert before[0] < count, "the client has read everything that nobody took"
                return [(await next_of(stockroom, Alert)).sequence for _ in range(count)]

        assert run(scenario()) == list(range(1, count + 1))
    assert len(server.visitors) == 1

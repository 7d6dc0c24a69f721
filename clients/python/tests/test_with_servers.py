"""The client against real servers that are killed under it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from decimal import Decimal

import pytest

from realtime.presence import occupied
from realtime.publish import RoomEvent, publish
from realtime.tests.servers import OwnValkey, OwnWeb
from realtime.tests.talking import price
from stockroom_client import (
    Alert,
    Authenticated,
    Backoff,
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
    listen,
)
from tests.front import Front
from tests.watching import all_of, client, next_of, run

StartWeb = Callable[..., OwnWeb]
ME = "alert:me"
COUNT = 3000


async def told(room: str, value: int, key: str = "") -> None:
    """Publish from a thread, as another process would."""
    await asyncio.to_thread(publish, [price(room, value, key)])


async def alerted(*numbers: int) -> None:
    await asyncio.to_thread(publish, [RoomEvent(ME, "alert", {"data": {"n": number}}) for number in numbers])


async def numbers_of(stockroom: Stockroom, count: int) -> list[int]:
    """Of the next so many alerts, whatever comes between."""
    return [(await next_of(stockroom, Alert)).data["n"] for _ in range(count)]


def of_value(value: int) -> Callable[[PriceUpdate], bool]:
    return lambda event: event.current_price == value


@pytest.mark.parametrize("compact", [False, True])
def test_prices_arrive_typed_from_the_snapshot_on(start_web: StartWeb, compact: bool) -> None:
    web = start_web()
    publish([price("price:A", 1)])

    async def scenario() -> list[PriceUpdate]:
        async with client(web.url, rooms=["price:A"], compact=compact) as stockroom:
            held = await next_of(stockroom, PriceUpdate)
            await told("price:A", 2)
            return [held, await next_of(stockroom, PriceUpdate)]

    held, event = run(scenario())
    assert (held.is_snapshot, held.current_price, held.sequence) == (True, Decimal(1), 1)
    assert (event.is_snapshot, event.current_price, event.sequence) == (False, Decimal(2), 2)
    assert event.epoch == held.epoch and event.timestamp is not None


def test_a_killed_web_process_is_waited_for_and_the_newest_prices_follow(start_web: StartWeb) -> None:
    first = start_web()
    with Front(first.port) as front:

        async def scenario() -> tuple[Disconnected, PriceUpdate]:
            async with client(front.url, rooms=["price:A", "price:B"]) as stockroom:
                await next_of(stockroom, Subscribed)
                await told("price:A", 1)
                await next_of(stockroom, PriceUpdate, of_value(1))
                first.process.kill()
                lost = await next_of(stockroom, Disconnected)
                await told("price:A", 2)
                front.target = (await asyncio.to_thread(start_web)).port
                missed = await next_of(stockroom, PriceUpdate, of_value(2))
                # Both rooms are joined again, also the one that nothing was told in.
                await told("price:B", 3)
                await next_of(stockroom, PriceUpdate, of_value(3))
                return lost, missed

        lost, missed = run(scenario())
    assert lost.code == 1006
    assert missed.is_snapshot and missed.room == "price:A"


def test_a_resumed_connection_may_reach_another_process(start_web: StartWeb) -> None:
    webs = [start_web(), start_web()]
    with Front(webs[0].port) as front:

        async def scenario() -> PriceUpdate:
            async with client(front.url, rooms=["price:A"]) as stockroom:
                await next_of(stockroom, Subscribed)
                await told("price:A", 1)
                await next_of(stockroom, PriceUpdate)
                front.target = webs[1].port
                await asyncio.to_thread(webs[0].stop)
                ended = await next_of(stockroom, Disconnected)
                assert ended.code in (1001, 1006, 1012)
                await told("price:A", 2)
                return await next_of(stockroom, PriceUpdate, of_value(2))

        assert run(scenario()).sequence == 2


def test_a_killed_redis_takes_no_connection_and_its_new_numbers_are_followed(
    start_web: StartWeb, own_valkey: OwnValkey
) -> None:
    web = start_web(own_valkey.url)

    async def scenario() -> tuple[Event, Event]:
        async with client(web.url, rooms=["price:A"]) as stockroom:
            await next_of(stockroom, Subscribed)
            for value in range(5):
                await told("price:A", value)
            before = await next_of(stockroom, PriceUpdate, of_value(4))
            own_valkey.kill()
            await asyncio.to_thread(own_valkey.start)
            await told("price:A", 10)
            after = await next_of(stockroom, PriceUpdate, of_value(10))
            return before, after

    before, after = run(scenario())
    assert before.sequence == 5 and after.sequence == 1


def test_while_redis_is_away_the_client_comes_back_until_it_answers(
    start_web: StartWeb, own_valkey: OwnValkey
) -> None:
    web = start_web(own_valkey.url, link_grace_seconds=0.2)

    async def scenario() -> Disconnected:
        async with client(web.url, rooms=["price:A"]) as stockroom:
            await next_of(stockroom, Subscribed)
            own_valkey.kill()
            lost = await next_of(stockroom, Disconnected)
            await next_of(stockroom, Disconnected)
            await asyncio.to_thread(own_valkey.start)
            await next_of(stockroom, Subscribed)
            await told("price:A", 7)
            await next_of(stockroom, PriceUpdate, of_value(7))
            return lost

    assert run(scenario()).code == 1013


def test_alerts_that_came_while_the_web_process_was_dead_follow_each_once(start_web: StartWeb) -> None:
    first = start_web()
    gaps: list[Gap] = []
    with Front(first.port) as front:

        async def scenario() -> list[int]:
            async with client(front.url, rooms=[ME, "price:A"], on_gap=gaps.append) as stockroom:
                await next_of(stockroom, Subscribed)
                await alerted(1, 2, 3)
                before = await numbers_of(stockroom, 3)
                first.process.kill()
                await next_of(stockroom, Disconnected)
                await alerted(*range(4, 1000))
                front.target = (await asyncio.to_thread(start_web)).port
                await next_of(stockroom, Subscribed)
                await alerted(1000)
                return before + await numbers_of(stockroom, 997)

        assert run(scenario()) == list(range(1, 1001))
    assert gaps == []


def test_alerts_lost_with_redis_are_told_as_a_gap_and_the_next_ones_follow(
    start_web: StartWeb, own_valkey: OwnValkey
) -> None:
    web = start_web(own_valkey.url)
    gaps: list[Gap] = []

    async def scenario() -> tuple[Position, list[Event]]:
        async with client(web.url, rooms=[ME], on_gap=gaps.append) as stockroom:
            await next_of(stockroom, Subscribed)
            await alerted(1, 2, 3)
            await numbers_of(stockroom, 3)
            stood = stockroom.positions[ME]
            own_valkey.kill()
            await asyncio.to_thread(own_valkey.start)
            gap = await next_of(stockroom, Gap)
            await alerted(4)
            return stood, [gap, await next_of(stockroom, Alert)]

    stood, [gap, after] = run(scenario())
    assert [gap] == gaps and isinstance(gap, Gap)
    assert gap.since == stood and stood.sequence == 3
    assert isinstance(after, Alert) and after.data == {"n": 4}
    assert after.epoch == gap.position.epoch != stood.epoch


def test_alerts_that_no_resume_can_bring_back_are_told_as_a_gap(start_web: StartWeb) -> None:
    web = start_web()

    async def scenario() -> tuple[Gap, list[int]]:
        kept = {ME: Position("an epoch of last week", 17)}
        async with client(web.url, rooms=[ME], since=kept) as stockroom:
            gap = await next_of(stockroom, Gap)
            await alerted(1)
            return gap, await numbers_of(stockroom, 1)

    gap, numbers = run(scenario())
    assert gap.since == Position("an epoch of last week", 17) and numbers == [1]


def test_a_new_program_goes_on_after_the_last_alert_that_was_handled(start_web: StartWeb) -> None:
    web = start_web()

    async def scenario() -> list[int]:
        async with client(web.url, rooms=[ME]) as stockroom:
            await next_of(stockroom, Subscribed)
            await alerted(*range(1, 11))
            handled = await next_of(stockroom, Alert, lambda event: event.data["n"] == 4)
        assert handled.epoch and handled.sequence
        kept = {ME: Position(handled.epoch, handled.sequence)}
        async with client(web.url, rooms=[ME], since=kept) as stockroom:
            return await numbers_of(stockroom, 6)

    assert run(scenario()) == [5, 6, 7, 8, 9, 10]


def test_a_client_that_the_server_gave_up_as_too_slow_loses_no_alert(start_web: StartWeb) -> None:
    web = start_web(send_seconds=0.5, farewell_seconds=0.5, send_buffer_bytes=4096)
    with Front(web.port) as front:

        async def scenario() -> tuple[list[int], int]:
            numbers: list[int] = []
            ends = 0
            async with client(front.url, rooms=[ME], queue_size=10) as stockroom:
                await next_of(stockroom, Subscribed)
                front.freeze()
                for start in range(0, COUNT, 100):
                    # Random, or compression would leave nothing of it.
                    padding = os.urandom(1000).hex()
                    fields = [{"data": {"n": start + n}, "padding": padding} for n in range(100)]
                    await asyncio.to_thread(publish, [RoomEvent(ME, "alert", each) for each in fields])
                async with asyncio.timeout(20):
                    while await asyncio.to_thread(occupied, "alert"):
                        await asyncio.sleep(0.05)
                front.thaw()
                while len(numbers) < COUNT:
                    event = await next_of(stockroom, Event)
                    if isinstance(event, Alert):
                        numbers.append(event.data["n"])
                    ends += isinstance(event, Disconnected)
                    assert not isinstance(event, Gap)
            return numbers, ends

        numbers, ends = run(scenario())
    assert numbers == list(range(COUNT))
    assert ends >= 1


def test_a_server_that_says_nothing_any_more_is_left(start_web: StartWeb) -> None:
    web = start_web(heartbeat_seconds=1)
    with Front(web.port) as front:

        async def scenario() -> Disconnected:
            async with client(front.url, rooms=["price:A"]) as stockroom:
                await next_of(stockroom, Subscribed)
                # Heartbeats alone keep it.
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(4):
                        await anext(stockroom)
                front.freeze()
                lost = await next_of(stockroom, Disconnected)
                front.thaw()
                await next_of(stockroom, Subscribed)
                return lost

        lost = run(scenario())
    assert lost.code == 1006 and "nothing came" in lost.reason


def test_a_token_that_ends_soon_is_renewed_without_a_new_connection(start_web: StartWeb) -> None:
    web = start_web()
    tokens = iter(["basic:3:ann", "basic::ann"])

    async def provide() -> str:
        return next(tokens)

    async def scenario() -> None:
        async with client(web.url, token_provider=provide, rooms=["price:A"]) as stockroom:
            await next_of(stockroom, TokenExpiring)
            renewed = await next_of(stockroom, Authenticated)
            assert renewed.expires_at is None and renewed.tier == "basic"
            # Past the end of the first token.
            await asyncio.sleep(5)
            await told("price:A", 1)
            event = await anext(stockroom)
            while not isinstance(event, PriceUpdate):
                assert not isinstance(event, Disconnected)
                event = await anext(stockroom)

    run(scenario())


def test_a_token_that_ended_unrenewed_is_replaced_and_the_rooms_are_kept(start_web: StartWeb) -> None:
    web = start_web(warn_seconds=0)
    tokens = iter(["basic:1:ann", "basic::ann"])

    async def provide() -> str:
        return next(tokens)

    async def scenario() -> None:
        async with client(web.url, token_provider=provide, rooms=["price:A"]) as stockroom:
            await next_of(stockroom, Subscribed)
            assert (await next_of(stockroom, Disconnected)).code == 4401
            await next_of(stockroom, Subscribed)
            await told("price:A", 1)
            await next_of(stockroom, PriceUpdate, of_value(1))

    run(scenario())


def test_a_connection_that_was_cut_is_replaced_though_the_user_may_have_no_more(start_web: StartWeb) -> None:
    web = start_web(heartbeat_seconds=1)
    with Front(web.port) as front:

        async def scenario() -> list[Event]:
            options = {"token": "free::ann", "rooms": [ME]}
            async with client(web.url, **options) as other, client(front.url, **options) as stockroom:
                await next_of(other, Subscribed)
                await next_of(stockroom, Subscribed)
                # Both that the tier allows are open, and the server does not learn that one has gone.
                front.freeze()
                lost = await next_of(stockroom, Disconnected)
                front.thaw()
                again = await anext(stockroom)
                return [lost, again]

        lost, again = run(scenario())
    assert isinstance(lost, Disconnected) and lost.code == 1006
    assert isinstance(again, Hello)


def test_a_connection_too_many_is_tried_again_until_there_is_room(start_web: StartWeb) -> None:
    web = start_web()

    async def scenario() -> Disconnected:
        first, second, third = (client(web.url, token="free::ann") for _ in range(3))
        await next_of(first, Hello)
        await next_of(second, Hello)
        refused = await next_of(third, Disconnected)
        await first.close()
        await next_of(third, Hello)
        await second.close()
        await third.close()
        return refused

    assert run(scenario()).code == 4431


def test_a_connection_that_is_too_old_is_replaced_without_a_loss(start_web: StartWeb) -> None:
    web = start_web(max_age_seconds=2.0)

    async def scenario() -> list[int]:
        numbers: list[int] = []
        ends = 0
        async with client(web.url, rooms=[ME]) as stockroom:
            await next_of(stockroom, Subscribed)
            sent = 0
            while ends < 2 or len(numbers) < sent:
                if ends < 2:
                    sent += 1
                    await alerted(sent)
                event = await next_of(stockroom, Event)
                if isinstance(event, Alert):
                    numbers.append(event.data["n"])
                elif isinstance(event, Disconnected):
                    assert event.code == 4410
                    ends += 1
            return numbers

    numbers = run(scenario())
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_refused_token_ends_the_client_with_the_code(start_web: StartWeb) -> None:
    web = start_web()

    async def scenario() -> tuple[list[Event], BaseException | None]:
        async with client(web.url, token="nobody") as stockroom:
            return await all_of(stockroom)

    events, error = run(scenario())
    assert events == []
    assert isinstance(error, ConnectionEnded) and error.code == 4401


def test_refused_rooms_are_told_and_the_others_are_joined(start_web: StartWeb) -> None:
    web = start_web()
    rooms = ["price:A", "price:secret", "price:nowhere", "nothing:A"]

    async def scenario() -> tuple[dict[str | None, str], list[str]]:
        async with client(web.url, rooms=rooms) as stockroom:
            errors = [await next_of(stockroom, ServerError) for _ in range(3)]
            await next_of(stockroom, Subscribed)
            return {error.room: error.error for error in errors}, stockroom.rooms

    errors, joined = run(scenario())
    assert errors["price:secret"] == "NOT_YOURS"
    assert errors["price:nowhere"] == "STOCK_NOT_FOUND"
    assert set(errors) == {"price:secret", "price:nowhere", "nothing:A"}
    assert joined == ["price:A"]


def test_a_slow_consumer_gets_the_newest_of_each_stock_and_keeps_its_connection(start_web: StartWeb) -> None:
    web = start_web()
    codes = [f"S{number}" for number in range(20)]

    async def scenario() -> tuple[list[PriceUpdate], int]:
        async with client(web.url, rooms=["market:KOSPI"]) as stockroom:
            await next_of(stockroom, Subscribed)
            for value in range(100):
                events = [price("market:KOSPI", value, code) for code in codes]
                await asyncio.to_thread(publish, events)
            newest: dict[str, PriceUpdate] = {}
            seen = []
            while any(held.current_price != 99 for held in newest.values()) or len(newest) < len(codes):
                event = await next_of(stockroom, PriceUpdate)
                newest[event.stock_code] = event
                seen.append(event)
            assert stockroom.is_live
            return seen, stockroom.conflated

    seen, conflated = run(scenario())
    assert conflated > 0 and len(seen) < 1000
    for code in codes:
        values = [event.current_price for event in seen if event.stock_code == code]
        assert values == sorted(values, key=lambda value: value or 0)


def test_ten_clients_that_lose_the_server_at_once_all_come_back(start_web: StartWeb) -> None:
    first = start_web()
    with Front(first.port) as front:

        async def scenario() -> None:
            clients = [client(front.url, rooms=["price:A"], backoff=Backoff(0.2, 1.0)) for _ in range(10)]
            for each in clients:
                await next_of(each, Subscribed)
            first.process.kill()
            front.target = (await asyncio.to_thread(start_web)).port
            await asyncio.gather(*[next_of(each, Hello) for each in clients])
            await asyncio.gather(*[each.close() for each in clients])

        run(scenario())


def test_without_asyncio_a_plain_loop_reads_the_same(start_web: StartWeb) -> None:
    web = start_web()
    publish([price("price:A", 1)])
    seen = []
    options = {"token": "basic", "rooms": ["price:A"], "connect_options": {"proxy": None}}
    for event in listen(web.url, **options):
        if isinstance(event, PriceUpdate):
            seen.append(event.current_price)
            if event.current_price == 1:
                publish([price("price:A", 2)])
            else:
                break
    assert seen == [1, 2]
    with pytest.raises(ConnectionEnded):
        list(listen(web.url, **options | {"token": "nobody"}))
    assert "stockroom-client" not in {thread.name for thread in threading.enumerate()}

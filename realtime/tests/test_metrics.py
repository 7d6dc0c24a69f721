from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
import redis

from realtime import hub as hubs
from realtime import keys
from realtime.hub import Hub
from realtime.limits import configured
from realtime.metrics import Readings, all_readings, readings
from realtime.protocol.codes import UNAUTHORIZED
from realtime.publish import RoomEvent, publish
from realtime.redis import Target, address
from realtime.reporting import Reporter
from realtime.tests.harness import eventually, member_of, running_hub
from realtime.tests.servers import OwnValkey, OwnWeb, until
from realtime.tests.talking import price, signed_in

pytestmark = pytest.mark.usefixtures("floor")


def reporting(hub: Hub) -> Reporter:
    """A reporter that is quick about it."""
    return Reporter(target=Target.from_url(address()), read=lambda: readings(hub), every=0.1)


def test_readings_say_what_is_open_and_what_was_done() -> None:
    async def scenario() -> tuple[Readings, Readings]:
        async with running_hub() as hub:
            members = [await member_of(hub, "price:A", "price:B"), await member_of(hub, "price:A")]
            await asyncio.to_thread(publish, [RoomEvent("price:A", "price_update", {})])
            await eventually(lambda: all(member.transport.messages for member in members))
            before = readings(hub)
            hub.close(members[0], UNAUTHORIZED, "")
            hub.remove(members[1])
            return before, readings(hub)

    before, after = asyncio.run(scenario())
    assert before.gauges["connections:websocket"] == 2
    assert (before.gauges["rooms"], before.gauges["memberships"]) == (2, 3)
    assert 0 < before.gauges["ingest_lag_seconds"] < 20
    assert (before.totals["events"], before.totals["deliveries"]) == (1, 2)
    assert "closed:UNAUTHORIZED" not in before.totals
    assert sum(count for name, count in before.totals.items() if name.startswith("lag:")) > 1
    assert "connections:websocket" not in after.gauges
    assert (after.gauges["rooms"], after.gauges["memberships"]) == (0, 0)
    assert after.totals["closed:UNAUTHORIZED"] == 1


def test_the_readings_of_all_processes_are_summed_and_totals_outlive_them() -> None:
    async def scenario() -> list[Readings]:
        seen = []
        async with running_hub() as first:
            second = Hub(
                loop=asyncio.get_running_loop(), limits=configured(), target=Target.from_url(address())
            )
            reporters = [reporting(first), reporting(second)]
            members = [await member_of(first, "price:A"), await member_of(second, "price:A", "price:B")]
            await asyncio.to_thread(publish, [price("price:A", 1), price("price:B", 1)])
            await eventually(lambda: [len(member.transport.messages) for member in members] == [1, 2])
            for reporter in reporters:
                reporter.start()
            await eventually(lambda: all_readings().gauges.get("memberships") == 3)
            seen.append(all_readings())
            # The end of one: its gauges go, its totals stay.
            await reporters[1].stop()
            seen.append(all_readings())
            # The other goes on from there.
            await asyncio.to_thread(publish, [price("price:A", 2)])
            await eventually(lambda: all_readings().totals["events"] == 4)
            seen.append(all_readings())
            await reporters[0].stop()
            await second.stop()
        return seen

    both, one, later = asyncio.run(scenario())
    assert (both.processes, one.processes, later.processes) == (2, 1, 1)
    assert both.gauges["connections:websocket"] == 2
    assert both.gauges["rooms"] == 3
    assert both.gauges["loop_lag_seconds"] >= 0
    assert one.gauges["connections:websocket"] == 1
    assert both.totals["events"] == one.totals["events"] == 3
    assert later.totals["deliveries"] == 4


def test_the_last_totals_of_a_process_that_stops_are_added() -> None:
    async def scenario() -> Readings:
        async with running_hub() as hub:
            reporter = reporting(hub)
            member = await member_of(hub, "price:A")
            reporter.start()
            await eventually(lambda: all_readings().processes == 1)
            hub.close(member, UNAUTHORIZED, "")
            await reporter.stop()
            return all_readings()

    assert asyncio.run(scenario()).totals["closed:UNAUTHORIZED"] == 1


def test_readings_go_on_after_redis_was_away(own_valkey: OwnValkey) -> None:
    async def scenario() -> tuple[Readings, Readings]:
        async with running_hub() as hub:
            reporter = reporting(hub)
            hub.counts.blocked = 3
            reporter.start()
            await eventually(lambda: _totals().get("blocked") == 3)
            before = all_readings()
            own_valkey.kill()
            hub.counts.blocked += 4
            await asyncio.sleep(0.3)
            await asyncio.to_thread(own_valkey.start)
            hub.counts.blocked += 5
            # An emptied Redis counts from nothing, not from what was counted before.
            await eventually(lambda: _totals().get("blocked", 0) >= 5)
            after = all_readings()
            await reporter.stop()
            return before, after

    before, after = asyncio.run(scenario())
    assert before.totals["blocked"] == 3
    # What was on its way when Redis went is not added twice.
    assert after.totals["blocked"] in (5, 9)


def _totals() -> dict[str, int]:
    try:
        return all_readings().totals
    except redis.RedisError:
        return {}


def test_a_process_that_was_killed_leaves_no_gauges(redis_client: redis.Redis) -> None:
    redis_client.zadd(keys.PROCESSES, {"dead": 1})
    assert all_readings().processes == 0
    redis_client.set(keys.process("dead"), '{"rooms":4}')
    assert all_readings().gauges == {"rooms": 4}


def test_workers_report_themselves_and_take_themselves_out(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web("workers")
    with signed_in(web):
        until(lambda: all_readings().processes == 2, "both workers report")
        until(lambda: all_readings().gauges.get("connections:websocket") == 1, "the connection is counted")
    with signed_in(web):
        os.kill(web.process.pid, signal.SIGTERM)
        web.process.wait(25)
    found = all_readings()
    assert found.processes == 0
    assert found.totals["closed:RESTARTING"] == 1


def test_a_hub_reports_once_it_has_a_client() -> None:
    async def scenario() -> tuple[bool, bool]:
        async with running_hub() as hub:
            before = any(task.get_name() == "realtime-reporter" for task in asyncio.all_tasks())
            await member_of(hub)
            return before, any(task.get_name() == "realtime-reporter" for task in asyncio.all_tasks())

    assert asyncio.run(scenario()) == (False, True)
    assert not hubs.all_hubs()

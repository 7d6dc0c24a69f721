from __future__ import annotations

import asyncio

import pytest

from realtime import metrics
from realtime.protocol.codes import UNAUTHORIZED
from realtime.publish import RoomEvent, publish
from realtime.tests.harness import eventually, member_of, running_hub


@pytest.mark.usefixtures("floor")
def test_readings_say_what_is_open_and_what_was_done() -> None:
    async def scenario() -> tuple[dict[str, int], dict[str, int]]:
        async with running_hub() as hub:
            members = [await member_of(hub, "price:A", "price:B"), await member_of(hub, "price:A")]
            await asyncio.to_thread(publish, [RoomEvent("price:A", "price_update", {})])
            await eventually(lambda: all(member.transport.messages for member in members))
            before = metrics.readings()
            hub.close(members[0], UNAUTHORIZED, "")
            hub.remove(members[1])
            return before, metrics.readings()

    before, after = asyncio.run(scenario())
    assert (before["connections"], before["rooms"], before["memberships"]) == (2, 2, 3)
    assert (before["events"], before["deliveries"], before["blocked"]) == (1, 2, 0)
    assert "closed_unauthorized" not in before
    assert (after["connections"], after["rooms"], after["memberships"]) == (0, 0, 0)
    assert after["closed_unauthorized"] == 1

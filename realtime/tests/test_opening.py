"""The log of WebSockets that were opened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from realtime.opening import SWITCHED, Opening
from realtime.replies import Answered, Manners
from realtime.tests.harness import running_hub


class Notes(Manners):
    """Keeps what it is given, step by step."""

    def __init__(self) -> None:
        self.steps: list[list[tuple[int, str]]] = []

    def log_all(self, answered: Sequence[Answered]) -> None:
        self.steps.append([(one.status, one.request_id) for one in answered])


def opening(manners: Manners, number: int) -> Opening:
    given = f"request-{number}".encode()
    return Opening(manners, {"headers": [(b"x-request-id", given), (b"x-request-id", b"another-one")]})


def test_those_of_one_turn_of_the_loop_are_noted_in_one_step() -> None:
    async def scenario() -> Notes:
        notes = Notes()
        async with running_hub() as hub:
            for number in range(3):
                opening(notes, number).log_soon(hub.openings, SWITCHED)
            assert notes.steps == []
            await asyncio.sleep(0)
            opening(notes, 3).log_soon(hub.openings, 401)
            await asyncio.sleep(0)
        return notes

    notes = asyncio.run(scenario())
    assert notes.steps == [[(101, f"request-{number}") for number in range(3)], [(401, "request-3")]]


def test_a_hub_that_stops_notes_what_is_known() -> None:
    async def scenario() -> Notes:
        notes = Notes()
        async with running_hub() as hub:
            await hub.stop()
            opening(notes, 1).log_soon(hub.openings, SWITCHED)
            hub.openings.write()
            assert notes.steps == [[(101, "request-1")]]
        return notes

    # Nothing is noted twice.
    assert len(asyncio.run(scenario()).steps) == 1

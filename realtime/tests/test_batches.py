from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from functools import partial

from django.db import OperationalError

from realtime.errors import Unavailable
from realtime.tests.harness import eventually
from realtime.threads import Batches


class Log:
    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.done: dict[int, int | Exception] = {}
        self.go_on = threading.Event()
        self.go_on.set()

    def double(self, items: Sequence[int]) -> list[int]:
        self.calls.append(list(items))
        assert self.go_on.wait(15)
        return [2 * item for item in items]

    def take(self, item: int, result: int | Exception) -> None:
        self.done[item] = result


def test_what_comes_while_a_call_runs_is_the_next_call() -> None:
    async def scenario() -> Log:
        log = Log()
        log.go_on.clear()
        batches = Batches(log.double, log.take, most=3)
        for item in (1, 2):
            batches.put(item)
        await eventually(lambda: log.calls)
        for item in (3, 4, 5, 6, 3):
            batches.put(item)
        batches.put(7)
        batches.drop(7)
        log.go_on.set()
        await eventually(lambda: len(log.done) == 6)
        await batches.stop()
        return log

    log = asyncio.run(scenario())
    assert log.calls == [[1, 2], [3, 4, 5], [6]]
    assert log.done == {item: 2 * item for item in range(1, 7)}


def test_it_rests_and_begins_again() -> None:
    async def scenario() -> Log:
        log = Log()
        batches = Batches(log.double, log.take, most=3)
        for item in (1, 2):
            batches.put(item)
            await eventually(partial(log.done.__contains__, item))
            await eventually(lambda: len(asyncio.all_tasks()) == 1)
        return log

    assert asyncio.run(scenario()).calls == [[1], [2]]


def test_a_call_that_fails_is_told_to_everybody_in_it_and_the_next_ones_go_on() -> None:
    def fail(items: Sequence[int]) -> list[int]:
        if 1 in items:
            raise OperationalError("away")
        if 3 in items:
            raise LookupError("a bug")
        return list(items)

    async def scenario() -> dict[int, int | Exception]:
        log = Log()
        batches = Batches(fail, log.take, most=2)
        for item in range(1, 7):
            batches.put(item)
        await eventually(lambda: len(log.done) == 6)
        await batches.stop()
        return log.done

    done = asyncio.run(scenario())
    assert [type(done[item]) for item in range(1, 7)] == [Unavailable] * 2 + [LookupError] * 2 + [int] * 2

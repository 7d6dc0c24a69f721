from __future__ import annotations

import asyncio
import time

from realtime.client import Client
from realtime.protocol.codes import UNAUTHORIZED, Code
from realtime.tests.harness import eventually
from realtime.wheel import Deadline, Wheel

EXPIRED = Deadline(UNAUTHORIZED, "expired")


class Log:
    def __init__(self) -> None:
        self.beats: list[set[Client]] = []
        self.closed: list[tuple[Client, Code, str]] = []

    def wheel(self, period: int) -> Wheel:
        return Wheel(
            loop=asyncio.get_running_loop(),
            period=period,
            beat=lambda clients: self.beats.append(set(clients)),
            close=lambda client, code, reason: self.closed.append((client, code, reason)),
        )


def test_every_client_has_its_beat_once_per_period_and_neighbours_at_different_seconds() -> None:
    async def scenario() -> tuple[Log, Client, Client]:
        log = Log()
        wheel = log.wheel(2)
        first, second = Client(), Client()
        wheel.add(first)
        wheel.add(second)
        await eventually(lambda: len(log.beats) >= 3)
        wheel.stop()
        return log, first, second

    log, first, second = asyncio.run(scenario())
    assert log.beats[0] != log.beats[1]
    assert log.beats[:3] in ([{first}, {second}, {first}], [{second}, {first}, {second}])


def test_a_client_may_have_its_beats_more_often_and_has_none_once_it_is_removed() -> None:
    async def scenario() -> Log:
        log = Log()
        wheel = log.wheel(4)
        often, seldom, gone = Client(), Client(), Client()
        wheel.add(often)
        wheel.add(often, 1)
        wheel.add(seldom)
        wheel.add(gone, 2)
        wheel.remove(gone)
        await eventually(lambda: len(log.beats) >= 4)
        wheel.stop()
        assert all(often in clients for clients in log.beats[:4])
        assert sum(seldom in clients for clients in log.beats[:4]) == 1
        assert not any(gone in clients for clients in log.beats)
        return log

    asyncio.run(scenario())


def test_a_deadline_closes_once_and_not_before_its_time() -> None:
    async def scenario() -> tuple[Log, Client, float]:
        log = Log()
        wheel = log.wheel(30)
        client = Client()
        began = asyncio.get_running_loop().time()
        wheel.set_deadline(client, 1.2, EXPIRED)
        await eventually(lambda: log.closed)
        waited = asyncio.get_running_loop().time() - began
        wheel.remove(client)
        return log, client, waited

    log, client, waited = asyncio.run(scenario())
    assert log.closed == [(client, UNAUTHORIZED, "expired")]
    assert waited >= 1.2


def test_a_later_deadline_replaces_an_earlier_one_and_a_removed_client_has_none() -> None:
    async def scenario() -> tuple[Log, Client]:
        log = Log()
        wheel = log.wheel(30)
        gone, postponed, witness = Client(), Client(), Client()
        for client in (gone, postponed):
            wheel.set_deadline(client, 0.1, EXPIRED)
        wheel.set_deadline(postponed, 3_600, EXPIRED)
        wheel.remove(gone)
        wheel.set_deadline(witness, 1.1, EXPIRED)
        await eventually(lambda: log.closed)
        wheel.stop()
        return log, witness

    log, witness = asyncio.run(scenario())
    assert [client for client, _, _ in log.closed] == [witness]


def test_an_alarm_rings_once_and_may_set_the_next_one_though_the_loop_was_busy() -> None:
    async def scenario() -> tuple[list[Client], Log, Client]:
        log = Log()
        wheel = log.wheel(30)
        client, other = Client(), Client()
        rung: list[Client] = []

        def ring(one: Client) -> None:
            rung.append(one)
            wheel.set_deadline(one, 0.5, EXPIRED)

        wheel.set_deadline(client, 0.1, ring)
        wheel.set_deadline(other, 1.1, EXPIRED)
        # For as long as this takes, the wheel stands still; then it makes up for every second.
        time.sleep(2.5)
        await eventually(lambda: len(log.closed) == 2)
        assert wheel._timer is None
        return rung, log, client

    rung, log, client = asyncio.run(scenario())
    assert rung == [client]
    assert log.closed[-1] == (client, UNAUTHORIZED, "expired")


def test_an_alarm_may_end_another_client_that_is_due_in_the_same_second() -> None:
    async def scenario() -> tuple[list[Client], Log]:
        log = Log()
        wheel = log.wheel(30)
        clients = [Client(), Client()]
        rung: list[Client] = []

        def ring(one: Client) -> None:
            rung.append(one)
            for client in clients:
                wheel.remove(client)

        for client in clients:
            wheel.set_deadline(client, 0.1, ring)
        await eventually(lambda: rung)
        await eventually(lambda: wheel._timer is None)
        return rung, log

    rung, log = asyncio.run(scenario())
    assert (len(rung), log.closed) == (1, [])


def test_a_wheel_without_clients_has_no_timer() -> None:
    async def scenario() -> None:
        wheel = Log().wheel(30)
        client = Client()
        wheel.add(client)
        wheel.set_deadline(client, 0.1, EXPIRED)
        wheel.remove(client)
        await eventually(lambda: wheel._timer is None)

    asyncio.run(scenario())

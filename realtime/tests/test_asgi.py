from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest

from realtime import eager
from realtime.asgi import AsgiSocket, AsgiTransport
from realtime.client import Client, Gone
from realtime.limits import Limits
from realtime.live import Frame
from realtime.protocol.codes import SLOW_CLIENT, UNAUTHORIZED, Code
from realtime.tests.harness import eventually

T = TypeVar("T", bound=AsgiTransport)


class Server:
    """The sending side of an ASGI server: it has room, or waits, or has lost its client."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.room = asyncio.Event()
        self.room.set()
        self.gone = False
        self.transport = self
        self.aborted = False

    async def send(self, message: dict[str, Any]) -> None:
        await self.room.wait()
        if self.gone:
            raise OSError("gone")
        self.sent.append(message)

    def abort(self) -> None:
        self.aborted = True

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.sent if message["type"] == "websocket.send"]


class Owner(Generic[T]):
    """Who is told what becomes of a transport."""

    def __init__(self, kind: Callable[..., T], server: Server, **limits: Any) -> None:
        self.client = Client()
        self.resumed = 0
        self.slow: list[Code] = []
        self.transport = kind(
            client=self.client,
            send=server.send,
            limits=Limits(rooms={"free": 1}, **limits),
            resumed=self._resumed,
            slow=self._slow,
        )

    def _resumed(self, client: Client) -> None:
        self.resumed += 1

    def _slow(self, client: Client, code: Code, reason: str) -> None:
        self.slow.append(code)
        self.transport.close(code, reason)


def frame(text: str) -> Frame:
    return Frame(text.encode(), 1)


def tasks() -> int:
    return len(asyncio.all_tasks())


def test_a_send_into_a_socket_with_room_is_done_at_once_without_a_task() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(AsgiSocket, server)
        assert owner.transport.send(frame("가"))
        assert server.texts == ["가"]
        assert tasks() == 1

    asyncio.run(scenario())


def test_a_full_socket_takes_frames_in_order_and_says_when_it_is_empty() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(AsgiSocket, server)
        server.room.clear()
        assert not owner.transport.send(frame("1"))
        assert not owner.transport.send(frame("2"))
        assert (server.texts, owner.resumed) == ([], 0)
        server.room.set()
        await eventually(lambda: owner.resumed)
        assert server.texts == ["1", "2"]
        assert owner.transport.send(frame("3"))
        assert server.texts == ["1", "2", "3"]

    asyncio.run(scenario())


def test_a_client_that_has_gone_is_said_to_be_gone() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(AsgiSocket, server)
        server.gone = True
        with pytest.raises(Gone):
            owner.transport.send(frame("1"))
        owner.transport.close(UNAUTHORIZED, "")
        assert server.sent == []

    asyncio.run(scenario())


def test_a_client_that_leaves_while_its_socket_is_full_leaves_no_task() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(AsgiSocket, server)
        server.room.clear()
        owner.transport.send(frame("1"))
        server.gone = True
        server.room.set()
        await eventually(lambda: tasks() == 1)
        assert (owner.resumed, owner.slow) == (0, [])

    asyncio.run(scenario())


def test_a_socket_that_stays_full_is_closed_as_slow_and_then_dropped() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(AsgiSocket, server, send_seconds=0.05, farewell_seconds=0.05)
        server.room.clear()
        owner.transport.send(frame("1"))
        await eventually(lambda: server.aborted)
        assert owner.slow == [SLOW_CLIENT]
        assert server.sent == []
        await eventually(lambda: tasks() == 1)

    asyncio.run(scenario())


def test_a_slow_client_that_reads_again_in_time_gets_the_close_frame() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(AsgiSocket, server, send_seconds=0.05, farewell_seconds=15.0)
        server.room.clear()
        owner.transport.send(frame("1"))
        await eventually(lambda: owner.slow)
        server.room.set()
        await eventually(lambda: server.sent)
        assert server.sent == [
            {"type": "websocket.close", "code": 4008, "reason": "nothing was read for too long"}
        ]
        assert not server.aborted

    asyncio.run(scenario())


def test_closing_in_the_moment_the_socket_fills_leaves_no_task_behind() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(AsgiSocket, server)
        server.room.clear()
        owner.transport.send(frame("1"))
        owner.transport.close(UNAUTHORIZED, "over")
        server.room.set()
        await eventually(lambda: tasks() == 1)
        assert [message["type"] for message in server.sent] == ["websocket.close"]

    asyncio.run(scenario())


def test_a_server_whose_send_is_no_coroutine_is_waited_for_in_a_task() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        rest = eager.start(future)
        assert rest is future

    asyncio.run(scenario())


def test_a_cancelled_rest_ends_the_coroutine_it_belongs_to() -> None:
    async def scenario() -> list[str]:
        ended: list[str] = []

        async def waiting() -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.append("ended")

        rest = eager.start(waiting())
        assert rest is not None
        waiter = asyncio.ensure_future(rest)
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait([waiter])
        return ended

    assert asyncio.run(scenario()) == ["ended"]

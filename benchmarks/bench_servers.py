"""What benchmarks run on: a fresh database and an empty Redis, on servers of their own unless given."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

HOST = "127.0.0.1"
START_SECONDS = 60
TEMPLATE = "BENCH_TEMPLATE"
_COMMANDS = """
import json, sys
from django.core.management import execute_from_command_line

for command in json.loads(sys.argv[1]):
    execute_from_command_line(["manage.py", *command])
"""
PROJECT = Path(__file__).resolve().parent.parent
PEER_VENV = PROJECT / ".venv" / "benchmarks"
REQUIREMENTS = PROJECT / "benchmarks" / "requirements.txt"

sys.path.insert(0, str(PROJECT))

from config.embedded import EmbeddedServers  # noqa: E402 - found by the path above


@contextlib.contextmanager
def fresh_environment(scratch: Path, **settings: str) -> Iterator[None]:
    """Point the environment at a database that is dropped in the end, and at a Redis that is emptied then.

    The database is a copy of the one that BENCH_TEMPLATE names, as of one with all tables, or empty.

    Args:
        scratch: a directory for state and logs.
        settings: further variables, such as MARKET_DATA (none) or RATE_LIMITS (off).
    """
    given = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
    servers = EmbeddedServers(
        scratch / "state",
        postgres=not given["DATABASE_URL"],
        valkey=not given["REDIS_URL"],
        temporary=True,
    )
    with servers as services:
        database = given["DATABASE_URL"] or services.database_url
        assert database is not None
        name = f"stockroom_bench_{os.getpid()}"
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {os.environ.get(TEMPLATE, 'template1')}")
            try:
                os.environ |= {
                    "DATABASE_URL": urlsplit(database)._replace(path=f"/{name}").geturl(),
                    "REDIS_URL": given["REDIS_URL"] or str(services.redis_url),
                    "STATE_DIR": str(scratch / "state"),
                    "LOG_DIR": str(scratch / "logs"),
                    "MARKET_DATA": "none",
                    "RATE_LIMITS": "off",
                    "DJANGO_SETTINGS_MODULE": "config.settings",
                    **settings,
                }
                with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
                    if client.dbsize():
                        sys.exit("REDIS_URL names a database that is not empty")
                    yield
                    client.flushdb()
            finally:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def manage(*commands: Sequence[str]) -> None:
    """Run commands of manage.py one after the other, in one process; ends the program where one fails."""
    process = subprocess.run(
        [sys.executable, "-c", _COMMANDS, json.dumps(commands)], cwd=PROJECT, capture_output=True, text=True
    )
    if process.returncode:
        sys.exit(f"of {commands} one ended with {process.returncode}:\n{process.stderr[-2000:]}")
    print(process.stdout, file=sys.stderr)


@contextlib.contextmanager
def serving(
    scratch: Path, *command: str, **environment: str
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run a server on a free port of 127.0.0.1, which stands for ``{port}`` in its command, until left.

    Yields the port and the process once it answers; ends the program where it does not.
    """
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    log = scratch / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [word.format(port=port) for word in command],
            cwd=PROJECT,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield port, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def peer_python() -> Path:
    """The interpreter of the environment with what is measured against; made where missing or another."""
    python = PEER_VENV / "bin" / "python"
    installed = PEER_VENV / "requirements.installed"
    if not installed.is_file() or installed.read_text() != REQUIREMENTS.read_text():
        print("installing benchmarks/requirements.txt", file=sys.stderr)
        venv.create(PEER_VENV, with_pip=False, clear=True)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], check=True, timeout=300)
        installed.write_text(REQUIREMENTS.read_text())
    return python

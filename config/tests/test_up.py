"""`manage.py up` as a person starts it: real servers, real programs, an empty state directory."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from config.embedded.processes import free_port
from config.tests.processes import assert_gone

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = {
    *("web", "live", "store", "alerts", "payments", "portfolios", "screens"),
    *("worker", "beat"),
}


class Up:
    """A `manage.py up` in a process group of its own, started by the Python code of `under` if given."""

    def __init__(self, state_dir: Path, port: int, under: str = "", **environment: str) -> None:
        self.state_dir = state_dir
        self.port = port
        self.log = Path(tempfile.mkstemp(dir=state_dir.parent, suffix=".log")[1])
        inherited = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *([sys.executable, "-c", under] if under else []),
                    sys.executable,
                    str(PROJECT / "manage.py"),
                    "up",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                env=inherited
                | {"STATE_DIR": str(state_dir), "PORT": str(port), "MARKET_DATA": "none"}
                | environment,
                start_new_session=True,
            )

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def await_welcome(self) -> None:
        deadline = time.monotonic() + 120
        while "Stockroom is ready at" not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.1)

    def status(self, path: str) -> int:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            link.request("GET", path)
            return link.getresponse().status
        finally:
            link.close()

    def everything_it_started(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="stockroom-up-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory) / "state"


@contextmanager
def up(state_dir: Path, port: int | None = None, under: str = "", **environment: str) -> Iterator[Up]:
    started = Up(state_dir, port or free_port(), under, **environment)
    try:
        yield started
    finally:
        started.kill()


def test_a_first_start_serves_refuses_a_second_and_ends_with_zero_on_a_terminals_ctrl_c(
    state_dir: Path,
) -> None:
    with up(state_dir) as started:
        started.await_welcome()
        assert started.status("/health/ready") == 200
        everything = started.everything_it_started()
        assert len(everything) >= len(PROGRAMS) + 2
        _assert_the_administrator_can_sign_in_and_no_secret_is_printed(started)
        with up(state_dir) as second:
            assert second.process.wait(60) == 1
            assert f"Process {started.process.pid} already runs the servers of" in second.output()
        assert started.status("/health/ready") == 200
        os.killpg(started.process.pid, signal.SIGINT)
        assert started.process.wait(90) == 0, started.output()
        assert_gone(everything)
        assert "Traceback" not in started.output()


def test_however_it_ends_nothing_is_left_and_the_next_start_serves_again(state_dir: Path) -> None:
    with up(state_dir) as killed:
        killed.await_welcome()
        everything = killed.everything_it_started()
        killed.process.kill()
        killed.process.wait()
        assert_gone(everything)
    with up(state_dir) as second:
        second.await_welcome()
        assert second.status("/health/ready") == 200
        _assert_a_killed_web_server_and_a_killed_database_come_back(second)
        everything = second.everything_it_started()
        second.process.send_signal(signal.SIGTERM)
        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(90) == 0, second.output()
        assert_gone(everything)
    # As make starts it, which dies without a word to its children.
    with up(state_dir, under="import subprocess, sys; subprocess.run(sys.argv[1:])", MAKELEVEL="1") as third:
        third.await_welcome()
        assert third.status("/health/ready") == 200
        assert "Applying" not in third.output()
        everything = third.everything_it_started()
        third.process.kill()
        assert_gone(everything)
        assert third.output().endswith("Stopped.\n")


def _assert_a_killed_web_server_and_a_killed_database_come_back(started: Up) -> None:
    recorded = json.loads((started.state_dir / "processes.json").read_text())
    os.kill(int(recorded["postgres"]["pid"]), signal.SIGKILL)
    (web,) = [one for one in psutil.Process(started.process.pid).children() if "uvicorn" in _command(one)]
    web.kill()
    deadline = time.monotonic() + 60
    # Until then the old database may still answer, to the old server.
    while "PostgreSQL had ended and was started again" not in started.output() or not _is_ready(started):
        assert started.process.poll() is None, started.output()
        assert time.monotonic() < deadline, started.output()
        time.sleep(0.2)


def _assert_the_administrator_can_sign_in_and_no_secret_is_printed(started: Up) -> None:
    state_dir = started.state_dir
    file = state_dir / "admin-password.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = file.read_text().strip()
    assert str(file) in started.output()
    secrets = [password, *(one.read_text().strip() for one in (state_dir / "secrets").iterdir())]
    told = started.output() + "".join(log.read_text() for log in (state_dir / "logs").iterdir())
    assert [secret for secret in secrets if secret in told] == []
    check = (
        "from django.contrib.auth import authenticate;"
        f"print('signed in:', authenticate(username='admin@stockroom.local', password={password!r}))"
    )
    assert "signed in: admin@stockroom.local" in _manage(state_dir, "shell", "-c", check)


def test_a_database_that_is_given_is_used_and_only_redis_is_started(state_dir: Path) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS given_to_up")
        connection.execute("CREATE DATABASE given_to_up")
    given = urlsplit(os.environ["DATABASE_URL"])._replace(path="/given_to_up").geturl()
    with up(state_dir, DATABASE_URL=given) as started:
        started.await_welcome()
        assert started.status("/health/ready") == 200
        assert list(json.loads((state_dir / "processes.json").read_text())) == ["valkey"]
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(90) == 0, started.output()
    with psycopg.connect(given) as connection:
        row = connection.execute("SELECT count(*) FROM accounts_user WHERE is_superuser").fetchone()
    assert row == (1,)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP DATABASE given_to_up WITH (FORCE)")


def test_a_port_in_use_is_refused_in_one_line_before_anything_starts(state_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with up(state_dir, port) as refused:
            assert refused.process.wait(60) == 1
            assert refused.output() == (
                f"Error: Port {port} of 127.0.0.1 is in use: choose another with PORT=…\n"
            )
    assert not state_dir.exists()


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "٣"])
def test_a_port_that_is_none_is_refused_in_one_line(state_dir: Path, port: str) -> None:
    with up(state_dir, PORT=port) as refused:
        assert refused.process.wait(60) == 1
        assert refused.output() == f"Error: PORT is {port!r}: give a number between 1 and 65535.\n"


def test_a_state_dir_that_cannot_be_one_is_refused_in_one_line(state_dir: Path) -> None:
    state_dir.touch()
    with up(state_dir) as refused:
        assert refused.process.wait(60) == 1
        assert refused.output() == f"Error: STATE_DIR {state_dir} is not a directory.\n"


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def _is_ready(started: Up) -> bool:
    try:
        return started.status("/health/ready") == 200
    except OSError:
        return False


def _manage(state_dir: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        env={name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        | {"STATE_DIR": str(state_dir)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

"""The pytest plugin: real servers for the run, and fixtures that several apps share.

Every run has its own PostgreSQL and Valkey in a temporary state directory unless `DATABASE_URL` or
`REDIS_URL` is given. Under pytest-xdist each worker uses a database of its own in the controller's
PostgreSQL, and has a Valkey of its own: tests pause it, cut its connections, limit its memory and count its
commands. Of a Redis that is given each worker uses a database. What the run writes is searched for the
secrets that it gave out (`config/suite_logs`).
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import psycopg
import pytest
import redis

from config.development import web_command
from config.embedded import EmbeddedServers, processes
from config.suite_logs import plugin as suite_logs

PROJECT = Path(__file__).resolve().parent.parent
STATE_PREFIX = "stockroom-tests-"
READY_SECONDS = 60.0
#: Tells pytest-xdist's workers that no Redis was given.
OWN_REDIS = "STOCKROOM_TESTS_OWN_REDIS"

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("stockroom", deadline=None)
hypothesis.settings.load_profile("stockroom")

_servers: EmbeddedServers | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start the servers before pytest-django reads the settings."""
    options = early_config.known_args_namespace
    if options.help or options.version:
        return
    early_config.pluginmanager.register(suite_logs, "suite_logs")
    suite_logs.begin(STATE_PREFIX)
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        if OWN_REDIS in os.environ:
            # STATE_DIR stays the controller's: all workers have the same secrets.
            _start_servers(_new_state_dir(), postgres=False, valkey=True)
        else:
            _use_own_redis_database(int(worker.removeprefix("gw")) + 1)
        return
    os.environ["RATE_LIMITS"] = "off"
    # What a test stores in its own transaction is seen by no other connection.
    os.environ["SCREEN_SNAPSHOT"] = "off"
    # Its thread would write past the transaction that a test is wrapped in.
    os.environ["REQUEST_LOG"] = "off"
    os.environ.setdefault("MARKET_DATA", "none")
    has_redis = bool(os.environ.get("REDIS_URL"))
    if has_redis:
        os.environ.pop(OWN_REDIS, None)
    else:
        os.environ[OWN_REDIS] = "1"
    _remove_abandoned_states()
    state_dir = _new_state_dir()
    os.environ["STATE_DIR"] = str(state_dir)
    _start_servers(state_dir, postgres=not os.environ.get("DATABASE_URL"), valkey=not has_redis)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the servers, and then search all that was written."""
    try:
        pytest_unconfigure(session.config)
    finally:
        suite_logs.finish(session)


def pytest_unconfigure(config: pytest.Config) -> None:
    global _servers
    if _servers is not None:
        _servers.stop()
        _servers = None


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    """The worker's own Redis database, empty."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="session")
def _redis() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_cached_quotes(request: pytest.FixtureRequest) -> None:
    """Quotes in Redis outlive the transaction that a test of the database is wrapped in."""
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames:
        request.getfixturevalue("_redis").delete("quotes")


@pytest.fixture(scope="session")
def market_data_dir() -> Path:
    """The directory of real listings, bars and fundamentals beside the project; skips where it is absent."""
    directory = PROJECT.parent / "shared" / "data"
    if not directory.is_dir():
        pytest.skip(f"the real market data are not at {directory}")
    return directory


@pytest.fixture(scope="session")
def benchmark_environment() -> Iterator[dict[str, str]]:
    """The environment for a program of benchmarks: its database begins with all tables, made once for all."""
    name = f"stockroom_template_{os.environ.get('PYTEST_XDIST_WORKER', 'tests')}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        migrate = [sys.executable, str(PROJECT / "manage.py"), "migrate", "-v0"]
        subprocess.run(migrate, env=os.environ | {"DATABASE_URL": address}, check=True, timeout=240)
        yield os.environ | {"BENCH_TEMPLATE": name}
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class LiveStack:
    """A real web server process on the test database, and other processes beside it.

    Attributes: `url` ("http://127.0.0.1:port"), `websocket_url` ("ws://127.0.0.1:port"), `environment` (what
    every process of it is given), `web` (the server process).
    """

    def __init__(self, database_name: str, logs: Path) -> None:
        self.port = processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.websocket_url = f"ws://127.0.0.1:{self.port}"
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database_name}").geturl()
        self.environment = {**os.environ, "DATABASE_URL": database, "PORT": str(self.port)}
        self._logs = logs
        self._processes: dict[subprocess.Popen[bytes], Path] = {}
        self.web = self._start_web()

    def manage(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start `manage.py` with these arguments, and these variables in its environment."""
        return self.start(sys.executable, str(PROJECT / "manage.py"), *arguments, **environment)

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start any program; it is stopped at the end of the test at the latest."""
        log = self._logs / f"{len(self._processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                env=self.environment | environment,
                start_new_session=True,
                preexec_fn=processes.dies_with_parent(signal.SIGKILL),
            )
        self._processes[process] = log
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End it as a crash does, with SIGKILL."""
        process.kill()
        process.wait()

    def stop(self, process: subprocess.Popen[bytes], seconds: float = 10.0) -> int:
        """Ask it to end with SIGTERM, and return its exit code."""
        processes.stop(process, [(signal.SIGTERM, seconds)])
        return process.returncode

    def output(self, process: subprocess.Popen[bytes]) -> str:
        """Everything the process has written so far."""
        return self._processes[process].read_text(errors="replace")

    def restart_web(self) -> None:
        """End the web server and start a fresh one on the same port."""
        self.stop(self.web)
        self.web = self._start_web()

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            processes.stop(process, [(signal.SIGTERM, 3.0)])
            # What it has started, and did not end.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _start_web(self) -> subprocess.Popen[bytes]:
        web = self.start(*web_command("127.0.0.1", self.port))
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if web.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise RuntimeError(f"the web server did not start:\n{self.output(web)}")
            time.sleep(0.05)
        return web

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/live", timeout=5) as answer:
                return int(answer.status) == 200
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture
def live_stack(
    transactional_db: None, redis_client: redis.Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveStack]:
    """A fresh web server over the test database and an empty Redis; all its processes end with the test."""
    from django.db import connection

    stack = LiveStack(connection.settings_dict["NAME"], tmp_path_factory.mktemp("live"))
    try:
        yield stack
    finally:
        stack.close()


def _new_state_dir() -> Path:
    return Path(tempfile.mkdtemp(prefix=STATE_PREFIX))


def _start_servers(state_dir: Path, *, postgres: bool, valkey: bool) -> None:
    global _servers
    _servers = EmbeddedServers(
        state_dir,
        postgres=postgres,
        valkey=valkey,
        durable=False,
        temporary=True,
    )
    services = _servers.start()
    if services.database_url:
        os.environ["DATABASE_URL"] = services.database_url
    if services.redis_url:
        os.environ["REDIS_URL"] = services.redis_url


def _use_own_redis_database(number: int) -> None:
    address = urlsplit(os.environ["REDIS_URL"])
    first = int(address.path.strip("/") or 0)
    os.environ["REDIS_URL"] = address._replace(path=f"/{first + number}").geturl()


def _remove_abandoned_states() -> None:
    """Remove what runs that were killed have left; a live run holds the lock of its directory."""
    for state_dir in Path(tempfile.gettempdir()).glob(f"{STATE_PREFIX}*"):
        try:
            with (state_dir / "up.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A run that begins just now may be about to lock it.
                if os.fstat(lock.fileno()).st_mtime < time.time() - 60:
                    shutil.rmtree(state_dir)
        except OSError:
            continue

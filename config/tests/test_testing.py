"""The pytest plugin, seen from outside: small runs of pytest in processes of their own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from config.testing import STATE_PREFIX, LiveStack
from config.tests.processes import assert_gone

PROJECT = Path(__file__).resolve().parents[2]
OWN = ("DATABASE_URL", "REDIS_URL", "STATE_DIR", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT")


@pytest.fixture
def temporary_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="stockroom-plugin-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def start_pytest(directory: Path, source: str, *options: str, **environment: str) -> "subprocess.Popen[str]":
    """Run the tests in `source`, with its temporary files below the directory."""
    (directory / "test_small.py").write_text(source)
    inherited = {name: value for name, value in os.environ.items() if name not in OWN}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(PROJECT / "pytest.ini"),
        "-s",
        "-p",
        "no:hypothesispytest",
        *options,
    ]
    return subprocess.Popen(
        [*command, f"--rootdir={PROJECT}", "-p", "no:cacheprovider", str(directory / "test_small.py")],
        cwd=PROJECT,
        env=inherited | {"TMPDIR": str(directory)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def states_in(directory: Path) -> list[Path]:
    return list(directory.glob(f"{STATE_PREFIX}*"))


def test_each_worker_has_a_database_and_a_redis_of_its_own_and_nothing_is_left(
    temporary_directory: Path,
) -> None:
    source = """
import os, pathlib, pytest
from django.db import connection

@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_here(number, db, redis_client):
    name = connection.settings_dict["NAME"]
    redis_client.set("mine", name)
    here = pathlib.Path(__file__).parent / f"seen-{os.environ['PYTEST_XDIST_WORKER']}-{number}"
    here.write_text(f"{name} {os.environ['REDIS_URL']} {os.environ['STATE_DIR']}")
    assert redis_client.keys() == [b"mine"]
"""
    run = start_pytest(temporary_directory, source, "-n", "2", "--dist", "each", "--nomigrations")
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output
    seen = {tuple(file.read_text().split()) for file in temporary_directory.glob("seen-*")}
    names, redis_urls, state_dirs = (set(values) for values in zip(*seen, strict=True))
    assert names == {"test_stockroom_gw0", "test_stockroom_gw1"}
    assert len({urlsplit(url).port for url in redis_urls}) == 2
    assert len(state_dirs) == 1
    assert states_in(temporary_directory) == []


def test_of_a_redis_that_is_given_each_worker_uses_a_database(temporary_directory: Path) -> None:
    source = """
import os, pathlib

def test_here():
    here = pathlib.Path(__file__).parent / f"seen-{os.environ['PYTEST_XDIST_WORKER']}"
    here.write_text(os.environ["REDIS_URL"])
"""
    run = start_pytest(
        temporary_directory, source, "-n", "2", "--dist", "each", REDIS_URL="redis://given:6379/5"
    )
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output
    seen = {file.read_text() for file in temporary_directory.glob("seen-*")}
    assert seen == {"redis://given:6379/6", "redis://given:6379/7"}


def test_servers_that_are_given_are_used(temporary_directory: Path) -> None:
    source = """
import os
from django.conf import settings

def test_here():
    assert settings.REDIS_URL == "redis://given:6379/5"
    assert "given" in settings.DATABASES["default"]["HOST"]
"""
    given = {"DATABASE_URL": "postgresql://user:word@given:1/name", "REDIS_URL": "redis://given:6379/5"}
    run = start_pytest(temporary_directory, source, **given)
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output


@pytest.mark.parametrize(
    "source",
    ["def test_fails(): assert False", "raise SystemExit", "def test_stops(): raise KeyboardInterrupt"],
    ids=["failure", "broken module", "interrupt"],
)
def test_a_run_that_goes_wrong_leaves_nothing(temporary_directory: Path, source: str) -> None:
    run = start_pytest(temporary_directory, source)
    output, _ = run.communicate(timeout=120)
    assert run.returncode != 0, output
    assert states_in(temporary_directory) == []


def test_kill_9_leaves_no_server(temporary_directory: Path) -> None:
    source = "import time\ndef test_waits(): print('waiting', flush=True); time.sleep(600)"
    run = start_pytest(temporary_directory, source)
    assert run.stdout is not None
    for line in run.stdout:
        if "waiting" in line:
            break
    servers = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.communicate()
    assert len(servers) >= 2
    assert_gone(servers)


def test_a_live_stack_serves_the_test_database_and_restarts(live_stack: LiveStack) -> None:
    import httpx
    from django.contrib.auth import get_user_model

    get_user_model()._default_manager.create_superuser("alice@example.com", "a long password")
    assert httpx.get(f"{live_stack.url}/health/ready").status_code == 200
    ask = "from accounts.models import User as U; print('users:', [user.email for user in U.objects.all()])"
    shell = live_stack.manage("shell", "-c", ask)
    assert shell.wait(60) == 0
    assert "users: ['alice@example.com']" in live_stack.output(shell)
    first = live_stack.web
    live_stack.restart_web()
    assert first.poll() is not None
    assert httpx.get(f"{live_stack.url}/health/ready").status_code == 200
    live_stack.kill(live_stack.web)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{live_stack.url}/health/live")

"""`manage.py` where no address is set: commands bring the servers that they need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded import EmbeddedServers, running

PROJECT = Path(__file__).resolve().parents[2]
COUNT = (
    "from django.db import connection as c; k = c.cursor(); k.execute('SELECT 6 * 7'); print(k.fetchone())"
)


def manage(state_dir: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
    }
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        cwd=PROJECT,
        env=inherited | {"STATE_DIR": str(state_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_has_the_servers_for_its_own_length(state_dir: Path) -> None:
    done = manage(state_dir, "shell", "-v", "0", "-c", COUNT)
    assert (done.returncode, done.stdout) == (0, "(42,)\n"), done.stderr
    assert running(state_dir) is None
    assert not (state_dir / "processes.json").exists()


def test_a_command_uses_the_servers_that_run_and_leaves_them_running(state_dir: Path) -> None:
    with EmbeddedServers(state_dir, durable=False) as services:
        done = manage(state_dir, "shell", "-v", "0", "-c", COUNT)
        assert (done.returncode, done.stdout) == (0, "(42,)\n"), done.stderr
        assert running(state_dir) == services


def test_a_failing_command_stops_its_servers_and_keeps_its_exit_code(state_dir: Path) -> None:
    done = manage(state_dir, "shell", "-c", "raise SystemExit(3)")
    assert done.returncode == 3
    assert running(state_dir) is None


@pytest.mark.parametrize("arguments", [["help"], ["check"], ["migrate", "--help"]])
def test_a_command_that_needs_no_server_starts_none(state_dir: Path, arguments: list[str]) -> None:
    assert manage(state_dir, *arguments).returncode == 0
    assert not (state_dir / "servers").exists()


def test_servers_that_lack_what_a_command_needs_are_named(state_dir: Path) -> None:
    with EmbeddedServers(state_dir, postgres=False, durable=False):
        done = manage(state_dir, "migrate")
    assert done.returncode == 1
    assert done.stderr == "Error: The running servers have no PostgreSQL: set DATABASE_URL.\n"


def test_a_state_dir_that_cannot_be_one_is_refused_in_one_line(state_dir: Path) -> None:
    file = state_dir / "file"
    file.touch()
    done = manage(file, "migrate")
    assert done.returncode == 1
    assert done.stderr == f"Error: STATE_DIR {file} is not a directory.\n"

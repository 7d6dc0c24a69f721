"""The embedded servers when something goes wrong: crashes, interruptions, several processes at once."""

import json
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.embedded import processes, running
from config.tests.embedded import Owner, answer, recorded_processes, servers
from config.tests.processes import assert_gone


def test_kill_9_of_the_owner_leaves_no_server_and_no_lie(state_dir: Path) -> None:
    with Owner(state_dir) as owner:
        owner.await_ready()
        left = recorded_processes(state_dir)
        left += [child for process in left for child in process.children(recursive=True)]
        services = running(state_dir)
        assert services
        assert services.database_url
        with psycopg.connect(services.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        owner.process.kill()
        assert_gone(left)
    assert (state_dir / "services.json").exists()
    assert running(state_dir) is None
    with servers(state_dir) as services:
        assert answer(services.database_url, "SELECT value FROM kept") == 7


def test_a_server_left_over_from_a_crash_is_stopped_before_the_next_start(state_dir: Path) -> None:
    with Owner(state_dir) as owner:
        owner.await_ready()
        left = recorded_processes(state_dir)
        for server in left:
            server.suspend()  # it cannot act on the death of its parent
        owner.process.kill()
        owner.process.wait()
        assert all(server.is_running() for server in left)
        with servers(state_dir) as services:
            assert_gone(left)
            assert answer(services.database_url, "SELECT 1") == 1


def test_a_recorded_number_that_now_belongs_to_another_process_is_left_alone(state_dir: Path) -> None:
    with servers(state_dir, postgres=False):
        pass
    with subprocess.Popen(["sleep", "600"]) as bystander:
        (state_dir / "processes.json").write_text(
            json.dumps({"valkey": {"pid": bystander.pid, "started": 1.0}})
        )
        with servers(state_dir, postgres=False):
            assert bystander.poll() is None
        bystander.kill()


def test_dead_servers_come_back_on_their_ports(state_dir: Path) -> None:
    owner = servers(state_dir)
    with owner as services:
        for server in recorded_processes(state_dir):
            server.kill()
        deadline = time.monotonic() + 30
        revived: list[str] = []
        while len(revived) < 2 and time.monotonic() < deadline:
            revived += owner.revive()
        assert sorted(revived) == ["PostgreSQL", "Valkey"]
        assert answer(services.database_url, "SELECT 1") == 1
        assert services.redis_url
        assert redis.Redis.from_url(services.redis_url).ping()
        assert running(state_dir) == services


def test_a_port_that_was_taken_meanwhile_is_replaced_by_another(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers(state_dir) as services:
        assert services.redis_url
        taken = int(services.redis_url.rsplit(":", 1)[1].split("/")[0])
        with tempfile.TemporaryDirectory(prefix="stockroom-embedded-") as other:
            ports = iter([taken, taken])
            find = processes.free_port
            monkeypatch.setattr(processes, "free_port", lambda: next(ports, None) or find())
            with servers(Path(other)) as second:
                assert second.redis_url
                assert second.redis_url != services.redis_url
                assert answer(second.database_url, "SELECT 1") == 1


def test_commands_share_the_servers_and_the_last_one_ends_them(state_dir: Path) -> None:
    body = "with servers_for_command():\n"
    with Owner(state_dir, body) as first, Owner(state_dir, body) as second:
        first.await_ready()
        second.await_ready()
        first.let_go()
        # Whichever started the servers waits for the other one.
        time.sleep(0.3)
        assert running(state_dir) is not None
        second.let_go()
        assert second.process.wait(60) == 0
        assert first.process.wait(60) == 0
        assert running(state_dir) is None


def test_an_interrupted_start_leaves_nothing_running(state_dir: Path) -> None:
    with Owner(state_dir) as owner:
        while not (children := psutil.Process(owner.process.pid).children(recursive=True)):
            assert owner.process.poll() is None
            time.sleep(0.005)
        owner.process.send_signal(signal.SIGINT)
        owner.process.wait(60)
        assert_gone(children)
    with servers(state_dir) as services:
        assert answer(services.database_url, "SELECT 1") == 1

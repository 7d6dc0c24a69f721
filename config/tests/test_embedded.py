"""The embedded servers: real ones, started and stopped in state directories of their own."""

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.embedded import EmbeddedError, EmbeddedServers, StateDirBusyError, running
from config.tests.processes import assert_gone

PROJECT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="stockroom-embedded-") as directory:
        yield Path(directory)


def servers(state_dir: Path, *, postgres: bool = True, valkey: bool = True) -> EmbeddedServers:
    return EmbeddedServers(state_dir, postgres=postgres, valkey=valkey, durable=False)


def recorded_processes(state_dir: Path) -> list[psutil.Process]:
    recorded = json.loads((state_dir / "processes.json").read_text())
    return [psutil.Process(int(one["pid"])) for one in recorded.values()]


def answer(database_url: str | None, query: str) -> object:
    assert database_url
    with psycopg.connect(database_url) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


class Owner:
    """Another process that owns the servers of a state directory until it is told to end."""

    def __init__(self, state_dir: Path, body: str = "") -> None:
        source = (
            "import sys\nfrom pathlib import Path\nfrom config.embedded import *\n"
            + (
                body
                or "servers = EmbeddedServers(Path(sys.argv[1]), durable=False)\nwith servers as services:\n"
            )
            + "    print('ready', flush=True)\n    sys.stdin.read()\n"
        )
        without_addresses = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", source, str(state_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            env=without_addresses | {"PYTHONPATH": str(PROJECT), "STATE_DIR": str(state_dir)},
            text=True,
        )

    def await_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def let_go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def __enter__(self) -> "Owner":
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()


def test_it_works(state_dir: Path) -> None:
    assert running(state_dir) is None
    with servers(state_dir) as services:
        assert running(state_dir) == services
        assert answer(services.database_url, "SHOW server_encoding") == "UTF8"
        assert answer(services.database_url, "SHOW timezone") == "UTC"
        assert services.redis_url
        assert redis.Redis.from_url(services.redis_url).ping()
    assert running(state_dir) is None
    assert not (state_dir / "services.json").exists()


def test_a_second_start_finds_the_data_of_the_first(state_dir: Path) -> None:
    with EmbeddedServers(state_dir) as services:
        assert services.database_url
        with psycopg.connect(services.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        assert services.redis_url
        redis.Redis.from_url(services.redis_url).set("kept", "7")
    with EmbeddedServers(state_dir) as services:
        assert answer(services.database_url, "SELECT value FROM kept") == 7
        assert services.redis_url
        assert redis.Redis.from_url(services.redis_url).get("kept") == b"7"


def test_both_servers_ask_for_the_password(state_dir: Path) -> None:
    with servers(state_dir) as services:
        assert services.database_url
        assert services.redis_url
        wrong = services.database_url.replace(":", ":x", 2).replace("postgresql:x", "postgresql:")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        link = redis.Redis(port=int(services.redis_url.rsplit(":", 1)[1].split("/")[0]))
        with pytest.raises(redis.AuthenticationError):
            link.ping()


def test_the_application_is_no_superuser(state_dir: Path) -> None:
    with servers(state_dir, valkey=False) as services:
        assert answer(services.database_url, "SHOW is_superuser") == "off"


def test_passwords_are_in_private_files_only(state_dir: Path) -> None:
    with servers(state_dir) as services:
        assert services.database_url
        private = [state_dir / "secrets/servers.json", state_dir / "services.json"]
        assert [stat.S_IMODE(file.stat().st_mode) for file in private] == [0o600, 0o600]
        passwords = set(json.loads(private[0].read_text()).values())
        assert any(password in services.database_url for password in passwords)
        told = "".join(log.read_text() for log in (state_dir / "logs").iterdir())
        for server in recorded_processes(state_dir):
            told += " ".join(server.cmdline()) + str(server.environ())
        assert [password for password in passwords if password in told] == []


def test_the_servers_listen_on_the_loopback_only(state_dir: Path) -> None:
    with servers(state_dir):
        listening = {
            link.laddr.ip
            for server in recorded_processes(state_dir)
            for link in server.net_connections(kind="all")
            if link.status == psutil.CONN_LISTEN
        }
    assert listening == {"127.0.0.1"}


def test_only_what_is_asked_for_runs(state_dir: Path) -> None:
    with servers(state_dir, postgres=False) as services:
        assert services.database_url is None
        assert services.redis_url is not None
        assert len(recorded_processes(state_dir)) == 1
        assert running(state_dir) == services


def test_a_second_starter_is_told_who_owns_the_directory(state_dir: Path) -> None:
    with servers(state_dir, postgres=False) as services:
        with pytest.raises(StateDirBusyError, match=f"Process {os.getpid()} already runs the servers"):
            servers(state_dir).start()
        assert running(state_dir) == services


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
            from config.embedded import processes

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


def test_a_state_dir_that_is_a_file_is_refused_in_one_line(state_dir: Path) -> None:
    file = state_dir / "file"
    file.touch()
    with pytest.raises(EmbeddedError, match="is not a directory") as refused:
        servers(file).start()
    assert "\n" not in str(refused.value)


def test_damaged_passwords_are_refused_in_one_line(state_dir: Path) -> None:
    (state_dir / "secrets").mkdir()
    (state_dir / "secrets/servers.json").write_text("{")
    with pytest.raises(EmbeddedError, match=r"servers\.json is damaged"):
        servers(state_dir).start()
    assert running(state_dir) is None


def test_data_without_their_password_are_refused_and_kept(state_dir: Path) -> None:
    with servers(state_dir, valkey=False) as services:
        assert services.database_url
    secrets_file = state_dir / "secrets/servers.json"
    before = json.loads(secrets_file.read_text())
    secrets_file.write_text(json.dumps(before | {"postgres": "lost"}))
    with pytest.raises(EmbeddedError, match="has another password than the state directory"):
        servers(state_dir, valkey=False).start()
    secrets_file.write_text(json.dumps(before))
    with servers(state_dir, valkey=False) as services:
        assert answer(services.database_url, "SELECT 1") == 1


def test_data_of_another_major_version_are_refused_in_one_line(state_dir: Path) -> None:
    with servers(state_dir, valkey=False):
        pass
    (state_dir / "servers/postgres/PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="were made by PostgreSQL 16") as refused:
        servers(state_dir, valkey=False).start()
    assert "\n" not in str(refused.value)


def test_a_damaged_cluster_names_its_reason_and_log(state_dir: Path) -> None:
    with servers(state_dir, valkey=False):
        pass
    (state_dir / "servers/postgres/global/pg_control").unlink()
    with pytest.raises(
        EmbeddedError, match=r"PostgreSQL did not start: .*pg_control.* \(see .*postgres\.log\)"
    ):
        servers(state_dir, valkey=False).start()
    assert running(state_dir) is None


@pytest.mark.skipif(not AS_ROOT, reason="only root switches to another account")
def test_root_runs_the_servers_as_nobody(state_dir: Path) -> None:
    with servers(state_dir):
        assert {server.username() for server in recorded_processes(state_dir)} == {"nobody"}
        supplementary = {
            Path(f"/proc/{server.pid}/status").read_text().split("Groups:")[1].split("\n")[0].strip()
            for server in recorded_processes(state_dir)
        }
        assert supplementary == {""}


@pytest.mark.skipif(not AS_ROOT, reason="only root switches to another account")
def test_root_keeps_data_elsewhere_where_nobody_may_not_pass(state_dir: Path) -> None:
    closed = state_dir / "closed"
    closed.mkdir(mode=0o700)
    state_dir.chmod(0o700)
    mine = servers(closed / "state")
    with mine as services:
        assert answer(services.database_url, "SELECT 1") == 1
        home = mine.home
        assert home is not None
        assert home.parent == Path("/var/lib/stockroom")
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert all(
            home in (Path(server.cwd()), *Path(server.cwd()).parents)
            for server in recorded_processes(closed / "state")
        )
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    with EmbeddedServers(closed / "state", durable=False, temporary=True) as services:
        assert answer(services.database_url, "SELECT 1") == 1
    assert not home.exists()
    assert not (closed / "state").exists()


@pytest.mark.skipif(AS_ROOT, reason="root switches to another account")
def test_a_normal_user_runs_the_servers_as_itself(state_dir: Path) -> None:
    with servers(state_dir):
        assert {server.uids().real for server in recorded_processes(state_dir)} == {os.geteuid()}


def test_stopping_twice_and_without_a_start_is_harmless(state_dir: Path) -> None:
    idle = servers(state_dir)
    idle.stop()
    with idle:
        pass
    idle.stop()


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

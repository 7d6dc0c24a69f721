"""The embedded servers: real ones, started and stopped in state directories of their own."""

import json
import os
import stat
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.embedded import EmbeddedError, EmbeddedServers, StateDirBusyError, running
from config.tests.embedded import answer, recorded_processes, servers

AS_ROOT = os.geteuid() == 0


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

"""The embedded PostgreSQL: scram passwords, UTF-8 with the built-in C.UTF-8 locale, UTC."""

import shutil
import signal
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from config.embedded import binaries
from config.embedded.errors import EmbeddedError
from config.embedded.server import Server
from config.embedded.state import write_private

ROLE = DATABASE = "stockroom"
SUPERUSER = "postgres"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # A statement may hold what a user typed as a password: errors are logged without it.
    "log_min_error_statement": "panic",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres(Server):
    name = "PostgreSQL"
    # SIGTERM would wait for every client; SIGINT ends their sessions and shuts down cleanly.
    stop_signals: ClassVar = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0))

    def __init__(self, *, superuser_password: str, password: str, **options: Any) -> None:
        super().__init__(**options)
        self.data = self.home / "postgres"
        self._superuser_password = superuser_password
        self._password = password
        self._programs = binaries.postgres_programs(self.account)

    def start(self) -> None:
        if not self.data.exists():
            self._initialize()
        self._check_version()
        super().start()

    def command(self) -> list[str]:
        settings = SETTINGS | ({} if self.durable else NOT_DURABLE) | {"port": str(self.port)}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self.data), *options]

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}:{self._password}@127.0.0.1:{self.port}/{DATABASE}"

    def is_ready(self) -> bool:
        # Its own file first: on a port that was taken meanwhile another server might answer.
        if not self._says_ready():
            return False
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EmbeddedError(
                    f"PostgreSQL in {self.data} has another password than the state directory."
                ) from None
            return False
        return True

    def _says_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        mine = self.process is not None and lines[:1] == [str(self.process.pid)]
        return mine and lines[-1].strip() == "ready"

    def _initialize(self) -> None:
        """Create cluster, role and database beside their place, then move them there in one step."""
        fresh = self.home / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password_file = self.home / "superuser-password"
        write_private(password_file, self._superuser_password.encode())
        if self.account.uid is not None and self.account.gid is not None:
            shutil.chown(password_file, self.account.uid, self.account.gid)
        try:
            self._step(
                [str(self._programs / "initdb"), f"--pgdata={fresh}", f"--username={SUPERUSER}"]
                + [f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
                + ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
                + ([] if self.durable else ["--no-sync"]),
            )
        finally:
            password_file.unlink()
        # In single-user mode each line is one statement, and nothing listens yet.
        statements = (
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{self._password}'\n"
            f"GRANT pg_monitor TO {ROLE}\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}\n"
        )
        single = [str(self._programs / "postgres"), "--single", "-D", str(fresh), "-c", "exit_on_error=on"]
        self._step([*single, "-c", "log_min_error_statement=panic", "postgres"], statements.encode())
        fresh.rename(self.data)

    def _step(self, command: list[str], given: bytes = b"") -> None:
        done = self.run(command, given)
        if done.returncode:
            said = done.stdout.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise EmbeddedError(f"{Path(command[0]).name} failed in {self.home}: {said[-1][:300]}")

    def _check_version(self) -> None:
        data = (self.data / "PG_VERSION").read_text().strip()
        program = self.run([str(self._programs / "postgres"), "--version"]).stdout.decode()
        if f" {data}." not in program:
            raise EmbeddedError(
                f"The data in {self.data} were made by PostgreSQL {data}, this is {program.strip()}: "
                "dump them with that version, or start an empty STATE_DIR."
            )

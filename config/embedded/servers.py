"""The embedded servers of one state directory, started and stopped together."""

import shutil
from pathlib import Path
from types import TracebackType

from config.embedded import processes
from config.embedded.account import account_and_home
from config.embedded.errors import EmbeddedError
from config.embedded.postgres import Postgres
from config.embedded.server import Server
from config.embedded.state import Services, StateDir, read_json, write_private_json
from config.embedded.valkey import Valkey


class EmbeddedServers:
    """A context manager that owns the servers of a state directory.

    `postgres` and `valkey` choose what to run; `durable=False` gives up safety against a crash of the
    machine for speed; `temporary=True` removes the data and the state directory at the stop. Start it from
    the main thread: the servers end when the starting thread ends.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        postgres: bool = True,
        valkey: bool = True,
        durable: bool = True,
        temporary: bool = False,
    ) -> None:
        self.state = StateDir(state_dir)
        self._wanted = {"postgres": postgres, "valkey": valkey}
        self._durable = durable
        self._temporary = temporary
        self._servers: dict[str, Server] = {}
        self.home: Path | None = None

    def __enter__(self) -> Services:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Services:
        """Start what is wanted and write its addresses; `StateDirBusyError` when another process owns it."""
        self.state.create()
        self.state.acquire()
        try:
            self._stop_leftovers()
            self._servers = self._make()
            for server in self._servers.values():
                server.start()
                self._record_processes()
            services = Services(
                database_url=self._url_of("postgres"),
                redis_url=self._url_of("valkey"),
            )
            write_private_json(
                self.state.services_file,
                {"database_url": services.database_url, "redis_url": services.redis_url},
            )
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise EmbeddedError(f"STATE_DIR {self.state.path} cannot be used: {error}.") from error
            raise
        return services

    def stop(self) -> None:
        """Stop the servers and give the directory free; safe to call again."""
        if not self.state.holds_lock:
            return
        self.state.services_file.unlink(missing_ok=True)
        for server in reversed(self._servers.values()):
            server.stop()
        self._servers = {}
        self.state.processes_file.unlink(missing_ok=True)
        self.state.release()
        if self._temporary:
            self._erase()

    def revive(self) -> list[str]:
        """Start again, on their old ports, the servers that died; returns their names."""
        died = [server for server in self._servers.values() if server.has_died()]
        for server in died:
            server.start()
            self._record_processes()
        return [server.name for server in died]

    def _erase(self) -> None:
        # Root's servers may keep their data outside of the state directory.
        if self.home is not None:
            shutil.rmtree(self.home)
        shutil.rmtree(self.state.path)

    def _make(self) -> dict[str, Server]:
        passwords = self.state.secrets()
        account, self.home = account_and_home(self.state, passwords["id"])
        servers: dict[str, Server] = {}
        if self._wanted["postgres"]:
            servers["postgres"] = Postgres(
                superuser_password=passwords["superuser"],
                password=passwords["postgres"],
                account=account,
                home=self.home,
                log=self.state.logs / "postgres.log",
                durable=self._durable,
            )
        if self._wanted["valkey"]:
            servers["valkey"] = Valkey(
                password=passwords["valkey"],
                account=account,
                home=self.home,
                log=self.state.logs / "valkey.log",
                durable=self._durable,
            )
        return servers

    def _url_of(self, name: str) -> str | None:
        return self._servers[name].url if name in self._servers else None

    def _record_processes(self) -> None:
        """Note who runs, so that a start after a crash can tell what is left of the last one."""
        alive = {
            name: processes.identity(server.process.pid)
            for name, server in self._servers.items()
            if server.process is not None and not server.has_died()
        }
        write_private_json(self.state.processes_file, alive)

    def _stop_leftovers(self) -> None:
        self.state.services_file.unlink(missing_ok=True)
        try:
            recorded = read_json(self.state.processes_file)
        except FileNotFoundError:
            return
        kinds: dict[str, type[Server]] = {"postgres": Postgres, "valkey": Valkey}
        for name, process in recorded.items():
            processes.stop_leftover(process, kinds[name].stop_signals)
        self.state.processes_file.unlink()

"""The servers that are measured, as a table, and one of them while it runs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import psutil

from config.development import web_command
from realtime_load import machine, readings
from realtime_load.talking import Failed

HOST = "127.0.0.1"
START_SECONDS = 40.0
_UVICORN = [sys.executable, "-m", "uvicorn", "--host", HOST, "--no-access-log", "--log-level", "warning"]
_PLAIN = ["--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a server is started for a port; ``environment`` is added to ours."""

    command: Callable[[int], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)


def _with_backlog(command: list[str]) -> list[str]:
    # A herd that comes back at once waits in the queue of the kernel, where it is long enough.
    return [*command, "--backlog", "4096"] if "uvicorn" in command and "--backlog" not in command else command


#: The project itself: as `make run` serves it, by its own realtime server, or on uvicorn's own protocol.
CANDIDATES: dict[str, Kind] = {
    "web": Kind(lambda port: _with_backlog(web_command(HOST, port))),
    "runrealtime": Kind(
        lambda port: [
            *(sys.executable, "manage.py", "runrealtime", "--workers", "1"),
            *("--host", HOST, "--port", str(port)),
        ]
    ),
    "sansio": Kind(lambda port: [*_UVICORN, *_PLAIN, "--port", str(port), "config.asgi:application"]),
    "daphne": Kind(
        lambda port: [sys.executable, "-m", "daphne", "-b", HOST, "-p", str(port), "config.asgi:application"]
    ),
}

STOCK: dict[str, Kind] = {
    "channels_pubsub_uvicorn": Kind(
        lambda port: [*_UVICORN, *_PLAIN, "--port", str(port), "realtime_load.stock_app:application"],
        {"STOCK_LAYER": "pubsub"},
    ),
    "channels_core_daphne": Kind(
        lambda port: [
            *(sys.executable, "-m", "daphne", "-v", "0", "-b", HOST, "-p", str(port)),
            "realtime_load.stock_app:application",
        ],
        {"STOCK_LAYER": "core"},
    ),
}


def floor_kind(program: list[str], room: str) -> Kind:
    """The floor, on the channel of a room."""
    from realtime import keys

    url = urlsplit(os.environ["REDIS_URL"])
    database = int(url.path.strip("/") or 0)
    address = [socket.gethostbyname(url.hostname or HOST), str(url.port or 6379)]
    return Kind(
        lambda port: [*program, str(port), *address, keys.channel(database, room)],
        {"REDIS_PASSWORD": url.password or ""},
    )


def default_candidate() -> str:
    """The best way to serve the project that this tree has."""
    command = machine.PROJECT / "realtime" / "management" / "commands" / "runrealtime.py"
    return "runrealtime" if command.is_file() else "web"


def nchan_kind(scratch: Path) -> Kind | str:
    """nginx with the module nchan, or why it cannot be measured."""
    nginx = os.environ.get("NCHAN_NGINX") or shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    modules = [Path(os.environ["NCHAN_MODULE"])] if "NCHAN_MODULE" in os.environ else []
    modules += [
        Path(folder) / "ngx_nchan_module.so"
        for folder in ("/usr/lib/nginx/modules", "/usr/share/nginx/modules")
    ]
    module = next((path for path in modules if path.is_file()), None)
    if nginx is None or module is None:
        return "no nginx with the module nchan is installed (Debian: libnginx-mod-nchan)"

    def command(port: int) -> list[str]:
        folder = scratch / f"nginx-{port}"
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        (folder / "nginx.conf").write_text(
            f"load_module {module};\ndaemon off;\nmaster_process off;\nworker_processes 1;\n"
            f"pid {folder}/pid;\nerror_log {folder}/logs/error.log;\n"
            "worker_rlimit_nofile 20000;\nevents { worker_connections 16384; }\n"
            f"http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;"
            f" fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
            f" server {{ listen {HOST}:{port} backlog=4096;\n"
            "  location = /publish { nchan_publisher; nchan_channel_id $arg_room;"
            " nchan_message_buffer_length 1; }\n"
            "  location = /subscribe { nchan_subscriber websocket; nchan_channel_id $arg_room; }\n }\n}\n"
        )
        return [str(nginx), "-p", str(folder), "-c", str(folder / "nginx.conf")]

    return Kind(command)


class Served:
    """A server while it runs; a context manager that ends it."""

    def __init__(
        self, kind: Kind, *, core: int, scratch: Path, name: str, limits: Mapping[str, Any] | None = None
    ) -> None:
        with socket.socket() as free:
            free.bind((HOST, 0))
            self.port: int = free.getsockname()[1]
        self.name = name
        self.core = core
        self._kind = kind
        self._log = scratch / f"server-{name}-{self.port}.log"
        self._environment = {**kind.environment, "BENCH_LIMITS": json.dumps(dict(limits or {}))}
        self._process: subprocess.Popen[bytes] | None = None
        self._tree: list[int] = []

    def __enter__(self) -> Served:
        self._start()
        return self

    def _start(self) -> None:
        self._process = machine.start(
            self._kind.command(self.port), core=self.core, log=self._log, environment=self._environment
        )
        try:
            until = time.monotonic() + START_SECONDS
            while not self._listens():
                if self._process.poll() is not None or time.monotonic() > until:
                    raise Failed(f"the server {self.name} did not start: {machine.tail(self._log)}")
                time.sleep(0.05)
        except BaseException:
            self.stop()
            raise

    def kill_and_start_again(self) -> None:
        """Kill all of its processes at once, and return when it listens again on the same port."""
        assert self._process is not None
        processes = [psutil.Process(pid) for pid in readings.tree(self.pid)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        # The kernel closes ten thousand sockets first, and until then the old ones still listen.
        if psutil.wait_procs(processes, timeout=20)[1]:
            raise Failed(f"the server {self.name} was not killed")
        self._tree = []
        self._start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            machine.stop(self._process, 3.0)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def cpu_seconds(self) -> float:
        return readings.cpu_seconds(self.pid)

    def memory_kb(self) -> float:
        return readings.memory_kb(self.pid)

    def resident_kb(self) -> float:
        """The same while it is under load, where growth matters and not the sum."""
        if not self._tree:
            self._tree = readings.tree(self.pid)
        return readings.resident_kb(self._tree)

    def written(self) -> str:
        """The end of its log, for what it complained of."""
        return machine.tail(self._log)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

"""The embedded Redis-protocol server: password, append-only file, nothing evicted."""

import contextlib
import signal
import socket
from typing import Any, ClassVar

from config.embedded import binaries
from config.embedded.server import Server
from realtime.scheduling import run_soon

# Test workers take a database number each.
DATABASES = 64

# glibc's allocator as it is gives a message of some 50 kB back to the kernel and fetches it anew, and keeps
# seven small pieces of a size at hand. With these a publication costs the server a tenth less; they hold at
# most some 80 MB that nobody uses. Other allocators do not look there.
_ALLOCATOR = {
    "glibc.malloc.tcache_count": 500,
    "glibc.malloc.mmap_threshold": 32 << 20,
    "glibc.malloc.trim_threshold": 64 << 20,
    "glibc.malloc.top_pad": 16 << 20,
}


class Valkey(Server):
    name = "Valkey"
    stop_signals: ClassVar = ((signal.SIGTERM, 15.0),)

    def __init__(self, *, password: str, **options: Any) -> None:
        super().__init__(**options)
        self.data = self.home / "valkey"
        self._password = password
        self._program = binaries.valkey_program(self.account)

    def start(self) -> None:
        self.account.take(self.data)
        super().start()
        assert self.process is not None
        # Whoever waits for anything waits for it.
        with contextlib.suppress(ProcessLookupError):
            run_soon(self.process.pid)

    def command(self) -> list[str]:
        # The configuration comes on standard input, so the password is in no argument list and no file.
        return [str(self._program), "-"]

    def environment(self) -> dict[str, str]:
        tunables = ":".join(f"{name}={value}" for name, value in _ALLOCATOR.items())
        return {**super().environment(), "GLIBC_TUNABLES": tunables}

    def standard_input(self) -> bytes:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "protected-mode": "yes",
            "requirepass": self._password,
            "databases": str(DATABASES),
            "dir": self.data.name,
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            # At 20,000 ticks a second 64 MB are written in some seconds, and each time a process of its own
            # that writes all anew takes a core from those who wait for prices.
            "auto-aof-rewrite-min-size": "512mb",
            # A list of hundreds is walked through for every tick of a sector.
            "hash-max-listpack-entries": "32",
            # A web process is sent all bundles of what it follows any of, 20 MB a second where everything
            # moves: it may stand still for some seconds before it has to read anew where rooms are.
            "client-output-buffer-limit": "pubsub 256mb 64mb 60",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items()).encode()

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def is_ready(self) -> bool:
        """Whether it answers PING: while it still reads its append-only file, it does not."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as link:
                link.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := link.recv(256)):
                    answer += part
        except OSError:
            return False
        return b"+PONG" in answer

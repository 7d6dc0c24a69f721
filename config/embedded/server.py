"""What the two servers have in common: a process on a free loopback port that becomes ready or says why."""

import abc
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, ClassVar

from config.embedded import processes
from config.embedded.account import Account
from config.embedded.errors import EmbeddedError

START_SECONDS = 60.0
PORT_ATTEMPTS = 5
LOG_BYTES = 20_000_000


class Server(abc.ABC):
    """One embedded server; `start` blocks until it answers."""

    name: ClassVar[str]
    # Signals and the seconds each is given, gentlest first; the first is also the parent's death signal.
    stop_signals: ClassVar[Sequence[tuple[int, float]]]
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __init__(self, *, account: Account, home: Path, log: Path, durable: bool) -> None:
        self.account = account
        self.home = home
        self.log = log
        self.durable = durable

    @abc.abstractmethod
    def command(self) -> list[str]: ...

    @abc.abstractmethod
    def is_ready(self) -> bool: ...

    @property
    @abc.abstractmethod
    def url(self) -> str: ...

    def standard_input(self) -> bytes:
        return b""

    def start(self) -> None:
        """Start on the port of before, or on a free one; a failure is an `EmbeddedError` with its reason."""
        deadline = time.monotonic() + START_SECONDS
        keep_port = bool(self.port)
        attempts = 0
        while True:
            if not keep_port:
                self.port = processes.free_port()
            told_before = self.log.stat().st_size if self.log.exists() else 0
            self.process = self._spawn()
            if self._becomes_ready(deadline):
                return
            self.stop()
            attempts += 1
            told = self._told_since(told_before)
            passing = "address already in use" in told.lower() or "still in use" in told
            if not passing or attempts >= PORT_ATTEMPTS or time.monotonic() > deadline:
                raise EmbeddedError(f"{self.name} did not start: {_reason(told)} (see {self.log})")
            time.sleep(0.3)

    def stop(self) -> None:
        if self.process is not None:
            processes.stop(self.process, self.stop_signals)

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def run(self, command: Sequence[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run one of the server's helper programs to its end, under the server's account."""
        return subprocess.run(
            command,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.home,
            env=self.environment(),
            check=False,
            start_new_session=True,
            preexec_fn=processes.dies_with_parent(signal.SIGKILL),
            **self.account.popen_options(),
        )

    def environment(self) -> dict[str, str]:
        # Made from nothing: the application's secrets are none of the servers' business.
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "LC_ALL": "C",
            "TZ": "UTC",
        }

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._open_log() as log:
            process = subprocess.Popen(
                self.command(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.home,
                env=self.environment(),
                # A terminal sends Ctrl-C to its whole process group; the servers stop last, on request.
                start_new_session=True,
                preexec_fn=processes.dies_with_parent(self.stop_signals[0][0]),
                **self.account.popen_options(),
            )
        assert process.stdin is not None
        try:
            process.stdin.write(self.standard_input())
            process.stdin.close()
        except BrokenPipeError:
            process.wait()
        return process

    def _open_log(self) -> BinaryIO:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.fdopen(os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")

    def _becomes_ready(self, deadline: float) -> bool:
        assert self.process is not None
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.is_ready():
                return True
            time.sleep(0.02)
        return False

    def _told_since(self, position: int) -> str:
        with self.log.open("rb") as log:
            log.seek(position)
            return log.read(64_000).decode(errors="replace")


def _reason(told: str) -> str:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "ERROR" in line or "# " in line]
    return (telling or lines or ["it said nothing"])[-1][:300]

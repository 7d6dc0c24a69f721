"""One supervised program: its process, its output in lines, and when it may start again."""

import codecs
import contextlib
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from config.embedded import processes

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# A program that ran this long starts anew with the shortest delay.
STEADY_SECONDS = 30.0
LONGEST_LINE = 16_384


@dataclass(eq=False)
class Program:
    """What to run; `signals` are sent one after the other to stop it, with the seconds each is given.

    Programs of a lower `stage` are stopped first. After `attempts` quick failures in a row the whole
    supervisor gives up; None means it never does.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    signals: Sequence[tuple[int, float]] = ((signal.SIGTERM, 10.0),)
    stage: int = 0
    attempts: int | None = None
    process: subprocess.Popen[bytes] | None = None
    output: IO[bytes] | None = None
    failures: int = 0
    start_at: float = 0.0
    _started: float = 0.0
    _rest: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
    )

    def start(self, directory: str, *, attached: bool = False) -> None:
        """Start it as the leader of its own session, so that a terminal's Ctrl-C passes it by.

        An attached program writes to our own output, where it may draw a progress bar.
        """
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=None if attached else subprocess.PIPE,
            stderr=None if attached else subprocess.STDOUT,
            cwd=directory,
            env=dict(self.environment),
            start_new_session=True,
            preexec_fn=processes.dies_with_parent(signal.SIGKILL),
        )
        if self.process.stdout is not None:
            os.set_blocking(self.process.stdout.fileno(), False)
            self.output = self.process.stdout

    def read(self, emit: Callable[[str], None]) -> bool:
        """Pass on the whole lines that it has written; False at the end of its output."""
        assert self.output is not None
        try:
            data = os.read(self.output.fileno(), 65_536)
        except BlockingIOError:
            return True
        text = self._rest + self._decoder.decode(data, final=not data)
        lines = text.split("\n")
        self._rest = lines.pop()
        while len(self._rest) > LONGEST_LINE or (self._rest and not data):
            lines.append(self._rest[:LONGEST_LINE])
            self._rest = self._rest[LONGEST_LINE:]
        for line in lines:
            emit(line.rstrip("\r")[:LONGEST_LINE])
        return bool(data)

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def schedule_restart(self) -> float | None:
        """Note a failure; the delay in seconds until the next start, or None to give up."""
        now = time.monotonic()
        self.failures = 1 if now - self._started > STEADY_SECONDS else self.failures + 1
        if self.attempts is not None and self.failures >= self.attempts:
            return None
        delay = min(FIRST_DELAY * 2 ** (self.failures - 1), LONGEST_DELAY)
        self.start_at = now + delay
        return delay

    def stop_steps(self, patience: Callable[[float], float]) -> Iterator[None]:
        """Each step looks whether the next signal is due and sends it; SIGKILL is the last one.

        `patience` may shorten the seconds that a signal is given, also while they run.
        """
        for number, seconds in [*self.signals, (signal.SIGKILL, math.inf)]:
            if self.process is not None:
                self.process.send_signal(number)
            asked = time.monotonic()
            while time.monotonic() - asked < patience(seconds):
                yield

    def kill_remains(self) -> None:
        """Kill whatever the ended program has left of its process group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def forget(self) -> None:
        """Let go of the ended process and of its output."""
        self.process = None
        if self.output is not None:
            self.output.close()
            self.output = None

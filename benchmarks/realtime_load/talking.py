"""A program that is told one line and answers one of JSON."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from realtime_load import machine


class Failed(Exception):
    """A part of the benchmark did not do its work; the message says which."""


class Told:
    """The process, and the lines that it has not yet finished."""

    def __init__(self, command: list[str], *, core: int, log: Path, name: str) -> None:
        self.name = name
        self._log = log
        self._rest = b""
        self.process: subprocess.Popen[bytes] = machine.start(command, core=core, log=log, talks=True)

    def ask(
        self,
        line: str,
        *,
        seconds: float,
        meanwhile: Callable[[], object] | None = None,
        every: float = 1.0,
    ) -> Any:
        """The answer to a line; calls ``meanwhile`` every so many seconds. Raises Failed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise Failed(f"{self.name} has ended: {machine.tail(self._log)}") from None
        descriptor = self.process.stdout.fileno()
        until = time.monotonic() + seconds
        due = time.monotonic() + every
        while b"\n" not in self._rest:
            now = time.monotonic()
            if now > until:
                raise Failed(f"{self.name} did not answer {line.split()[0][:80]} in {seconds:.0f} s")
            if meanwhile is not None and now >= due:
                meanwhile()
                due = now + every
            if not select.select([descriptor], [], [], min(until - now, every))[0]:
                continue
            part = os.read(descriptor, 1 << 20)
            if not part:
                raise Failed(f"{self.name} has ended: {machine.tail(self._log)}")
            self._rest += part
        answer, _, self._rest = self._rest.partition(b"\n")
        return json.loads(answer)

    def stop(self) -> None:
        machine.stop(self.process, 2.0)

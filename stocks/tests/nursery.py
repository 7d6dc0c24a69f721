"""A process that forks consumers of the stream on request, so that each starts in some milliseconds.

Run as a program it reads lines from standard input: ``spawn <group> <FAIL_AT or ->`` forks a consumer,
``kill <pid>`` ends one with SIGKILL, ``term <pid>`` with SIGTERM. It answers ``spawned <pid>``, and says
``dead <pid> <status>`` of each as it ends. It leads a process group, which it ends when its input does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

#: How long an entry may be held before another consumer takes it; in production it is 20 seconds.
IDLE_MS, EVERY_SECONDS = 400, 0.2


def main() -> None:
    import django

    django.setup()
    # What is imported here is there in every child.
    from realtime.redis import worker_client
    from stocks.consumer import TickConsumer
    from stocks.live import LivePublisher
    from stocks.management.endless import stop_event
    from stocks.store import QuoteWriter

    def consume(group: str) -> None:
        publisher = LivePublisher()
        TickConsumer(
            group=group,
            handle=publisher.handle if group == "live" else QuoteWriter().handle,
            client=worker_client(),
            on_return=publisher.restate if group == "live" else None,
            reclaim_idle_ms=IDLE_MS,
            reclaim_every_seconds=EVERY_SECONDS,
        ).run(stop_event())

    for line in sys.stdin:
        word, *rest = line.split()
        if word == "spawn":
            pid = os.fork()
            if pid == 0:
                _be(consume, *rest)
            _say(f"spawned {pid}")
            threading.Thread(target=_report, args=(pid,), daemon=True).start()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(rest[0]), signal.SIGKILL if word == "kill" else signal.SIGTERM)
    # Nobody asks any more: the test has ended, or died.
    os.killpg(0, signal.SIGKILL)


def _be(consume: Callable[[str], None], group: str, fail_at: str) -> NoReturn:
    """The life of a child, which ends without what its parent has opened and buffered."""
    if fail_at != "-":
        os.environ["FAIL_AT"] = fail_at
    status = 1
    try:
        consume(group)
        status = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)


def _report(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    _say(f"dead {pid} {os.waitstatus_to_exitcode(status)}")


def _say(line: str) -> None:
    # In one piece, whichever threads speak at the same time.
    os.write(1, f"{line}\n".encode())


@dataclass(slots=True)
class Nursery:
    """The other end: what a test holds. ``process`` runs this module as a program."""

    process: subprocess.Popen[str]
    ended: dict[int, int] = field(default_factory=dict)
    _spawned: list[int] = field(default_factory=list)
    _heard: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def spawn(self, group: str, fail_at: str = "-") -> int:
        """Fork a consumer of the group; returns its process id."""
        with self._heard:
            self._say(f"spawn {group} {fail_at}")
            self._until(lambda: bool(self._spawned), 60)
            return self._spawned.pop()

    def kill(self, pid: int) -> None:
        """End it as ``kill -9`` does; it may be dead already."""
        if pid not in self.ended:
            self._say(f"kill {pid}")

    def term(self, pid: int) -> None:
        if pid not in self.ended:
            self._say(f"term {pid}")

    def wait(self, pid: int, seconds: float) -> int | None:
        """The exit code, None where it lives on for so long."""
        with self._heard:
            self._until(lambda: pid in self.ended, seconds, fail=False)
            return self.ended.get(pid)

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _until(self, reached: Callable[[], bool], seconds: float, *, fail: bool = True) -> None:
        deadline = time.monotonic() + seconds
        while not reached() and (left := deadline - time.monotonic()) > 0:
            self._heard.wait(left)
        assert reached() or not fail, "the nursery does not answer"

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            word, pid, *status = line.split()
            with self._heard:
                if word == "spawned":
                    self._spawned.append(int(pid))
                else:
                    self.ended[int(pid)] = int(status[0])
                self._heard.notify_all()


if __name__ == "__main__":
    main()

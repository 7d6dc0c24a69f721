"""The parent of the workers: starts them, starts again what ends or stands still, and stops them together.

Workers are forked from a parent that has loaded the application and opened the sockets. So one that was
killed is back in a few milliseconds, and what waits in its queue is served by its successor. A parent that is
killed takes its workers with it: they are told by a pipe that only it holds open.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

logger = logging.getLogger(__name__)

#: Runs one worker: its listening socket, the pipe of its pulse and its end of the lifeline.
Work = Callable[[socket.socket, int, int], None]

# A loop that has not turned for so long does not serve; ticks come once a second.
STALLED_SECONDS = 30.0
# A drain and the waiting after it take 18 seconds at most.
STOP_SECONDS = 23.0
# One that ends as soon as it has started is given more and more time until it starts again.
STEADY_SECONDS = 10.0
LONGEST_PAUSE = 10.0
TICK_SECONDS = 1.0
# Ten thousand connections are a million objects that stay, and what comes and goes with a frame is no cycle:
# with Python's own thresholds a sixth of the time of a worker into which all of them come is the collector's.
COLLECT_AT = (20_000, 20, 20)

_STOPS = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class _Worker:
    number: int
    listener: socket.socket
    pid: int = 0
    pulse: int = -1
    started: float = 0.0
    heard: float = 0.0
    failures: int = 0
    start_at: float = 0.0


class Workers:
    """Runs ``work`` in one process per socket, from the main thread of a process that has no other."""

    def __init__(
        self, listeners: Sequence[socket.socket], work: Work, *, stalled_seconds: float = STALLED_SECONDS
    ) -> None:
        self._workers = [_Worker(number, listener) for number, listener in enumerate(listeners, 1)]
        self._work = work
        self._stalled_seconds = stalled_seconds
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._lifeline, self._held = os.pipe()

    def run(self) -> None:
        """Return when SIGTERM or SIGINT has come and every worker has ended."""
        # What is loaded stays: the collector of a worker need not walk through it, nor copy its pages.
        gc.collect()
        gc.freeze()
        with self._listening_to_signals():
            while not self._stopping:
                now = time.monotonic()
                for worker in self._workers:
                    self._look_after(worker, now)
                self._wait(TICK_SECONDS)
            self._stop()

    def _look_after(self, worker: _Worker, now: float) -> None:
        if not worker.pid and now >= worker.start_at:
            self._start(worker, now)
        elif worker.pid and now - worker.heard > self._stalled_seconds:
            logger.error("worker %d (pid %d) stands still and is killed", worker.number, worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    def _start(self, worker: _Worker, now: float) -> None:
        reading, writing = os.pipe()
        for end in (reading, writing):
            os.set_blocking(end, False)
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal between the fork and the worker's own handlers would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            pid = os.fork()
            if pid == 0:
                self._be(worker, reading, writing)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        os.close(writing)
        worker.pid, worker.pulse, worker.started, worker.heard = pid, reading, now, now
        self._selector.register(reading, selectors.EVENT_READ, worker)
        logger.info("worker %d runs as pid %d", worker.number, pid)

    def _be(self, worker: _Worker, reading: int, writing: int) -> None:
        """The life of a worker; it never returns into the parent's stack."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _STOPS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
            self._selector.close()
            os.close(reading)
            os.close(self._held)
            for other in self._workers:
                if other is not worker:
                    other.listener.close()
                    if other.pulse >= 0:
                        os.close(other.pulse)
            gc.set_threshold(*COLLECT_AT)
            self._work(worker.listener, writing, self._lifeline)
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except BaseException:
            logger.exception("worker %d failed", worker.number)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _wait(self, seconds: float) -> None:
        """Wait for a signal, a pulse, an end or the time."""
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, _Worker):
                self._hear(key.data)
            else:
                with contextlib.suppress(BlockingIOError):
                    key.fileobj.recv(4096)  # type: ignore[union-attr]  # the socket that signals wake

    def _hear(self, worker: _Worker) -> None:
        try:
            if os.read(worker.pulse, 4096):
                worker.heard = time.monotonic()
                return
        except BlockingIOError:
            return
        # Nobody holds the other end: it has ended, or is about to.
        _, status = os.waitpid(worker.pid, 0)
        self._forget(worker, os.waitstatus_to_exitcode(status))

    def _forget(self, worker: _Worker, code: int) -> None:
        now = time.monotonic()
        self._selector.unregister(worker.pulse)
        os.close(worker.pulse)
        pid, worker.pid, worker.pulse = worker.pid, 0, -1
        if self._stopping:
            return
        worker.failures = 0 if now - worker.started > STEADY_SECONDS else worker.failures + 1
        pause = 0.0 if worker.failures <= 1 else min(0.25 * 2**worker.failures, LONGEST_PAUSE)
        worker.start_at = now + pause
        logger.warning(
            "worker %d (pid %d) ended with %s and starts again in %g s",
            worker.number,
            pid,
            f"signal {-code}" if code < 0 else f"exit code {code}",
            pause,
        )

    def _stop(self) -> None:
        """Ask all to end; whoever has not within its time is killed."""
        for worker in self._workers:
            # Nobody new: connections go to whoever takes over.
            worker.listener.close()
            if worker.pid:
                os.kill(worker.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(worker.pid for worker in self._workers):
            if time.monotonic() > deadline:
                deadline = float("inf")
                for worker in self._workers:
                    if worker.pid:
                        logger.error("worker %d did not end in time and is killed", worker.number)
                        os.kill(worker.pid, signal.SIGKILL)
            self._wait(TICK_SECONDS)

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        waker, woken = socket.socketpair()
        for end in (waker, woken):
            end.setblocking(False)
        self._selector.register(woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, self._note) for number in _STOPS}
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.close()
            for end in (waker, woken):
                end.close()
            for end_of_pipe in (self._lifeline, self._held):
                os.close(end_of_pipe)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

"""The loop that starts programs, passes on what they say, restarts them and stops them in order."""

import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType

from config.supervisor.console import Console
from config.supervisor.program import Program

TICK_SECONDS = 0.2
# Patience for each program once a stop was asked for twice.
HURRY_SECONDS = 3.0


class SupervisorError(Exception):
    """The programs cannot be kept running; the message is one line for a person."""


class Supervisor:
    """Owns its programs from the main thread: the kernel kills them when that thread ends.

    A context manager: inside, SIGINT, SIGTERM and SIGHUP ask for the stop; at its end nothing runs any more
    and these signals are ignored, because the process ends next.
    """

    def __init__(self, console: Console, directory: str) -> None:
        self.console = console
        self.stop_requests = 0
        self._directory = directory
        self._programs: list[Program] = []
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()

    def __enter__(self) -> "Supervisor":
        for end in (self._waker, self._woken):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            # A background job is started with SIGHUP ignored when it should outlive its terminal.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._selector.close()
        self._waker.close()
        self._woken.close()

    @property
    def stop_requested(self) -> bool:
        return self.stop_requests > 0

    def start(self, program: Program) -> None:
        """Run it until the stop, starting it again whenever it ends."""
        self.console.align(len(program.name))
        self._programs.append(program)
        self._launch(program)

    def run_once(self, program: Program) -> int | None:
        """Run a program on our own terminal to its end; its exit code, or None when a stop came first."""
        program.start(self._directory, attached=True)
        while not program.has_ended():
            if self.stop_requested:
                self._stop_together([program])
                return None
            self._wait(TICK_SECONDS)
        assert program.process is not None
        code = program.process.returncode
        self._release(program)
        return code

    def run_until(self, done: Callable[[], bool], watch: Callable[[], None] = lambda: None) -> bool:
        """Keep the programs running until `done()`; False when a stop was asked for first.

        Both are called a few times a second.
        """
        next_look = 0.0
        while not self.stop_requested:
            if time.monotonic() >= next_look:
                if done():
                    return True
                watch()
                self._restart_ended()
                next_look = time.monotonic() + TICK_SECONDS
            self._wait(next_look - time.monotonic())
        return False

    def stop(self) -> None:
        """Stop the programs: those of one stage together, one stage after the other."""
        for stage in sorted({program.stage for program in self._programs}):
            self._stop_together([program for program in self._programs if program.stage == stage])
        self._programs.clear()

    def _launch(self, program: Program) -> None:
        program.start(self._directory)
        if program.output is not None:
            self._selector.register(program.output, selectors.EVENT_READ, program)

    def _restart_ended(self) -> None:
        now = time.monotonic()
        for program in self._programs:
            if program.process is None and program.start_at <= now:
                self._launch(program)
            elif program.has_ended():
                assert program.process is not None
                code = program.process.returncode
                self._release(program)
                delay = program.schedule_restart()
                if delay is None:
                    raise SupervisorError(
                        f"{program.name} ended {program.failures} times in a row (last: {_named(code)})."
                    )
                self.console.line(program.name, f"ended with {_named(code)}, starts again in {delay:g} s")

    def _stop_together(self, programs: Sequence[Program]) -> None:
        stopping = [(program, program.stop_steps(self._patience)) for program in programs]
        while stopping:
            for program, steps in list(stopping):
                if program.process is None or program.has_ended():
                    self._release(program)
                    stopping.remove((program, steps))
                else:
                    next(steps)
            self._wait(0.05)

    def _patience(self, seconds: float) -> float:
        return min(seconds, HURRY_SECONDS) if self.stop_requests > 1 else seconds

    def _release(self, program: Program) -> None:
        """Pass on the last words of a program that has ended, and forget its process."""
        program.kill_remains()
        while any(key.data is program for key, _ in self._selector.select(0)):
            self._pass_on(program)
        self._forget_output(program)
        program.forget()

    def _pass_on(self, program: Program) -> None:
        if not program.read(lambda text: self.console.line(program.name, text)):
            self._forget_output(program)

    def _forget_output(self, program: Program) -> None:
        if program.output is not None and program.output in self._selector.get_map():
            self._selector.unregister(program.output)

    def _wait(self, seconds: float) -> None:
        """Wait for output, a signal or the time, and pass the output on."""
        for key, _ in self._selector.select(max(seconds, 0.0)):
            if key.data is None:
                self._drain_wakeups()
            else:
                self._pass_on(key.data)

    def _drain_wakeups(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            return

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.stop_requests += 1


def _named(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

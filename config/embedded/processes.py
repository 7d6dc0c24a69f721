"""Child processes that die with their parent, and the stopping of any process for certain."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import psutil

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def dies_with_parent(death_signal: int) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends the signal when the thread that started the child ends.

    Start children from a thread that lives as long as they should, which is the main one. It must run after
    a change of user, as `subprocess` does it, because such a change clears the setting.
    """
    parent = os.getpid()

    def arrange() -> None:
        if _LIBC is not None:
            _LIBC.prctl(PR_SET_PDEATHSIG, death_signal)
            if os.getppid() != parent:
                os._exit(1)

    return arrange


def end_with_parent(death_signal: int) -> None:
    """Have the kernel send this process the signal when its present parent ends."""
    if _LIBC is not None:
        parent = os.getppid()
        _LIBC.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os.kill(os.getpid(), death_signal)


def free_port() -> int:
    """A TCP port on the loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def stop(process: subprocess.Popen[bytes], signals: Sequence[tuple[int, float]]) -> None:
    """Send each signal in turn and wait its seconds, until the child has gone."""
    for number, patience in signals:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def identity(pid: int) -> dict[str, float]:
    """What tells this process from a later one that was given the same number."""
    return {"pid": pid, "started": psutil.Process(pid).create_time()}


def stop_leftover(recorded: dict[str, float], signals: Sequence[tuple[int, float]]) -> None:
    """Stop a process that an earlier run recorded, when it is still that process."""
    try:
        process = psutil.Process(int(recorded["pid"]))
        if abs(process.create_time() - recorded["started"]) > 0.1:
            return
        for number, patience in [*signals, (signal.SIGKILL, 5.0)]:
            process.send_signal(number)
            process.resume()  # a stopped process would act on the signal only then
            if _gone(process, patience):
                return
    except psutil.NoSuchProcess:
        return


def _gone(process: psutil.Process, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False

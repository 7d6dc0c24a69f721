"""What the tests of real processes share."""

import time

import psutil


def assert_gone(processes: list[psutil.Process]) -> None:
    """All of them have ended; an init process may take its time to reap them."""
    assert processes, "the test saw no process that could have stayed behind"
    deadline = time.monotonic() + 30
    while alive := [process for process in processes if _runs(process)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

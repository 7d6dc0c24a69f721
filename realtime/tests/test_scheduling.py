"""Slices of processor time, asked of the kernel itself."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest

from realtime.scheduling import SLICE_NS, run_soon, slice_of


def _release() -> tuple[int, int]:
    major, minor, *_ = (*platform.release().split("."), "0")
    return int(major), int(minor) if minor.isdigit() else 0


pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64") or _release() < (6, 12),
    reason="slices can be asked for from Linux 6.12 on",
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_process_gets_short_slices_and_keeps_its_priority(sleeper):
    os.setpriority(os.PRIO_PROCESS, sleeper.pid, 3)
    assert slice_of(sleeper.pid) != SLICE_NS
    assert run_soon(sleeper.pid)
    assert slice_of(sleeper.pid) == SLICE_NS
    assert os.getpriority(os.PRIO_PROCESS, sleeper.pid) == 3
    assert os.sched_getscheduler(sleeper.pid) == os.SCHED_OTHER


def test_a_process_that_is_gone_raises(sleeper):
    sleeper.kill()
    sleeper.wait()
    with pytest.raises(ProcessLookupError):
        run_soon(sleeper.pid)
    assert slice_of(sleeper.pid) == 0

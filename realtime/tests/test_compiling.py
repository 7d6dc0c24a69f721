"""Compiled loops are kept for the next start where that is possible, and work where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import numpy as np
from realtime.protocol.letters import Figures, joined
print(joined(2, (b"<", Figures(np.array([-1250, 7]), 2), b">")))
"""


def _run(folder: str) -> str:
    """What the program says where compiled code is to be kept in that folder."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder, "HOME": "/proc/nowhere"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    ).stdout


def test_they_are_kept_in_the_folder_that_is_named(tmp_path: Path) -> None:
    assert _run(str(tmp_path)) == "[b'<-12.5>', b'<0.07>']\n"
    kept = {path.name for path in tmp_path.rglob("*.nbc")}
    assert any(name.startswith("letters_compiled.write-") for name in kept)
    assert len({path.name for path in tmp_path.iterdir()}) == 1


def test_they_work_where_they_cannot_be_kept() -> None:
    assert not os.access("/proc/nowhere", os.F_OK)
    assert _run("/proc/nowhere") == "[b'<-12.5>', b'<0.07>']\n"

"""Compiled loops are kept for the next start where that is possible, and work where it is not."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import numpy as np
from realtime.protocol import letters_compiled
from realtime.protocol.letters import Figures, joined
print(joined(2, (b"<", Figures(np.array([-1250, 7]), 2), b">")), letters_compiled.write.stats.cache_path)
"""
OURS = ("portfolios.", "realtime.", "stocks.")
WRITTEN = "[b'<-12.5>', b'<0.07>']"


def _run(folder: str) -> str:
    """What the program says where compiled code is to be kept in that folder."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NUMBA_CACHE_DIR": folder},
    ).stdout.strip()


def test_they_are_kept_in_the_folder_that_is_named(tmp_path: Path) -> None:
    written, _, kept = _run(str(tmp_path)).rpartition(" ")
    assert written == WRITTEN
    assert Path(kept).is_relative_to(tmp_path)
    assert [*Path(kept).glob("letters_compiled.write-*.nbc")]
    # One folder for these sources.
    assert len([*tmp_path.iterdir()]) == 1


def test_they_work_where_they_cannot_be_kept() -> None:
    assert _run("/proc/nowhere") == f"{WRITTEN} None"


def test_a_change_of_what_they_take_from_elsewhere_is_a_change_of_theirs() -> None:
    from realtime.compiling import sources

    known = set(sources())
    loops = [source for source in known if source.stem.endswith("_compiled")]
    assert loops
    for module in loops:
        for line in ast.walk(ast.parse(module.read_text())):
            if isinstance(line, ast.ImportFrom) and (line.module or "").startswith(OURS):
                file = importlib.import_module(line.module or "").__file__
                assert file is not None
                assert Path(file).resolve() in known

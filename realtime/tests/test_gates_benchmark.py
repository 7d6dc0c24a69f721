"""`benchmarks/realtime_gates.py`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from realtime.tests.servers import PROJECT

PROGRAM = PROJECT / "benchmarks" / "realtime_gates.py"


def _run(*arguments: str) -> tuple[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *arguments],
        cwd=PROJECT,
        # Redis has to be empty, so that the program takes one of its own.
        env={name: value for name, value in os.environ.items() if name != "REDIS_URL"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(done.stdout.splitlines()[-1])


def test_it_measures_a_gate_and_prints_its_figures_as_the_last_line():
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler is installed")
    told, figures = _run("--quick", "--only", "F3")
    gate = figures["F3"]
    assert told.startswith("| id | load |")
    assert "error" not in gate, gate
    assert gate["measured"]["without_the_newest"] == 0
    # The window holds back most of the 300 changes; how exactly depends on what else the machine does.
    assert 0 < gate["measured"]["frames_per_s_least"] <= 21
    assert gate["gate"]["frames_per_s_most"] == "<= 21"
    assert gate["details"]["delivered"] >= 50
    assert gate["met"] in (True, False) and gate["valid"] in (True, False)


def test_a_gate_that_is_not_known_is_refused():
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--only", "F9"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "F9" in done.stderr

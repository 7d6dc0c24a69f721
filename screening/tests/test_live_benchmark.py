"""benchmarks/live_screens.py"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "live_screens.py"


def test_its_last_line_is_the_measurement_and_nothing_differs(
    market_data_dir, redis_client, benchmark_environment
):
    process = subprocess.run(
        [
            sys.executable,
            PROGRAM,
            "--codes",
            "300",
            "--warm",
            "1",
            "--seconds",
            "2",
            "--screens",
            "60",
            "--rate",
            "300",
        ],
        capture_output=True,
        text=True,
        env=benchmark_environment,
        timeout=280,
    )
    assert process.returncode == 0, process.stderr
    measured = json.loads(process.stdout.splitlines()[-1])
    assert (measured["screens"], measured["market"], measured["differences"]) == (60, "KRX", 0)
    assert measured["stocks"] >= 250
    assert measured["events"] > 0
    assert 0 < measured["p50_ms"] <= measured["p99_ms"] <= measured["max_ms"]


def test_it_says_what_it_takes():
    told = subprocess.run(
        [sys.executable, PROGRAM, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "--quick" in told

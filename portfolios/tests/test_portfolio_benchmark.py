"""benchmarks/portfolio.py"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "portfolio.py"
SMALL = (
    "--rows",
    "2000",
    "--small-rows",
    "200",
    "--seconds",
    "0.2",
    "--rounds",
    "1",
    "--without-revaluation",
)


def test_it_measures_and_prints_its_figures_as_the_last_line(redis_client, benchmark_environment):
    process = subprocess.run(
        [sys.executable, PROGRAM, *SMALL],
        env=benchmark_environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert process.returncode == 0, process.stderr
    measured = json.loads(process.stdout.splitlines()[-1])
    assert (measured["transactions"], measured["clients"], measured["breaks"]) == (2000, 16, 0)
    assert 500 < measured["holdings"] <= 1000
    for name in ("summary", "summary_16", "holdings", "holdings_16", "trade", "trade_one", "trade_closed"):
        assert 0 < measured[f"{name}_p50_ms"] <= measured[f"{name}_p99_ms"]
    for name in ("rebuild", "rebuild_fifo", "rebuild_lifo", "rebuild_hifo", "rebuild_unchanged", "trades"):
        assert measured[f"{name}_per_s"] > 0
    assert measured["rebuild_mb"] > 0 and measured["rebuild_small_mb"] > 0


def test_it_says_what_it_takes():
    told = subprocess.run([sys.executable, PROGRAM, "--help"], capture_output=True, text=True, check=True)
    assert "--quick" in told.stdout

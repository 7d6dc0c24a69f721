"""benchmarks/quote.py"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = PROJECT / "benchmarks" / "quote.py"


def test_its_last_line_is_the_measurement(redis_client, benchmark_environment):
    if not (PROJECT / ".venv" / "benchmarks" / "requirements.installed").is_file():
        pytest.skip("what it measures against is not installed; benchmarks/quote.py installs it")
    process = subprocess.run(
        [sys.executable, PROGRAM, "--seconds", "0.5", "--warm", "0.3", "--rounds", "1"],
        capture_output=True,
        text=True,
        env=benchmark_environment,
        timeout=240,
    )
    assert process.returncode == 0, process.stderr
    measured = json.loads(process.stdout.splitlines()[-1])
    assert measured["non_2xx"] == 0
    assert measured["clients"] == 16
    for name in ("", "fastapi_", "uvicorn_"):
        assert 0 < measured[f"{name}p50_ms"] <= measured[f"{name}p99_ms"]
        assert measured[f"{name}requests_per_s"] > 0
        assert measured[f"{name}per_cpu_second"] > 0
    assert measured["ratio_to_fastapi"] > 0


def test_it_says_what_it_takes():
    told = subprocess.run([sys.executable, PROGRAM, "--help"], capture_output=True, text=True, check=True)
    assert "--quick" in told.stdout

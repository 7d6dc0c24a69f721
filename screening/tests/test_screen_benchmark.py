"""benchmarks/screen.py"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "screen.py"


def test_its_last_line_is_the_measurement(market_data_dir):
    process = subprocess.run(
        [sys.executable, PROGRAM, "--requests", "64"], capture_output=True, text=True, timeout=240
    )
    assert process.returncode == 0, process.stderr
    measured = json.loads(process.stdout.splitlines()[-1])
    assert measured["requests"] == measured["requests_16"] == 64
    assert measured["screens"] == 50
    assert measured["market"] == "KRX"
    assert measured["with_indicators"] > 2500
    assert 0 < measured["p50_ms"] <= measured["p99_ms"]
    assert 0 < measured["p50_ms_16"] <= measured["p99_ms_16"]
    assert measured["req_per_s"] > 0


@pytest.mark.parametrize("option", ["--help"])
def test_it_says_what_it_takes(option):
    told = subprocess.run(
        [sys.executable, PROGRAM, option], capture_output=True, text=True, check=True
    ).stdout
    assert "--quick" in told

"""benchmarks/screen.py"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "screen.py"


def test_its_last_line_is_the_measurement(market_data_dir, redis_client, benchmark_environment):
    process = subprocess.run(
        [sys.executable, PROGRAM, "--seconds", "0.3", "--rounds", "1", "--codes", "300", "--wide", "3500"],
        capture_output=True,
        text=True,
        env=benchmark_environment,
        timeout=280,
    )
    assert process.returncode == 0, process.stderr
    measured = json.loads(process.stdout.splitlines()[-1])
    assert measured["screens"] == 50
    assert measured["market"] == "KRX"
    assert measured["stocks_wide"] == 3500
    assert measured["with_indicators"] >= 300
    for end in ("", "_wide"):
        assert 0 < measured[f"p50_ms{end}"] <= measured[f"p99_ms{end}"]
        assert measured[f"rps_16{end}"] > 0
        assert measured[f"ratio_to_orm{end}"] > 0
        assert measured[f"engine_ratio_to_duckdb{end}"] > 0
        assert measured[f"engine_ratio_to_polars{end}"] > 0
    assert measured["refresh_s"] > 0


@pytest.mark.parametrize("option", ["--help"])
def test_it_says_what_it_takes(option):
    told = subprocess.run(
        [sys.executable, PROGRAM, option], capture_output=True, text=True, check=True
    ).stdout
    assert "--quick" in told

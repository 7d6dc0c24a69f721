"""`benchmarks/indicators.py`."""

import json
import subprocess
import sys

import pytest
from django.conf import settings


@pytest.mark.timeout(300)
def test_it_measures_and_prints_its_figures_as_the_last_line(
    market_data_dir, redis_client, benchmark_environment
):
    done = subprocess.run(
        [sys.executable, "benchmarks/indicators.py", "--quick", "--codes", "40"],
        cwd=settings.BASE_DIR,
        env=benchmark_environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    for name in ("seconds", "increment_seconds", "ratio_to_talib"):
        assert figures[name] > 0
    assert figures["ids"] == 260 and 30 <= figures["stocks"] <= 40

"""`benchmarks/logins.py`."""

import json
import subprocess
import sys

import pytest
from django.conf import settings


@pytest.mark.timeout(200)
def test_it_measures_and_prints_its_figures_as_the_last_line(redis_client, benchmark_environment):
    done = subprocess.run(
        [sys.executable, "benchmarks/logins.py", "--pairs", "5"],
        cwd=settings.BASE_DIR,
        env=benchmark_environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["pairs"] == 5
    assert figures["median_ms_known"] > 0 and figures["median_ms_unknown"] > 0

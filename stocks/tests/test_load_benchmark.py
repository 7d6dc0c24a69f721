"""`benchmarks/load_prices.py`."""

import json
import subprocess
import sys

from django.conf import settings


def test_it_measures_both_and_prints_its_figures_as_the_last_line(benchmark_environment):
    done = subprocess.run(
        [sys.executable, "benchmarks/load_prices.py", "--quick", "--rows", "500", "--rounds", "1"],
        cwd=settings.BASE_DIR,
        env=benchmark_environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["rows"] == 500
    for name in ("rows_per_s", "ratio_to_copy", "identical_seconds", "peak_rss_mb"):
        assert figures[name] > 0

"""`benchmarks/limiter.py`."""

import json
import subprocess
import sys

from django.conf import settings


def test_it_measures_and_prints_its_figures_as_the_last_line(redis_client):
    done = subprocess.run(
        [sys.executable, "benchmarks/limiter.py", "--requests", "200"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    for name in ("request", "apart", "account", "address", "ping", "threads"):
        assert figures[f"{name}_p50_ms"] > 0
    assert figures["request_p99_ms"] >= figures["request_p50_ms"]
    assert figures["request_cpu_ms"] > 0

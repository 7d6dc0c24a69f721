"""`benchmarks/ingest.py`."""

import json
import subprocess
import sys

import pytest
import redis
from django.conf import settings


@pytest.mark.timeout(300)
def test_it_measures_and_prints_its_figures_as_the_last_line(
    redis_client: redis.Redis, benchmark_environment: dict[str, str]
):
    small = "--seconds 1 --warm 1 --kinds 200 --backlog 20000 --stocks 200"
    done = subprocess.run(
        [sys.executable, "benchmarks/ingest.py", *small.split()],
        cwd=settings.BASE_DIR,
        env=benchmark_environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    for name in ("p99_ms_2k", "p99_ms_20k", "drain_per_s", "ratio_to_bare_stream", "ratio_to_copy"):
        assert figures[name] > 0
    assert (figures["offered_2k"], figures["offered_20k"]) == (2_000, 20_000)
    # A tick that a newer one replaced has no message; the newest of each stock has.
    assert 200 <= figures["delivered_20k"] <= 20_000
    assert figures["backlog"] == 20_000
    assert figures["producer_fell_behind_20k"] in (True, False)
    assert done.stdout.startswith("| ticks/s |")

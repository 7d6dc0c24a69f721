from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from django.conf import settings

PROGRAM = """
from django.conf import settings
settings.configure(PRODUCTION={production})
from accounts.failpoints import reach
for _ in range(3):
    reach("after_read")
    reach("after_commit")
    print("passed", flush=True)
"""


def _run(fail_at: str, production: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(production=production)],
        cwd=settings.BASE_DIR,
        env={"FAIL_AT": fail_at},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("fail_at", "passes"),
    [("after_read", 0), ("after_commit", 0), ("after_commit:1", 0), ("after_read:3", 2)],
)
def test_the_process_dies_at_that_pass_as_from_kill_9(fail_at, passes):
    done = _run(fail_at)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["passed"] * passes


@pytest.mark.parametrize("fail_at", ["", "mid_transaction", "after_read:4"])
def test_it_lives_where_the_point_is_not_reached(fail_at):
    assert _run(fail_at).stdout.split() == ["passed"] * 3


def test_in_production_the_variable_means_nothing():
    assert _run("after_read", production=True).stdout.split() == ["passed"] * 3


def test_a_point_that_does_not_exist_is_named():
    done = _run("after_lunch")
    assert done.returncode == 1
    assert "after_read, mid_transaction, after_commit, after_publish" in done.stderr

"""The WSGI application as a server loads it"""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings

PROGRAM = """
import gc, sys
import config.wsgi
print("portfolios.views.default" in sys.modules, gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_all_views_are_loaded_before_the_first_request_and_the_collector_leaves_them_alone():
    loaded = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    views, frozen, others = loaded.stdout.splitlines()[-1].split()
    assert views == "True"
    assert int(frozen) > 20 * int(others)

"""The table of tiers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured

from accounts.models import Tier
from accounts.tiers import tiers


def test_it_holds_the_limits_of_the_contract():
    table = {
        name: (
            [(one.limit, one.seconds) for one in row.policies],
            row.websocket_rooms,
            row.websocket_connections,
            row.alerts,
            row.webhooks,
            None if row.transactions is None else (row.transactions.limit, row.transactions.seconds),
        )
        for name, row in tiers().items()
    }
    assert table == {
        "free": ([(100, 60), (1000, 86_400)], 30, 2, 20, 1, (10, 60)),
        "basic": ([(500, 60)], 100, 5, 200, 5, (10, 60)),
        "pro": ([(2000, 60)], 500, 20, 2000, 20, (10, 60)),
    }
    assert list(table) == Tier.values
    assert configured.REALTIME_MAX_ROOMS == {"free": 30, "basic": 100, "pro": 500}


@pytest.mark.parametrize(
    "requests",
    [["100"], ["0/minute"], ["-1/minute"], ["100/week"], ["1e3/day"], ["5/day", "6/day"], [" "], []],
)
def test_a_limit_that_cannot_be_read_is_refused(settings, requests):
    settings.TIERS = {"free": {"requests": requests, "websocket_rooms": 1}}
    with pytest.raises(ImproperlyConfigured):
        tiers()


def test_the_environment_can_change_it_and_a_mistake_stops_the_start():
    code = (
        "import django; django.setup()\n"
        "from accounts.tiers import tiers; print([p.limit for p in tiers()['pro'].policies])"
    )

    def start(limits: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "LIMITS_PRO": limits},
            cwd=configured.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=120,
        )

    assert start("3000/minute, 9000/hour").stdout.strip() == "[3000, 9000]"
    wrong = start("lots")
    assert wrong.returncode != 0
    assert "'lots' is no limit" in wrong.stderr

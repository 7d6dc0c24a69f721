"""The application that `manage.py runrealtime` serves, on the real database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from config.embedded import processes
from config.testing import PROJECT, LiveStack
from realtime.tests.servers import until


def test_it_serves_websockets_only_to_our_own_pages_and_to_programs(live_stack: LiveStack) -> None:
    port = processes.free_port()
    server = live_stack.manage("runrealtime", "--workers", "2", "--port", str(port))
    site = f"http://127.0.0.1:{port}"
    until(lambda: "listens on" in live_stack.output(server), "it listens")
    assert httpx.get(f"{site}/health/live", timeout=20).status_code == 200
    assert httpx.get(f"{site}/v1/stocks", timeout=20).status_code == 404
    url = f"ws://127.0.0.1:{port}/ws/stocks?token=sesame"
    with pytest.raises(InvalidStatus), connect(url, origin=Origin("https://elsewhere.example"), proxy=None):
        pass
    with connect(url, proxy=None) as connection, pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
    processes.stop(server, [(signal.SIGTERM, 25.0)])
    assert server.returncode == 0
    assert "sesame" not in live_stack.output(server)


def test_it_does_without_the_rest_side() -> None:
    code = (
        "import sys, django; django.setup(); import config.realtime; "
        "print(*{'config.wsgi', 'config.urls', 'config.hot', 'a2wsgi'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == []

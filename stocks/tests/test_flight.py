"""Calls that are made once however many ask for the same."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stocks.providers.errors import NotFound, RateLimited, Upstream
from stocks.providers.mesh import names
from stocks.providers.mesh.flight import fly

pytestmark = pytest.mark.usefixtures("redis_client")


def test_a_thousand_callers_make_one_call():
    calls = []
    started = threading.Barrier(1000)

    def call() -> None:
        time.sleep(3)
        calls.append(threading.get_ident())

    def ask(number: int) -> bool:
        started.wait(timeout=30)
        return fly("quotes:AAPL", call)

    with ThreadPoolExecutor(1000) as threads:
        led = list(threads.map(ask, range(1000)))
    assert len(calls) == 1
    assert led.count(True) == 1


def test_other_names_fly_at_the_same_time():
    together = threading.Barrier(2)

    def call() -> None:
        together.wait(timeout=20)

    with ThreadPoolExecutor(2) as threads:
        for flight in [threads.submit(fly, name, call) for name in "ab"]:
            assert flight.result(timeout=30)


def test_those_who_wait_hear_why_it_failed():
    entered = threading.Event()

    def call() -> None:
        entered.set()
        time.sleep(0.2)
        raise NotFound("no such stock")

    with ThreadPoolExecutor(4) as threads:
        flights = [threads.submit(fly, "company:X", call) for _ in range(4)]
        for flight in flights:
            with pytest.raises(NotFound, match="no such stock"):
                flight.result(timeout=30)


def test_after_it_landed_the_next_one_flies_again():
    calls: list[int] = []
    for _ in range(3):
        assert fly("news:AAPL", lambda: calls.append(1))
    assert len(calls) == 3


PROGRAM = """
import sys, time, django
django.setup()
from stocks.providers.errors import ProviderError, RateLimited
from stocks.providers.mesh.flight import fly
from realtime.redis import worker_client
def call():
    worker_client().incr("calls")
    time.sleep(1.5)
    if sys.argv[1] == "fails":
        raise RateLimited("ask later", retry_after=3)
worker_client().incr("ready")
while int(worker_client().get("ready")) < 3:
    time.sleep(0.01)
try:
    print("led" if fly("quotes:TSLA", call) else "waited")
except ProviderError as error:
    print(type(error).__name__, error.message)
"""


def _processes(how: str) -> list[str]:
    started = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, how], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    return sorted(process.communicate(timeout=60)[0].strip() for process in started)


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings")


def test_processes_wait_for_each_other(environment, redis_client):
    assert _processes("works") == ["led", "waited", "waited"]
    assert redis_client.get("calls") == b"1"


def test_processes_hear_of_a_failure(environment, redis_client):
    assert _processes("fails") == ["RateLimited ask later"] * 3
    assert redis_client.get("calls") == b"1"


def test_a_leader_that_died_is_replaced(redis_client):
    redis_client.set(names.flight("quotes:AAPL"), "somebody who is dead", px=400)
    calls: list[int] = []
    assert fly("quotes:AAPL", lambda: calls.append(1))
    assert calls == [1]


def test_without_redis_a_process_flies_by_itself(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    calls: list[int] = []
    assert fly("quotes:AAPL", lambda: calls.append(1))
    assert calls == [1]


def test_an_error_that_no_provider_raises_reaches_the_caller():
    def call() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fly("quotes:AAPL", call)
    with pytest.raises(Upstream):
        fly("quotes:AAPL", _upstream)
    with pytest.raises(RateLimited):
        fly("quotes:AAPL", _limited)


def _upstream() -> None:
    raise Upstream("broken")


def _limited() -> None:
    raise RateLimited("slow down")

"""The probes tell the truth about the stores."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.db import connection
from django.test import Client

from config.testing import LiveStack


def test_live_answers_without_a_store(client: Client):
    response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_is_200_when_both_stores_answer(client: Client):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["checks"] == {"postgres": "ok", "redis": "ok"}


@pytest.mark.django_db
def test_ready_is_503_and_names_a_silent_redis(client: Client, monkeypatch: pytest.MonkeyPatch):
    import redis

    nobody_listens = redis.Redis(port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr("config.health.client", lambda: nobody_listens)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"] == {"postgres": "ok", "redis": "no answer"}


@pytest.mark.parametrize("path", ["/v1/stocks", "/health/ready"])
def test_when_the_database_has_cut_all_connections_only_the_first_request_fails(
    live_stack: LiveStack, path: str
):
    def status(_: int) -> int:
        return requests.get(live_stack.url + path, timeout=30).status_code

    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(status, range(40))) == {200}
    with connection.cursor() as cursor:
        # As a restart does: the server's pool is left with connections that are dead.
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.rowcount > 0
    assert [status(number) for number in range(20)] == [503] + [200] * 19

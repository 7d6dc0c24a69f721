"""The probes tell the truth about the stores."""

import pytest
from django.test import Client


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

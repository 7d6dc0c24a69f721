"""The request path's own way to Redis."""

from __future__ import annotations

import pytest

from accounts import redis as link
from accounts.redis import RedisAway, call
from accounts.tests.outages import absent_redis, forget_outages


@pytest.fixture(autouse=True)
def _as_new():
    forget_outages()
    yield
    forget_outages()


def test_it_works(redis_client):
    call("SET", "a", "1")
    assert call("GET", "a") == b"1"


def test_a_connection_that_the_server_has_closed_costs_nobody_an_error(redis_client, caplog):
    call("SET", "a", "1")
    for _ in range(3):
        redis_client.client_kill_filter(_type="normal", skipme=True)
        assert call("GET", "a") == b"1"
    assert link.breaker.failed_at == float("-inf")
    assert "does not answer" not in caplog.text


def test_a_server_that_is_not_there_is_left_alone_for_a_while(redis_client, settings):
    with absent_redis() as settings.REDIS_URL:
        for _ in range(3):
            with pytest.raises(RedisAway):
                call("PING")
    assert link.breaker.generation >= 1
    assert not link.breaker.admits()

"""Limits as the client of the API meets them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import get_resolver
from rest_framework.test import APIClient

from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer, token
from accounts.tests.outages import absent_redis, forget_outages

pytestmark = pytest.mark.django_db
NAMES = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit", "RateLimit-Policy"]


@pytest.fixture(autouse=True)
def limits_on(settings, redis_client):
    forget_outages()
    settings.RATE_LIMITS = "on"
    settings.TIERS = {
        "free": {"requests": ["5/minute", "20/day"], "websocket_rooms": 30, "websocket_connections": 2},
        "pro": {"requests": ["50/minute"], "websocket_rooms": 500, "websocket_connections": 20},
    }
    yield
    forget_outages()


def test_it_works(as_alice, refused):
    replies = [as_alice.get("/v1/auth/me") for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200] * 5
    assert [reply["X-RateLimit-Remaining"] for reply in replies] == ["4", "3", "2", "1", "0"]
    assert all(reply.has_header(name) for reply in replies for name in NAMES)

    reply = as_alice.get("/v1/auth/me")
    body = refused(reply, 429, "RATE_LIMIT_EXCEEDED")
    assert body["message"] == "Too many requests"
    assert body["details"] == {"limit": 5, "remaining": 0, "reset_at": reply["X-RateLimit-Reset"]}
    resets = datetime.fromisoformat(body["details"]["reset_at"])
    wait = (resets - datetime.now(UTC)).total_seconds()
    assert 0 < wait <= 61
    assert abs(int(reply["Retry-After"]) - wait) <= 2
    assert reply["RateLimit-Policy"] == '"minute";q=5;w=60, "day";q=20;w=86400'
    assert reply["RateLimit"].startswith('"minute";r=0;t=')
    assert reply["Cache-Control"] == "private, no-store"


def test_all_keys_and_sessions_of_an_account_share_one_bucket(alice):
    clients = [
        bearer(session_start(user=alice).access_token),
        bearer(session_start(user=alice).access_token),
        token(api_key_issue(user=alice, name="one").text),
        APIClient(headers={"X-API-Key": api_key_issue(user=alice, name="two").text}),
    ]
    left = [client.get("/v1/auth/me")["X-RateLimit-Remaining"] for client in clients]
    assert left == ["4", "3", "2", "1"]
    assert clients[0].get("/v1/api-keys").status_code == 200
    assert {client.get("/v1/auth/me").status_code for client in clients} == {429}


def test_another_account_is_not_held_back(as_alice, as_charlie):
    for _ in range(6):
        last = as_alice.get("/v1/auth/me")
    assert last.status_code == 429
    assert as_charlie.get("/v1/auth/me")["X-RateLimit-Remaining"] == "4"


def test_the_tier_decides_and_a_change_of_it_holds_for_the_next_request(alice, as_alice):
    for _ in range(6):
        as_alice.get("/v1/auth/me")
    alice.tier = "pro"
    alice.save()
    reply = as_alice.get("/v1/auth/me")
    assert (reply.status_code, reply["X-RateLimit-Limit"], reply["X-RateLimit-Remaining"]) == (
        200,
        "50",
        "44",
    )


@pytest.mark.parametrize(
    "path", ["/v1/market/quote?symbol=NOSUCH", "/v1/stocks?page=0", "/v1/symbol/NOSUCH/"]
)
def test_an_error_is_counted_and_says_what_is_left(as_alice, path):
    reply = as_alice.get(path)
    assert reply.status_code in (400, 404)
    assert reply["X-RateLimit-Remaining"] == "4"


def test_a_reply_of_304_is_counted_and_says_what_is_left(as_alice):
    first = as_alice.get("/v1/auth/me")
    again = as_alice.get("/v1/auth/me", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again["X-RateLimit-Remaining"] == "3"


def test_nobody_is_not_counted_here(client):
    for _ in range(7):
        reply = client.get("/v1/auth/ping")
        assert reply.status_code == 200
        assert not reply.has_header("X-RateLimit-Limit")


def test_a_refused_credential_is_nobodys_request(client, redis_client):
    bearer("nonsense").get("/v1/auth/me")
    assert redis_client.keys("limit:*") == []


def test_without_redis_the_limit_holds(as_alice, settings):
    with absent_redis() as settings.REDIS_URL:
        assert [as_alice.get("/v1/auth/me").status_code for _ in range(7)] == [200] * 5 + [429] * 2


def test_switched_off_there_are_no_headers(as_alice, settings):
    settings.RATE_LIMITS = "off"
    for _ in range(7):
        reply = as_alice.get("/v1/auth/me")
        assert reply.status_code == 200
        assert not any(reply.has_header(name) for name in NAMES)


def test_every_view_of_the_api_that_knows_its_users_is_limited():
    from accounts.throttling import AccountThrottle

    def views(resolver):
        for pattern in resolver.url_patterns:
            if hasattr(pattern, "url_patterns"):
                yield from views(pattern)
            elif (view := getattr(pattern.callback, "cls", None)) is not None:
                yield view

    found = [view for view in views(get_resolver()) if view.authentication_classes]
    assert len(found) > 10
    for view in found:
        assert AccountThrottle in view.throttle_classes, view


def test_the_table_is_public(client, settings):
    assert client.get("/v1/tiers").json() == {
        "tiers": [
            {
                "tier": "free",
                "limits": [
                    {"name": "minute", "requests": 5, "window_s": 60},
                    {"name": "day", "requests": 20, "window_s": 86400},
                ],
                "websocket_rooms": 30,
                "websocket_connections": 2,
                "alerts": 0,
                "webhooks": 0,
                "transactions": None,
            },
            {
                "tier": "pro",
                "limits": [{"name": "minute", "requests": 50, "window_s": 60}],
                "websocket_rooms": 500,
                "websocket_connections": 20,
                "alerts": 0,
                "webhooks": 0,
                "transactions": None,
            },
        ]
    }

"""Limits as the client of the API meets them."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from django.urls import get_resolver
from rest_framework.test import APIClient

from accounts.models import Scope
from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer, token
from accounts.tests.factories import PASSWORD
from accounts.tests.outages import absent_redis, forget_outages
from accounts.throttling import AccountThrottle, AuthThrottle
from accounts.views.auth import LoginView, RefreshView, RegisterView
from accounts.views.passwords import PasswordForgottenView, PasswordResetView
from accounts.views.registration import RegistrationView

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


def test_what_is_asked_with_a_credential_is_counted_in_one_step(as_alice, redis_client):
    as_alice.get("/v1/auth/me")
    redis_client.config_resetstat()
    assert as_alice.get("/v1/auth/me").status_code == 200
    assert redis_client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1


def test_a_refusal_before_the_account_is_counted_counts_for_the_address(alice, settings, refused):
    settings.LIMITS = {**settings.LIMITS, "address": "2/minute"}
    reader = token(api_key_issue(user=alice, name="reads", scopes=[Scope.READ]).text)
    for _ in range(2):
        refused(reader.post("/v1/api-keys", {"name": "more"}), 403, "SCOPE_MISSING")
    refused(reader.post("/v1/api-keys", {"name": "more"}), 429, "RATE_LIMIT_EXCEEDED")
    # Nor does it get as far as that, once this process knows.
    reply = reader.get("/v1/auth/me")
    refused(reply, 429, "RATE_LIMIT_EXCEEDED")
    assert reply["RateLimit"].startswith('"address";r=0')


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


def strangers(settings, limit: str = "3/day") -> None:
    settings.LIMITS = {**settings.LIMITS, "anonymous": [limit]}


def test_a_stranger_is_counted_for_the_address(client, settings, refused):
    strangers(settings)
    paths = ["/v1/auth/ping", "/v1/auth/me", "/v1/nowhere"]
    replies = [client.get(path) for path in paths]
    assert [reply.status_code for reply in replies] == [200, 401, 404]
    assert [reply["X-RateLimit-Remaining"] for reply in replies] == ["2", "1", "0"]
    assert replies[0]["RateLimit-Policy"] == '"day";q=3;w=86400'
    for path in paths:
        reply = client.get(path)
        body = refused(reply, 429, "RATE_LIMIT_EXCEEDED")
        assert body["details"] == {"limit": 3, "remaining": 0, "reset_at": reply["X-RateLimit-Reset"]}
        assert 86_400 <= int(reply["Retry-After"]) <= 86_400 + 1440
    assert client.get("/v1/auth/ping", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_a_user_is_let_in_where_strangers_are_not_any_more(as_alice, client, settings):
    strangers(settings)
    assert [client.get("/v1/auth/ping").status_code for _ in range(4)] == [200] * 3 + [429]
    assert as_alice.get("/v1/auth/me").status_code == 200


def test_a_credential_that_is_worth_nothing_makes_no_user(settings):
    strangers(settings)
    guessing = [bearer("nonsense"), token("sk_nonsense"), APIClient(headers={"X-API-Key": "nonsense"})]
    assert [client.get("/v1/auth/me").status_code for client in guessing] == [401] * 3
    assert [client.get("/v1/auth/me").status_code for client in guessing] == [429] * 3
    # Nor where the credential is not looked at.
    assert [client.get("/v1/auth/ping").status_code for client in guessing] == [429] * 3


def test_an_address_that_floods_is_stopped_before_anybody_asks_who_it_is(
    as_alice, settings, django_assert_num_queries
):
    settings.LIMITS = {**settings.LIMITS, "address": "3/minute"}
    for _ in range(3):
        assert as_alice.get("/v1/auth/me").status_code == 200
    with django_assert_num_queries(0):
        reply = as_alice.get("/v1/auth/me")
    assert (reply.status_code, reply["X-RateLimit-Limit"]) == (429, "3")
    # Nothing was taken from the account.
    assert as_alice.get("/v1/auth/me", REMOTE_ADDR="192.0.2.7")["X-RateLimit-Remaining"] == "1"


def test_only_a_proxy_that_is_named_may_say_who_asks(client, settings):
    strangers(settings, "1/day")

    def ask(peer: str, forwarded: str) -> int:
        return client.get("/v1/auth/ping", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded).status_code

    assert [ask("192.0.2.1", f"203.0.113.{number}") for number in range(3)] == [200, 429, 429]
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    assert [ask("10.0.0.1", f"6.6.6.{number}, 203.0.113.9") for number in range(3)] == [200, 429, 429]
    assert ask("10.0.0.1", "203.0.113.10") == 200
    # Of IPv6, whoever has one address has all of its /64.
    assert [ask("10.0.0.1", f"2001:db8:1:2::{number}") for number in range(3)] == [200, 429, 429]


def test_without_redis_a_stranger_has_the_processs_part(client, settings):
    strangers(settings, "10/day")
    settings.RATE_LIMIT_WORKERS = 2
    with absent_redis() as settings.REDIS_URL:
        answers = [client.get("/v1/auth/ping").status_code for _ in range(7)]
    assert answers == [200] * 5 + [429] * 2


LOGIN = {"email": "alice@example.com", "password": PASSWORD}


def test_signing_in_is_counted_before_a_password_is_hashed(client, alice, refused, django_assert_num_queries):
    for _ in range(3):
        assert client.post("/v1/auth/login", LOGIN | {"password": "wrong"}).status_code == 401
    reply = client.post("/v1/auth/login", LOGIN)
    assert (reply.status_code, reply["X-RateLimit-Limit"], reply["X-RateLimit-Remaining"]) == (200, "5", "1")
    assert client.post("/v1/auth/register", "{", content_type="application/json").status_code == 400
    with django_assert_num_queries(0):
        reply = client.post("/v1/auth/login", LOGIN)
    body = refused(reply, 429, "RATE_LIMIT_EXCEEDED")
    assert body["details"]["limit"] == 5
    assert 600 <= int(reply["Retry-After"]) <= 610
    for path in ("/v1/auth/register", "/v1/register", "/v1/register/"):
        assert client.post(path, LOGIN).status_code == 429
    # Not a stranger's requests: only the four that were let through and failed to be a sign-in would show.
    assert client.get("/v1/auth/ping")["X-RateLimit-Remaining"] == "99"


def test_who_has_signed_in_from_an_address_is_not_kept_out_by_guesses_from_elsewhere(client, alice):
    assert client.post("/v1/auth/login", LOGIN, REMOTE_ADDR="192.0.2.1").status_code == 200
    wrong = LOGIN | {"password": "wrong"}
    guesses = [
        client.post("/v1/auth/login", wrong, REMOTE_ADDR=f"198.51.100.{number}").status_code
        for number in range(8)
    ]
    assert guesses == [401] * 4 + [429] * 4
    assert client.post("/v1/auth/login", LOGIN, REMOTE_ADDR="203.0.113.1").status_code == 429
    assert client.post("/v1/auth/login", LOGIN, REMOTE_ADDR="192.0.2.1").status_code == 200


def test_a_refresh_is_limited_neither_as_a_sign_in_nor_as_a_stranger(client, signed_in, settings):
    strangers(settings)
    held = signed_in.refresh_token
    for _ in range(8):
        reply = client.post("/v1/auth/refresh", {"refresh_token": held})
        assert reply.status_code == 200
        held = reply.json()["refresh_token"]
    # One that is refused was sent by a stranger.
    guesses = [client.post("/v1/auth/refresh", {"refresh_token": "x"}).status_code for _ in range(5)]
    assert guesses == [401] * 3 + [429] * 2


def test_nobody_can_have_one_address_flooded_with_mail(as_alice, settings):
    settings.TIERS = {**settings.TIERS, "free": {**settings.TIERS["free"], "requests": ["100/minute"]}}
    asked = [as_alice.post("/v1/auth/email/resend") for _ in range(6)]
    assert [reply.status_code for reply in asked] == [202] * 5 + [429]
    assert asked[-1]["X-RateLimit-Limit"] == "5"
    assert as_alice.get("/v1/auth/me").status_code == 200


def test_signing_in_to_the_admin_is_limited_alike(client, alice, django_assert_num_queries):
    form = {"username": "alice@example.com", "password": "wrong"}
    for _ in range(5):
        assert client.post("/admin/login/", form, format="multipart").status_code == 200
    with django_assert_num_queries(0):
        reply = client.post("/admin/login/", form, format="multipart")
    assert (reply.status_code, reply["X-RateLimit-Limit"]) == (429, "5")
    assert client.post("/v1/auth/login", LOGIN).status_code == 429
    assert client.get("/admin/login/").status_code == 200


def test_health_metrics_and_pages_are_not_counted(client, redis_client):
    for path in ("/health/live", "/metrics", "/"):
        assert client.get(path).status_code == 200
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


def test_every_view_of_the_api_is_limited():
    def views(resolver):
        for pattern in resolver.url_patterns:
            if hasattr(pattern, "url_patterns"):
                yield from views(pattern)
            elif (view := getattr(pattern.callback, "cls", None)) is not None:
                yield view

    found = list(views(get_resolver()))
    assert len(found) > 10
    own = {view for view in found if not getattr(view, "anonymous", True)}
    apart = {LoginView, RegisterView, RegistrationView, PasswordForgottenView, PasswordResetView}
    assert own == {*apart, RefreshView}
    for view in found:
        if view in own:
            assert view is RefreshView or AuthThrottle in view.throttle_classes, view
        else:
            assert AccountThrottle in view.throttle_classes, view


def test_the_table_is_public(client, settings):
    assert client.get("/v1/tiers").json() == {
        "tiers": [
            {
                "tier": "anonymous",
                "limits": [{"name": "day", "requests": 100, "window_s": 86400}],
                "websocket_rooms": 0,
                "websocket_connections": 0,
                "alerts": 0,
                "webhooks": 0,
                "transactions": None,
            },
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
        ],
        "auth": {"name": "auth", "requests": 5, "window_s": 600},
        "address": {"name": "address", "requests": 60000, "window_s": 60},
    }

"""GET /v1/auth/me and GET /v1/auth/ping"""

from __future__ import annotations

from datetime import datetime

import pytest

from accounts.tests.clients import token
from accounts.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def test_it_works(as_alice, alice):
    response = as_alice.get("/v1/auth/me")
    assert response.status_code == 200
    body = response.json()
    created_at = body.pop("created_at")
    assert created_at.endswith("Z")
    assert abs((datetime.fromisoformat(created_at) - alice.created_at).total_seconds()) < 0.001
    assert body == {
        "id": str(alice.pk),
        "email": "alice@example.com",
        "name": "Alice Liddell",
        "tier": "free",
        "email_confirmed_at": None,
    }


def test_a_key_may_ask_too(alices_key):
    assert token(alices_key.text).get("/v1/auth/me").json()["email"] == "alice@example.com"


def test_without_credentials_it_is_401_with_a_challenge(client, refused):
    response = client.get("/v1/auth/me")
    refused(response, 401, "UNAUTHORIZED")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_change_of_tier_holds_at_once(as_alice, alice):
    alice.tier = "pro"
    alice.save()
    assert as_alice.get("/v1/auth/me").json()["tier"] == "pro"


def test_an_inactive_user_is_refused_at_once(as_alice, alice, refused):
    alice.is_active = False
    alice.save()
    refused(as_alice.get("/v1/auth/me"), 401, "UNAUTHORIZED")


def test_a_deleted_user_is_refused(as_alice, alice, refused):
    alice.delete()
    refused(as_alice.get("/v1/auth/me"), 401, "UNAUTHORIZED")


def test_a_markup_name_stays_text(client):
    name = "<script>alert(1)</script>"
    body = {"email": "dave@example.com", "password": PASSWORD, "name": name}
    response = client.post("/v1/auth/register", body)
    assert response.json()["user"]["name"] == name
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_authentication_costs_one_query(as_alice, alices_key, django_assert_num_queries):
    with django_assert_num_queries(1):
        as_alice.get("/v1/auth/me")
    by_key = token(alices_key.text)
    by_key.get("/v1/auth/me")
    with django_assert_num_queries(1):
        by_key.get("/v1/auth/me")


def test_ping_answers_everybody(client):
    client.credentials(HTTP_AUTHORIZATION="Bearer expired")
    response = client.get("/v1/auth/ping")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "message": "pong"}

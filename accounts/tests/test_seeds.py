"""Requests as the published descriptions of the service show them, sent as written."""

from __future__ import annotations

import re

import pytest
from django.core import mail

from accounts.tests.clients import bearer

pytestmark = pytest.mark.django_db


def post_text(client, path, body, **headers):
    return client.post(path, body, content_type="application/json", headers=headers)


def test_register_log_in_refresh_and_log_out(client):
    registered = post_text(
        client,
        "/v1/auth/register",
        """{
        "email": "user@example.com",
        "password": "SecurePass123",
        "name": "John Doe"
        }""",
    )
    assert registered.status_code == 201
    body = registered.json()
    assert body["access_token"].startswith("eyJ")
    assert body["refresh_token"]
    assert body["user"].pop("id")
    assert body["user"] == {"email": "user@example.com", "name": "John Doe", "tier": "free"}

    logged_in = post_text(
        client, "/v1/auth/login", '{"email": "user@example.com", "password": "SecurePass123"}'
    )
    assert logged_in.status_code == 200
    assert set(logged_in.json()) == {"access_token", "refresh_token", "user"}

    text = f'{{"refresh_token": "{logged_in.json()["refresh_token"]}"}}'
    refreshed = post_text(client, "/v1/auth/refresh", text)
    assert refreshed.status_code == 200
    access_token = refreshed.json()["access_token"]
    assert access_token.startswith("eyJ")

    out = client.post("/v1/auth/logout", headers={"Authorization": f"Bearer {access_token}"})
    assert out.status_code == 204
    assert bearer(access_token).get("/v1/auth/me").status_code == 401


def test_the_portfolio_trackers_user_and_login(client):
    registered = post_text(
        client,
        "/v1/auth/register",
        """{
        "name": "John Doe",
        "email": "john.doe@example.com",
        "password": "securepassword"
        }""",
    )
    assert registered.status_code == 201
    logged_in = post_text(
        client,
        "/v1/auth/login",
        """{
        "email": "john.doe@example.com",
        "password": "securepassword"
        }""",
    )
    assert logged_in.status_code == 200
    me = bearer(logged_in.json()["access_token"]).get("/v1/auth/me").json()
    assert {"id", "name", "email", "created_at"} <= set(me)
    assert me["name"] == "John Doe"


def test_a_key_for_a_form_of_three_fields(client):
    response = client.post(
        "/v1/register/",
        {"name": "Dave", "last_name": "Mustaine", "email": "examplemail@email.com"},
        format="multipart",
    )
    assert response.status_code == 202
    match = re.search(r"token=(\S+)", str(mail.outbox[0].body))
    assert match
    confirmed = client.post("/v1/register/confirm", {"token": match[1]})
    assert confirmed.status_code == 201
    key = confirmed.json()["api_key"]
    me = client.get("/v1/auth/me", headers={"Authorization": f"Token {key}"})
    assert me.json()["name"] == "Dave Mustaine"


def test_the_health_check(client):
    assert client.get("/v1/auth/ping").status_code == 200


def test_the_error_of_a_missing_token(client, refused):
    response = client.get("/v1/auth/me", headers={"Authorization": "Bearer eyJ..."})
    body = refused(response, 401, "UNAUTHORIZED")
    assert body["message"] == "Invalid or expired access token"
    assert body["details"] == {}
    assert body["path"] == "/v1/auth/me"

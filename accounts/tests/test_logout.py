"""POST /v1/auth/logout"""

from __future__ import annotations

import pytest

from accounts.models import Session
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer, token

PATH = "/v1/auth/logout"

pytestmark = pytest.mark.django_db


def test_it_works(client, refused, as_alice, signed_in):
    response = as_alice.post(PATH)
    assert response.status_code == 204
    assert response.content == b""
    refused(as_alice.get("/v1/auth/me"), 401, "UNAUTHORIZED")
    refused(client.post("/v1/auth/refresh", {"refresh_token": signed_in.refresh_token}), 401, "UNAUTHORIZED")
    assert Session.objects.get().revoked_because == "logout"


def test_every_access_token_of_the_session_stops_at_once(client, as_alice, signed_in):
    pair = client.post("/v1/auth/refresh", {"refresh_token": signed_in.refresh_token}).json()
    as_alice.post(PATH)
    assert bearer(pair["access_token"]).get("/v1/auth/me").status_code == 401


def test_other_sessions_go_on(as_alice, alice):
    other = session_start(user=alice)
    as_alice.post(PATH)
    assert bearer(other.access_token).get("/v1/auth/me").status_code == 200


def test_a_refresh_token_in_the_body_ends_its_session_too(as_alice, alice):
    other = session_start(user=alice)
    assert as_alice.post(PATH, {"refresh_token": other.refresh_token}).status_code == 204
    assert not Session.objects.filter(revoked_at__isnull=True).exists()


def test_the_refresh_token_of_somebody_else_ends_nothing_of_theirs(as_alice, bob):
    theirs = session_start(user=bob)
    assert as_alice.post(PATH, {"refresh_token": theirs.refresh_token}).status_code == 204
    assert bearer(theirs.access_token).get("/v1/auth/me").status_code == 200


def test_a_second_logout_is_401(as_alice, refused):
    as_alice.post(PATH)
    refused(as_alice.post(PATH), 401, "UNAUTHORIZED")


def test_without_a_token_it_is_401(client, refused):
    assert refused(client.post(PATH), 401, "UNAUTHORIZED")["details"] == {}


def test_a_key_has_no_session_to_end(refused, alices_key):
    refused(token(alices_key.text).post(PATH), 401, "UNAUTHORIZED")


def test_an_unknown_field_is_400_and_ends_nothing(as_alice, refused):
    refused(as_alice.post(PATH, {"all": True}), 400, "VALIDATION_ERROR")
    assert as_alice.get("/v1/auth/me").status_code == 200

"""POST /v1/auth/refresh"""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import RefreshToken, Session
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from accounts.tests.factories import UserFactory
from accounts.tests.parallel import in_parallel

PATH = "/v1/auth/refresh"

pytestmark = pytest.mark.django_db


def refresh(client, token):
    return client.post(PATH, {"refresh_token": token})


def test_it_works(client, signed_in):
    response = refresh(client, signed_in.refresh_token)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"access_token", "refresh_token"}
    assert body["refresh_token"] != signed_in.refresh_token
    assert bearer(body["access_token"]).get("/v1/auth/me").status_code == 200
    assert refresh(client, body["refresh_token"]).status_code == 200


def test_it_needs_no_access_token_and_minds_none(client, signed_in):
    client.credentials(HTTP_AUTHORIZATION="Bearer expired")
    assert refresh(client, signed_in.refresh_token).status_code == 200


def test_a_token_works_once_and_a_quick_second_call_fails_alone(client, refused, signed_in):
    body = refresh(client, signed_in.refresh_token).json()
    refused(refresh(client, signed_in.refresh_token), 401, "UNAUTHORIZED")
    assert Session.objects.get().revoked_at is None
    assert bearer(body["access_token"]).get("/v1/auth/me").status_code == 200
    assert refresh(client, body["refresh_token"]).status_code == 200


def test_a_used_token_that_comes_back_later_ends_the_whole_family(client, refused, signed_in):
    body = refresh(client, signed_in.refresh_token).json()
    with time_machine.travel(timezone.now() + timedelta(seconds=11), tick=False):
        refused(refresh(client, signed_in.refresh_token), 401, "UNAUTHORIZED")
        refused(refresh(client, body["refresh_token"]), 401, "UNAUTHORIZED")
        for token in (body["access_token"], signed_in.access_token):
            refused(bearer(token).get("/v1/auth/me"), 401, "UNAUTHORIZED")
    session = Session.objects.get()
    assert session.revoked_at is not None
    assert session.revoked_because == "refresh token reused"


def test_the_end_of_one_family_leaves_the_users_other_sessions_alone(client, alice, signed_in):
    other = session_start(user=alice)
    refresh(client, signed_in.refresh_token)
    with time_machine.travel(timezone.now() + timedelta(seconds=11), tick=False):
        refresh(client, signed_in.refresh_token)
        assert refresh(client, other.refresh_token).status_code == 200


def test_a_session_lives_on_from_its_last_refresh_and_ends_without_one(client, refused, signed_in):
    begun = timezone.now()
    lifetime = settings.REFRESH_TOKEN_LIFETIME
    with time_machine.travel(begun + lifetime - timedelta(minutes=1), tick=False):
        newest = refresh(client, signed_in.refresh_token).json()["refresh_token"]
    with time_machine.travel(begun + lifetime + timedelta(days=1), tick=False):
        newest = refresh(client, newest).json()["refresh_token"]
    with time_machine.travel(begun + 2 * lifetime + timedelta(days=1, minutes=1), tick=False):
        refused(refresh(client, newest), 401, "UNAUTHORIZED")


def test_an_inactive_user_gets_no_new_token_and_keeps_the_old_one_unused(client, refused, alice, signed_in):
    alice.is_active = False
    alice.save()
    refused(refresh(client, signed_in.refresh_token), 401, "UNAUTHORIZED")
    assert RefreshToken.objects.get().used_at is None


def test_the_tokens_of_a_deleted_user_are_refused(client, refused, alice, signed_in):
    alice.delete()
    refused(refresh(client, signed_in.refresh_token), 401, "UNAUTHORIZED")


def test_a_new_access_token_carries_the_new_tier(client, alice, signed_in):
    alice.tier = "pro"
    alice.save()
    body = refresh(client, signed_in.refresh_token).json()
    assert bearer(body["access_token"]).get("/v1/auth/me").json()["tier"] == "pro"


@pytest.mark.parametrize("token", ["x", "eyJhbGciOiJIUzI1NiJ9.e30.x", "A" * 43, "é" * 43])
def test_an_unknown_token_is_401(client, refused, signed_in, token):
    refused(refresh(client, token), 401, "UNAUTHORIZED")


def test_an_access_token_is_no_refresh_token_and_the_other_way_round(client, refused, signed_in):
    refused(refresh(client, signed_in.access_token), 400, "VALIDATION_ERROR")
    refused(refresh(client, signed_in.access_token[:256]), 401, "UNAUTHORIZED")
    refused(bearer(signed_in.refresh_token).get("/v1/auth/me"), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("body", [{}, {"refresh_token": ""}, {"refresh_token": None}, {"refresh_token": 1}])
def test_a_malformed_body_is_400_and_names_the_field(client, refused, body):
    assert list(refused(client.post(PATH, body), 400, "VALIDATION_ERROR")["details"]) == ["refresh_token"]


def test_an_unknown_field_is_400(client, refused, signed_in):
    body = {"refresh_token": signed_in.refresh_token, "tier": "pro"}
    assert list(refused(client.post(PATH, body), 400, "VALIDATION_ERROR")["details"]) == ["tier"]
    assert RefreshToken.objects.get().used_at is None


def test_the_database_holds_only_a_digest(signed_in):
    row = RefreshToken.objects.get()
    assert len(bytes(row.digest)) == 32
    assert signed_in.refresh_token.encode() not in bytes(row.digest)


@pytest.mark.django_db(transaction=True)
def test_of_32_parallel_refreshes_of_one_token_exactly_one_wins_and_the_family_lives(monkeypatch):
    # However long a busy machine takes over them, they count as one moment.
    monkeypatch.setattr("accounts.services.sessions.REUSE_GRACE", timedelta(minutes=10))
    signed_in = session_start(user=UserFactory.create())
    replies = in_parallel(32, lambda _: refresh(APIClient(), signed_in.refresh_token))
    assert sorted(reply.status_code for reply in replies) == [200] + [401] * 31
    assert RefreshToken.objects.count() == 2
    assert Session.objects.get().revoked_at is None
    won = next(reply.json() for reply in replies if reply.status_code == 200)
    assert bearer(won["access_token"]).get("/v1/auth/me").status_code == 200
    assert refresh(APIClient(), won["refresh_token"]).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        assert refresh(APIClient(), signed_in.refresh_token).status_code == 401
        assert bearer(won["access_token"]).get("/v1/auth/me").status_code == 401

"""GET and POST /v1/api-keys, DELETE /v1/api-keys/{id}"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import ApiKey
from accounts.services import keys as key_services
from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer, token
from accounts.tests.factories import UserFactory
from accounts.tests.parallel import in_parallel

PATH = "/v1/api-keys"

pytestmark = pytest.mark.django_db


def test_it_works(as_alice):
    response = as_alice.post(PATH, {"name": "laptop"})
    assert response.status_code == 201
    assert "no-store" in response["Cache-Control"]
    made = response.json()
    assert set(made) == {"id", "name", "prefix", "scopes", "api_key", "created_at", "expires_at"}
    assert made["scopes"] == ["read", "trade", "stream"]
    assert made["name"] == "laptop"
    assert made["api_key"].startswith(made["prefix"] + "_")
    assert made["expires_at"] is None
    assert token(made["api_key"]).get("/v1/auth/me").json()["email"] == "alice@example.com"

    listed = as_alice.get(PATH)
    assert listed.status_code == 200
    body = listed.json()
    assert body["meta"] == {"page": 1, "per_page": 50, "total": 1, "pages": 1}
    expected = {"id", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at"}
    assert set(body["api_keys"][0]) == expected
    assert body["api_keys"][0]["id"] == made["id"]
    assert body["api_keys"][0]["last_used_at"].endswith("Z")
    assert made["api_key"] not in listed.content.decode()

    assert as_alice.delete(f"{PATH}/{made['id']}").status_code == 204
    assert token(made["api_key"]).get("/v1/auth/me").status_code == 401
    assert as_alice.get(PATH).json()["api_keys"] == []


def test_a_key_may_carry_an_end(as_alice):
    end = timezone.now().replace(microsecond=0) + timedelta(days=1)
    made = as_alice.post(PATH, {"name": "for a day", "expires_at": end.isoformat()}).json()
    assert made["expires_at"] == end.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\tb"}, "name"),
        ({"name": 1}, "name"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "tomorrow"}, "expires_at"),
        ({"name": "x", "expires_at": 1}, "expires_at"),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at"),
        ({"name": "x", "digest": "x"}, "digest"),
        ({"name": "x", "user": "x"}, "user"),
    ],
)
def test_a_malformed_body_is_400_and_names_the_field(as_alice, refused, body, field):
    assert list(refused(as_alice.post(PATH, body), 400, "VALIDATION_ERROR")["details"]) == [field]
    assert not ApiKey.objects.exists()


def test_the_list_is_paged_and_costs_the_same_for_one_row_and_for_twenty(
    as_alice, alice, django_assert_num_queries
):
    for number in range(20):
        api_key_issue(user=alice, name=f"key {number}")
        if number in (0, 19):
            with django_assert_num_queries(3):
                as_alice.get(PATH)
    body = as_alice.get(f"{PATH}?per_page=8&page=3").json()
    assert body["meta"] == {"page": 3, "per_page": 8, "total": 20, "pages": 3}
    assert [key["name"] for key in body["api_keys"]] == ["key 3", "key 2", "key 1", "key 0"]


@pytest.mark.parametrize("query", ["page=0", f"page={10**18}", "per_page=101", "per_page=x", "sort=digest"])
def test_a_page_that_cannot_be_is_400(as_alice, refused, query):
    refused(as_alice.get(f"{PATH}?{query}"), 400, "VALIDATION_ERROR")


def test_nobody_sees_or_ends_the_key_of_another(as_charlie, as_alice, client, refused, alices_key):
    path = f"{PATH}/{alices_key.row.pk}"
    assert as_charlie.get(PATH).json()["api_keys"] == []
    theirs = refused(as_charlie.delete(path), 404, "API_KEY_NOT_FOUND")
    unknown = refused(as_charlie.delete(f"{PATH}/{uuid4()}"), 404, "API_KEY_NOT_FOUND")
    for body in (theirs, unknown):
        for name in ("path", "timestamp", "request_id"):
            body.pop(name)
    assert theirs == unknown
    refused(client.delete(path), 401, "UNAUTHORIZED")
    assert token(alices_key.text).get("/v1/auth/me").status_code == 200


def test_a_revoked_key_is_gone(as_alice, refused, alices_key):
    path = f"{PATH}/{alices_key.row.pk}"
    assert as_alice.delete(path).status_code == 204
    refused(as_alice.delete(path), 404, "API_KEY_NOT_FOUND")


@pytest.mark.parametrize("key_id", ["1", "x", "6f1c0f52-3a52-4b57-9a3e-6d0c7a0f5a110", "%00", "..%2Fme"])
def test_an_id_that_is_none_is_404(as_alice, refused, key_id):
    refused(as_alice.delete(f"{PATH}/{key_id}"), 404, "NOT_FOUND")


def test_a_key_manages_no_keys(refused, alices_key):
    by_key = token(alices_key.text)
    refused(by_key.get(PATH), 403, "FORBIDDEN")
    refused(by_key.post(PATH, {"name": "child"}), 403, "FORBIDDEN")
    refused(by_key.delete(f"{PATH}/{alices_key.row.pk}"), 403, "FORBIDDEN")
    assert ApiKey.objects.get().revoked_at is None


def test_without_credentials_it_is_401(client, refused):
    refused(client.get(PATH), 401, "UNAUTHORIZED")
    refused(client.post(PATH, {"name": "x"}), 401, "UNAUTHORIZED")


def test_keys_outlive_the_session_that_made_them(as_alice, alices_key):
    as_alice.post("/v1/auth/logout")
    assert token(alices_key.text).get("/v1/auth/me").status_code == 200


def test_usable_keys_are_limited_and_ended_ones_do_not_count(as_alice, alice, refused, monkeypatch):
    monkeypatch.setattr(key_services, "MAX_KEYS", 2)
    first = api_key_issue(user=alice, name="first")
    api_key_issue(user=alice, name="over", expires_at=timezone.now() - timedelta(days=1))
    api_key_issue(user=alice, name="second")
    body = refused(as_alice.post(PATH, {"name": "third"}), 409, "API_KEY_LIMIT_REACHED")
    assert body["details"] == {"limit": 2}
    as_alice.delete(f"{PATH}/{first.row.pk}")
    assert as_alice.post(PATH, {"name": "third"}).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_parallel_calls_do_not_pass_the_limit(monkeypatch):
    monkeypatch.setattr(key_services, "MAX_KEYS", 3)
    user = UserFactory.create()
    access_token = session_start(user=user).access_token
    replies = in_parallel(8, lambda number: bearer(access_token).post(PATH, {"name": f"key {number}"}))
    assert sorted(reply.status_code for reply in replies) == [201] * 3 + [409] * 5

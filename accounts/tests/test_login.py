"""POST /v1/auth/login"""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password

from accounts import passwords
from accounts.models import RefreshToken, Session, User
from accounts.tests.clients import bearer
from accounts.tests.factories import PASSWORD, UserFactory

PATH = "/v1/auth/login"

pytestmark = pytest.mark.django_db


def test_it_works(client, alice):
    response = client.post(PATH, {"email": "alice@example.com", "password": PASSWORD})
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"access_token", "refresh_token", "user"}
    assert body["user"] == {
        "id": str(alice.pk),
        "email": "alice@example.com",
        "name": "Alice Liddell",
        "tier": "free",
    }
    assert bearer(body["access_token"]).get("/v1/auth/me").status_code == 200
    assert Session.objects.get().user == alice
    assert RefreshToken.objects.count() == 1
    alice.refresh_from_db()
    assert alice.last_login is not None


def test_the_address_may_be_written_in_capitals(client, alice):
    assert client.post(PATH, {"email": " ALICE@example.com", "password": PASSWORD}).status_code == 200


def test_each_sign_in_is_a_session_of_its_own(client, alice):
    for _ in range(2):
        client.post(PATH, {"email": alice.email, "password": PASSWORD})
    assert Session.objects.count() == 2


def _without_what_varies(body: dict) -> dict:
    return {key: value for key, value in body.items() if key not in ("timestamp", "request_id")}


def test_every_failure_looks_the_same(client, refused, alice):
    UserFactory.create(email="gone@example.com", is_active=False)
    UserFactory.create(email="keyless@example.com", password=make_password(None))
    attempts = [
        {"email": alice.email, "password": f"{PASSWORD}wrong"},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": "gone@example.com", "password": PASSWORD},
        {"email": "keyless@example.com", "password": PASSWORD},
        {"email": alice.email, "password": PASSWORD + " "},
        {"email": alice.email, "password": "x"},
    ]
    replies = [client.post(PATH, attempt) for attempt in attempts]
    bodies = [_without_what_varies(refused(reply, 401, "UNAUTHORIZED")) for reply in replies]
    assert all(body == bodies[0] for body in bodies)
    headers = [{**reply.headers, "X-Request-ID": "", "Content-Length": ""} for reply in replies]
    assert all(each == headers[0] for each in headers)
    assert headers[0]["WWW-Authenticate"]
    assert not Session.objects.exists()


@pytest.mark.parametrize("name", ["alice", "nobody", "gone", "keyless"])
def test_every_failure_costs_one_verification(client, alice, monkeypatch, name):
    UserFactory.create(email="gone@example.com", is_active=False)
    UserFactory.create(email="keyless@example.com", password=make_password(None))
    client.post(PATH, {"email": "nobody@example.com", "password": PASSWORD})
    done = []

    def counted(work):
        def count(*given):
            done.append(work.__name__)
            return work(*given)

        return count

    for work in (Argon2PasswordHasher.encode, Argon2PasswordHasher.verify):
        monkeypatch.setattr(Argon2PasswordHasher, work.__name__, counted(work))
    attempt = {"email": f"{name}@example.com", "password": f"{PASSWORD}wrong"}
    assert client.post(PATH, attempt).status_code == 401
    assert done == ["verify"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "alice@example.com"}, "password"),
        ({"password": PASSWORD}, "email"),
        ({"email": "alice@example.com", "password": ""}, "password"),
        ({"email": "alice@example.com", "password": "x" * 129}, "password"),
        ({"email": "alice@example.com", "password": 1}, "password"),
        ({"email": "alice", "password": PASSWORD}, "email"),
        ({"email": "alice@example.com", "password": PASSWORD, "tier": "pro"}, "tier"),
    ],
)
def test_a_malformed_attempt_is_400_and_names_the_field(client, refused, alice, body, field):
    assert list(refused(client.post(PATH, body), 400, "VALIDATION_ERROR")["details"]) == [field]


def test_a_password_of_a_megabyte_is_refused_before_anything_is_hashed(client, refused, alice, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("hashed")

    monkeypatch.setattr("accounts.services.sessions.password_matches", fail)
    refused(client.post(PATH, {"email": alice.email, "password": "x" * 1_000_000}), 400, "VALIDATION_ERROR")


def test_when_too_many_passwords_wait_the_next_one_is_told_to_retry(client, refused, alice, monkeypatch):
    monkeypatch.setattr(passwords, "MAX_WAIT_SECONDS", 0.01)
    taken = 0
    try:
        while passwords._slots.acquire(blocking=False):
            taken += 1
        refused(client.post(PATH, {"email": alice.email, "password": PASSWORD}), 503, "SERVICE_UNAVAILABLE")
    finally:
        for _ in range(taken):
            passwords._slots.release()
    assert client.post(PATH, {"email": alice.email, "password": PASSWORD}).status_code == 200


def test_get_is_405(client, refused):
    refused(client.get(PATH), 405, "METHOD_NOT_ALLOWED")


def test_the_password_is_never_stored_as_given(client):
    client.post("/v1/auth/register", {"email": "dave@example.com", "password": PASSWORD, "name": "Dave"})
    assert PASSWORD not in User.objects.get().password

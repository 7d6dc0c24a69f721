"""POST /v1/auth/register"""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from accounts.models import Session, User
from accounts.tests.clients import bearer
from accounts.tests.factories import PASSWORD
from accounts.tests.parallel import in_parallel

PATH = "/v1/auth/register"
DAVE = {"email": "dave@example.com", "password": PASSWORD, "name": "Dave Mustaine"}

pytestmark = pytest.mark.django_db


def test_it_works(client):
    response = client.post(PATH, DAVE)
    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"access_token", "refresh_token", "user"}
    assert set(body["user"]) == {"id", "email", "name", "tier"}
    user = User.objects.get()
    assert UUID(body["user"]["id"]) == user.pk
    assert body["user"] | {"id": ""} == {
        "id": "",
        "email": DAVE["email"],
        "name": DAVE["name"],
        "tier": "free",
    }
    assert user.password.startswith("argon2$argon2id$")
    assert not user.is_staff
    assert user.email_confirmed_at is None
    assert bearer(body["access_token"]).get("/v1/auth/me").json()["email"] == DAVE["email"]


def test_the_reply_is_kept_by_no_cache(client):
    assert client.post(PATH, DAVE)["Cache-Control"] == "no-store"


def test_the_address_is_stored_in_lower_case_without_spaces_around(client):
    body = client.post(PATH, DAVE | {"email": "  Dave@Example.COM "}).json()
    assert body["user"]["email"] == "dave@example.com"


@pytest.mark.parametrize("email", ["dave@example.com", "DAVE@EXAMPLE.COM"])
def test_a_known_address_is_409(client, refused, email):
    client.post(PATH, DAVE)
    refused(client.post(PATH, DAVE | {"email": email}), 409, "EMAIL_TAKEN")
    assert User.objects.count() == 1
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": None}, "email"),
        ({"email": "no address"}, "email"),
        ({"email": "dave@exämple.com"}, "email"),
        ({"email": "dave@exaмple.com"}, "email"),  # a Cyrillic letter
        ({"email": "\u212aate@example.com"}, "email"),  # the Kelvin sign, whose lower case is a plain k
        ({"email": "a" * 250 + "@example.com"}, "email"),
        ({"email": ["dave@example.com"]}, "email"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "D" * 151}, "name"),
        ({"name": "Dave\nMustaine"}, "name"),
        ({"name": "Dave\x1b[31m"}, "name"),
        ({"name": "\u202eevaD"}, "name"),
        ({"name": 7}, "name"),
        ({"name": {"first": "Dave"}}, "name"),
        ({"password": "short12"}, "password"),
        ({"password": "x7" * 65}, "password"),
        ({"password": "password123"}, "password"),
        ({"password": "8374650192"}, "password"),
        ({"password": "dave@example.com"}, "password"),
        ({"password": 8374650192}, "password"),
        ({"password": True}, "password"),
        ({"tier": "pro"}, "tier"),
        ({"is_staff": True}, "is_staff"),
        ({"is_superuser": True}, "is_superuser"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "id"),
        ({"email_confirmed_at": "2024-01-01T00:00:00Z"}, "email_confirmed_at"),
    ],
)
def test_what_a_user_may_not_be_is_400_and_names_the_field(client, refused, change, field):
    body = refused(client.post(PATH, DAVE | change), 400, "VALIDATION_ERROR")
    assert list(body["details"]) == [field]
    assert not User.objects.exists()


@pytest.mark.parametrize("field", ["email", "password", "name"])
def test_every_field_is_required(client, refused, field):
    body = refused(client.post(PATH, {k: v for k, v in DAVE.items() if k != field}), 400, "VALIDATION_ERROR")
    assert list(body["details"]) == [field]


@pytest.mark.parametrize("text", [r"a\u0000b", r"\ud800", r"x\udfff"])
@pytest.mark.parametrize("field", ["email", "password", "name"])
def test_a_nul_or_half_a_surrogate_pair_is_400(client, refused, field, text):
    raw = json.dumps(DAVE | {field: "TEXT"}).replace("TEXT", text)
    refused(client.post(PATH, raw, content_type="application/json"), 400, "VALIDATION_ERROR")


def test_names_are_stored_in_one_unicode_form(client):
    assert client.post(PATH, DAVE | {"name": "Zoe\u0308 \ud55c"}).json()["user"]["name"] == "Zo\u00eb \ud55c"


def test_a_long_password_is_refused_before_anything_is_hashed(client, refused, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("hashed")

    monkeypatch.setattr("accounts.passwords.make_password", fail)
    refused(client.post(PATH, DAVE | {"password": "x7" * 500_000}), 400, "VALIDATION_ERROR")


def test_a_form_is_415(client, refused):
    refused(client.post(PATH, DAVE, format="multipart"), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_an_old_token_in_the_header_does_not_stand_in_the_way(client):
    client.credentials(HTTP_AUTHORIZATION="Bearer expired")
    assert client.post(PATH, DAVE).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_parallel_registrations_of_one_address_exactly_one_succeeds():
    replies = in_parallel(8, lambda _: APIClient().post(PATH, DAVE))
    assert sorted(reply.status_code for reply in replies) == [201] + [409] * 7
    assert User.objects.count() == 1

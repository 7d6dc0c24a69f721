"""What API keys may be used for, and how one takes the place of another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.connections import authenticate_tokens
from accounts.models import ApiKey
from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer, token
from accounts.tests.factories import UserFactory
from accounts.tests.parallel import in_parallel

PATH = "/v1/api-keys"
Refused = Callable[..., Any]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


def _key(user: Any, *scopes: str) -> str:
    return api_key_issue(user=user, name="ci", scopes=scopes).text


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [("read", {"read"}), ("trade", {"trade"}), ("stream", {"stream", "socket"}), ("admin", set())],
)
def test_a_key_may_do_what_its_scope_says_and_nothing_else(
    alice, refused: Refused, scope: str, allowed: set[str]
):
    alice.is_staff = True
    alice.save()
    key = _key(alice, scope)
    calls = {
        "read": lambda: token(key).get("/v1/users/me"),
        "trade": lambda: token(key).patch("/v1/users/me", {"name": "Alice"}),
        "stream": lambda: token(key).post("/v1/auth/ticket"),
    }
    for needed, call in calls.items():
        reply = call()
        if needed in allowed:
            assert reply.status_code in (200, 201), reply.content
        else:
            details = refused(reply, 403, "SCOPE_MISSING")["details"]
            assert details == {"needed": needed, "scopes": [scope]}
    (found,) = authenticate_tokens([key])
    assert (found is not None) == ("socket" in allowed)


def test_a_screen_is_read_although_it_is_posted(alice, refused: Refused):
    screen: dict[str, Any] = {"filters": {}}
    assert token(_key(alice, "read")).post("/v1/screen", screen).status_code == 200
    refused(token(_key(alice, "trade")).post("/v1/screen", screen), 403, "SCOPE_MISSING")
    refused(token(_key(alice, "read")).post("/v1/screens", {}), 403, "SCOPE_MISSING")


def test_a_key_of_staff_alone_may_be_an_admins(as_alice, alice, refused: Refused):
    asked = {"name": "ops", "scopes": ["read", "admin"]}
    refused(as_alice.post(PATH, asked), 403, "SCOPE_MISSING")
    alice.is_staff = True
    alice.save()
    assert as_alice.post(PATH, asked).json()["scopes"] == ["read", "admin"]


@pytest.mark.parametrize("scopes", [[], ["everything"], "read", ["read"] * 9, [None]])
def test_scopes_that_do_not_exist_are_refused(as_alice, refused: Refused, scopes: Any):
    body = refused(as_alice.post(PATH, {"name": "x", "scopes": scopes}), 400, "VALIDATION_ERROR")
    assert set(body["details"]) == {"scopes"}


def test_a_mistake_in_a_list_says_where_it_is(as_alice, refused: Refused):
    body = refused(as_alice.post(PATH, {"name": "x", "scopes": ["read", "root"]}), 400, "VALIDATION_ERROR")
    assert set(body["details"]["scopes"]) == {"1"}


def test_scopes_are_told_in_one_order_and_once(as_alice):
    asked = {"name": "x", "scopes": ["stream", "read", "read"]}
    assert as_alice.post(PATH, asked).json()["scopes"] == ["read", "stream"]


def test_the_database_knows_no_other_scope(alice):
    for scopes in ([], ["root"]):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.create(user=alice, name="x", prefix=f"sk_{len(scopes)}", digest=b"", scopes=scopes)


class TestRotation:
    def test_the_new_key_works_at_once_and_the_old_one_no_more(self, as_alice, alice):
        ends = timezone.now().replace(microsecond=0) + timedelta(days=3)
        old = api_key_issue(user=alice, name="ci", expires_at=ends, scopes=["read"])
        reply = as_alice.post(f"{PATH}/{old.row.pk}/rotate")
        made = reply.json()
        assert (reply.status_code, made["name"], made["scopes"]) == (201, "ci", ["read"])
        assert made["expires_at"] == ends.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        assert "no-store" in reply["Cache-Control"]
        assert made["id"] != str(old.row.pk)
        assert token(made["api_key"]).get("/v1/auth/me").status_code == 200
        assert token(old.text).get("/v1/auth/me").status_code == 401

    def test_the_old_one_goes_on_for_a_while_where_that_is_asked_for(self, as_alice, alice):
        old = api_key_issue(user=alice, name="ci")
        made = as_alice.post(f"{PATH}/{old.row.pk}/rotate", {"grace_s": 600}).json()
        assert made["expires_at"] is None
        for text in (old.text, made["api_key"]):
            assert token(text).get("/v1/auth/me").status_code == 200
        with time_machine.travel(timezone.now() + timedelta(seconds=601), tick=False):
            assert token(old.text).get("/v1/auth/me").status_code == 401
            assert token(made["api_key"]).get("/v1/auth/me").status_code == 200

    def test_a_grace_prolongs_no_key(self, as_alice, alice):
        ends = timezone.now() + timedelta(seconds=60)
        old = api_key_issue(user=alice, name="ci", expires_at=ends)
        as_alice.post(f"{PATH}/{old.row.pk}/rotate", {"grace_s": 600})
        old.row.refresh_from_db()
        assert old.row.expires_at == ends

    def test_an_account_that_is_full_can_still_rotate_at_once(self, as_alice, alice, monkeypatch):
        monkeypatch.setattr("accounts.services.keys.MAX_KEYS", 1)
        old = api_key_issue(user=alice, name="ci")
        assert as_alice.post(f"{PATH}/{old.row.pk}/rotate", {"grace_s": 5}).status_code == 409
        assert token(old.text).get("/v1/auth/me").status_code == 200
        assert as_alice.post(f"{PATH}/{old.row.pk}/rotate").status_code == 201

    def test_nobody_elses_key_and_no_ended_one(self, as_alice, alice, refused: Refused):
        others = api_key_issue(user=UserFactory.create(), name="bob")
        ended = api_key_issue(user=alice, name="old", expires_at=timezone.now() - timedelta(seconds=1))
        for key_id in (others.row.pk, ended.row.pk, uuid4()):
            refused(as_alice.post(f"{PATH}/{key_id}/rotate"), 404, "API_KEY_NOT_FOUND")
        assert token(others.text).get("/v1/auth/me").status_code == 200

    @pytest.mark.parametrize("grace", [-1, 7 * 86_400 + 1, "soon", None])
    def test_a_grace_is_at_most_a_week(self, as_alice, alice, refused: Refused, grace: Any):
        old = api_key_issue(user=alice, name="ci")
        refused(as_alice.post(f"{PATH}/{old.row.pk}/rotate", {"grace_s": grace}), 400, "VALIDATION_ERROR")

    def test_a_key_makes_no_other(self, alice, refused: Refused):
        key = api_key_issue(user=alice, name="ci")
        refused(token(key.text).post(f"{PATH}/{key.row.pk}/rotate"), 403, "FORBIDDEN")

    @pytest.mark.django_db(transaction=True)
    def test_of_many_at_once_one_succeeds(self, alice):
        access, old = session_start(user=alice).access_token, api_key_issue(user=alice, name="ci")
        replies = in_parallel(8, lambda _: bearer(access).post(f"{PATH}/{old.row.pk}/rotate"))
        assert sorted(reply.status_code for reply in replies) == [201] + [404] * 7
        assert ApiKey.objects.filter(revoked_at=None).count() == 1

"""Sign out everywhere, one's own name, and the proof of one's address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from rest_framework.test import APIClient

from accounts.links import PASSWORD_RESET
from accounts.models import User
from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from accounts.tests.clients import token as with_key
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.mailbox import mailed_token, work

CONFIRM, RESEND = "/v1/auth/email/confirm", "/v1/auth/email/resend"
BOB = {"email": "bob@example.com", "password": f"another {PASSWORD}", "name": "Bob"}
Refused = Callable[..., Any]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


def test_signing_out_everywhere_ends_every_session_at_once_and_no_key(alice):
    first, second = session_start(user=alice), session_start(user=alice)
    bob, key = session_start(user=UserFactory.create()), api_key_issue(user=alice, name="ci")
    assert bearer(first.access_token).get("/v1/auth/me").status_code == 200
    assert bearer(second.access_token).post("/v1/auth/logout-all").status_code == 204
    for one in (first, second):
        assert bearer(one.access_token).get("/v1/auth/me").status_code == 401
        renewed = APIClient().post("/v1/auth/refresh", {"refresh_token": one.refresh_token})
        assert renewed.status_code == 401
    assert bearer(bob.access_token).get("/v1/auth/me").status_code == 200
    assert with_key(key.text).get("/v1/auth/me").status_code == 200


def test_a_key_may_not_sign_out(alice, refused: Refused):
    key = api_key_issue(user=alice, name="ci").text
    refused(with_key(key).post("/v1/auth/logout-all"), 401, "UNAUTHORIZED")


def test_a_new_user_confirms_the_address_by_the_mailed_link_once(refused: Refused):
    signed_in = APIClient().post("/v1/auth/register", BOB).json()
    assert work() == 1
    assert [one.to for one in mail.outbox] == [["bob@example.com"]]
    secret = mailed_token(CONFIRM)
    page = APIClient().get(CONFIRM, {"token": secret}, HTTP_ACCEPT="text/html")
    assert page.status_code == 200
    assert User.objects.get().email_confirmed_at is None
    reply = APIClient().post(CONFIRM, {"token": secret})
    assert reply.status_code == 200
    assert reply.json()["email_confirmed_at"] is not None
    refused(APIClient().post(CONFIRM, {"token": secret}), 400, "INVALID_LINK")
    assert bearer(signed_in["access_token"]).get("/v1/auth/me").json()["email_confirmed_at"]


def test_the_mail_is_sent_again_until_the_address_is_confirmed(alice):
    user = UserFactory.create(email_confirmed_at=None)
    client = bearer(session_start(user=user).access_token)
    assert client.post(RESEND).status_code == 202
    assert work() == 1
    assert APIClient().post(CONFIRM, {"token": mailed_token(CONFIRM)}).status_code == 200
    assert client.post(RESEND).status_code == 202
    assert work() == 1
    assert len(mail.outbox) == 1


def test_a_link_for_a_password_confirms_no_address(alice, refused: Refused):
    secret = PASSWORD_RESET.link(alice).partition("token=")[2]
    refused(APIClient().post(CONFIRM, {"token": secret}), 400, "INVALID_LINK")
    refused(APIClient().get(CONFIRM, {"token": secret}), 400, "INVALID_LINK")


def test_the_name_can_be_changed_and_nothing_else(alice, refused: Refused):
    client = bearer(session_start(user=alice).access_token)
    assert client.get("/v1/users/me").json()["name"] == "Alice Liddell"
    assert client.patch("/v1/users/me", {"name": "Alice P."}).json()["name"] == "Alice P."
    alice.refresh_from_db()
    assert (alice.name, alice.tier) == ("Alice P.", "free")
    for change in ({"tier": "pro"}, {"name": "A", "is_staff": True}, {"email": "x@example.com"}):
        refused(client.patch("/v1/users/me", change), 400, "VALIDATION_ERROR")

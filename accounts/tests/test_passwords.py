"""POST /v1/auth/password/change, /forgot and /reset, and GET of the page that the mail links to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.links import EMAIL_CONFIRMATION, PASSWORD_RESET
from accounts.models import Session, User
from accounts.services.keys import api_key_issue
from accounts.services.sessions import SignIn, session_start
from accounts.tests.clients import bearer
from accounts.tests.clients import token as with_key
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.mailbox import mailed_token, work
from accounts.tests.parallel import in_parallel

CHANGE, FORGOT, RESET = (f"/v1/auth/password/{name}" for name in ("change", "forgot", "reset"))
NEW = f"another {PASSWORD}"
Refused = Callable[..., Any]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


@pytest.fixture
def signed_in(alice: User) -> SignIn:
    return session_start(user=alice)


def _sign_in(password: str) -> int:
    return (
        APIClient().post("/v1/auth/login", {"email": "alice@example.com", "password": password}).status_code
    )


def _alive(signed_in: SignIn) -> bool:
    return bearer(signed_in.access_token).get("/v1/auth/me").status_code == 200


def _link(email: str = "alice@example.com") -> str:
    assert APIClient().post(FORGOT, {"email": email}).status_code == 202
    assert work() == 1
    return mailed_token(RESET)


class TestChange:
    def test_the_session_goes_on_and_the_others_end(self, alice, signed_in):
        other, key = session_start(user=alice), api_key_issue(user=alice, name="ci")
        asked = {"current_password": PASSWORD, "new_password": NEW}
        assert bearer(signed_in.access_token).post(CHANGE, asked).status_code == 204
        assert (_sign_in(PASSWORD), _sign_in(NEW)) == (401, 200)
        assert _alive(signed_in) and not _alive(other)
        assert with_key(key.text).get("/v1/auth/me").status_code == 200
        ended = APIClient().post("/v1/auth/refresh", {"refresh_token": other.refresh_token})
        assert ended.status_code == 401

    def test_the_current_password_is_needed(self, signed_in, refused: Refused):
        asked = {"current_password": f"wrong {PASSWORD}", "new_password": NEW}
        refused(bearer(signed_in.access_token).post(CHANGE, asked), 403, "WRONG_PASSWORD")
        assert _sign_in(PASSWORD) == 200

    @pytest.mark.parametrize("password", ["short", "12345678901", "alice@example.com", "x" * 129])
    def test_what_is_easily_guessed_is_refused(self, signed_in, refused: Refused, password: str):
        asked = {"current_password": PASSWORD, "new_password": password}
        body = refused(bearer(signed_in.access_token).post(CHANGE, asked), 400, "VALIDATION_ERROR")
        assert "new_password" in body["details"]

    def test_a_key_may_not_change_it(self, alice, refused: Refused):
        key = api_key_issue(user=alice, name="ci").text
        refused(with_key(key).post(CHANGE, {}), 401, "UNAUTHORIZED")


class TestReset:
    def test_a_mailed_link_sets_another_password_once(self, alice, signed_in, refused: Refused):
        secret = _link()
        response = APIClient().post(RESET, {"token": secret, "new_password": NEW})
        assert (response.status_code, response["Cache-Control"]) == (204, "no-store")
        assert (_sign_in(PASSWORD), _sign_in(NEW)) == (401, 200)
        assert not _alive(signed_in)
        alice.refresh_from_db()
        assert alice.email_confirmed_at is not None
        refused(APIClient().post(RESET, {"token": secret, "new_password": PASSWORD}), 400, "INVALID_LINK")
        assert _sign_in(NEW) == 200

    def test_keys_end_where_that_is_asked_for(self, alice):
        key = api_key_issue(user=alice, name="ci").text
        APIClient().post(RESET, {"token": _link(), "new_password": NEW})
        assert with_key(key).get("/v1/auth/me").status_code == 200
        asked = {"token": _link(), "new_password": PASSWORD, "revoke_api_keys": True}
        assert APIClient().post(RESET, asked).status_code == 204
        assert with_key(key).get("/v1/auth/me").status_code == 401

    def test_one_who_never_had_a_password_gets_one(self):
        User.objects.create_user("alice@example.com", None, name="Alice", email_confirmed_at=timezone.now())
        assert APIClient().post(RESET, {"token": _link(), "new_password": NEW}).status_code == 204
        assert _sign_in(NEW) == 200

    @pytest.mark.django_db(transaction=True)
    def test_of_parallel_calls_with_one_link_one_succeeds(self, alice):
        secret = _link()
        passwords = [f"{NEW} number {number}" for number in range(4)]
        replies = in_parallel(
            4, lambda number: APIClient().post(RESET, {"token": secret, "new_password": passwords[number]})
        )
        codes = [reply.status_code for reply in replies]
        assert sorted(codes) == [204, 400, 400, 400]
        assert _sign_in(passwords[codes.index(204)]) == 200

    def test_every_address_gets_the_same_reply_and_only_an_active_account_a_mail(self, alice):
        UserFactory.create(email="gone@example.com", is_active=False)
        replies = [
            APIClient().post(FORGOT, {"email": email})
            for email in (alice.email, "nobody@example.com", "gone@example.com")
        ]
        assert len({(reply.status_code, reply.content) for reply in replies}) == 1
        assert work() == 3
        assert [one.to for one in mail.outbox] == [[alice.email]]

    @pytest.mark.parametrize("later", [timedelta(hours=1, seconds=1)])
    def test_an_old_link_is_refused(self, alice, refused: Refused, later: timedelta):
        secret = _link()
        with time_machine.travel(timezone.now() + later, tick=False):
            refused(APIClient().post(RESET, {"token": secret, "new_password": NEW}), 400, "INVALID_LINK")

    def test_no_other_text_is_taken_for_a_link(self, alice, refused: Refused):
        secret = _link()
        confirms = EMAIL_CONFIRMATION.link(alice).partition("token=")[2]
        for text in (secret[:-1], secret + "x", "x", confirms, secret.upper()):
            refused(APIClient().post(RESET, {"token": text, "new_password": NEW}), 400, "INVALID_LINK")
        User.objects.filter(pk=alice.pk).update(is_active=False)
        refused(APIClient().post(RESET, {"token": secret, "new_password": NEW}), 400, "INVALID_LINK")
        assert _sign_in(NEW) == 401

    def test_the_page_sets_it_by_a_form(self, alice):
        secret = PASSWORD_RESET.link(alice).partition("token=")[2]
        page = APIClient().get(RESET, {"token": secret}, HTTP_ACCEPT="text/html")
        assert page.status_code == 200
        assert page["Referrer-Policy"] == "no-referrer"
        assert f'value="{secret}"' in page.content.decode()
        done = APIClient().post(
            RESET,
            f"token={secret}&new_password={NEW.replace(' ', '+')}",
            content_type="application/x-www-form-urlencoded",
            HTTP_ACCEPT="text/html",
        )
        assert done.status_code == 200
        assert "alice@example.com" in done.content.decode()
        assert _sign_in(NEW) == 200

    def test_the_mail_of_another_address_does_nothing_to_this_one(self, alice):
        UserFactory.create(email="bob@example.com")
        secret = _link("bob@example.com")
        assert APIClient().post(RESET, {"token": secret, "new_password": NEW}).status_code == 204
        assert _sign_in(NEW) == 401
        assert Session.objects.filter(user=alice).count() == 0

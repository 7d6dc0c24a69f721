"""GET and POST /v1/register/confirm: the link of the mail"""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core import mail, signing
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey, User
from accounts.services.keys import api_keys_revoke
from accounts.tests.clients import token as with_key
from accounts.tests.factories import PASSWORD
from accounts.tests.parallel import in_parallel

PATH = "/v1/register/confirm"
DAVE = {"name": "Dave", "last_name": "Mustaine", "email": "dave@example.com"}

pytestmark = pytest.mark.django_db


def mailed_link(**change: str) -> str:
    assert APIClient().post("/v1/register", DAVE | change).status_code == 202
    match = re.search(r"http\S+", str(mail.outbox[-1].body))
    assert match
    return match[0]


def mailed_token(**change: str) -> str:
    return parse_qs(urlsplit(mailed_link(**change)).query)["token"][0]


def test_it_works(client):
    response = client.post(PATH, {"token": mailed_token()})
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"api_key", "user"}
    user = User.objects.get()
    expected = {"id": str(user.pk), "email": "dave@example.com", "name": "Dave Mustaine", "tier": "free"}
    assert body["user"] == expected
    assert user.email_confirmed_at is not None
    assert not user.has_usable_password()
    assert with_key(body["api_key"]).get("/v1/auth/me").json()["email"] == "dave@example.com"


class Form(HTMLParser):
    """What a browser would send when the page's button is pressed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.method = "", ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.action, self.method = given["action"], given["method"]
        elif tag == "input":
            self.fields[given["name"]] = given["value"]


def test_a_person_opens_the_link_presses_the_button_and_sees_the_key(client):
    browser = {"Accept": "text/html,application/xhtml+xml"}
    link = urlsplit(mailed_link())
    page = client.get(f"{link.path}?{link.query}", headers=browser)
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    form = Form(page.content.decode())
    assert form.method == "post"
    assert not User.objects.exists()

    done = client.post(form.action, form.fields, format="multipart", headers=browser)
    assert done.status_code == 201
    key = re.search(r"sk_[\w-]+", done.content.decode())
    assert key
    assert with_key(key[0]).get("/v1/auth/me").status_code == 200
    for response in (page, done):
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert not re.search(r"(?:src|href)=[\"']?https?:", response.content.decode())


def test_looking_at_the_page_changes_nothing(client):
    token = mailed_token()
    for _ in range(3):
        assert client.get(PATH, {"token": token}).status_code == 200
    assert not User.objects.exists()
    assert not ApiKey.objects.exists()
    assert client.post(PATH, {"token": token}).status_code == 201


def test_a_link_works_once(client, refused):
    token = mailed_token()
    client.post(PATH, {"token": token})
    refused(client.post(PATH, {"token": token}), 400, "INVALID_CONFIRMATION")
    assert ApiKey.objects.count() == 1


def test_of_two_links_for_one_new_address_the_second_is_spent_by_the_first(client, refused):
    first, second = mailed_token(), mailed_token(name="David")
    client.post(PATH, {"token": second})
    refused(client.post(PATH, {"token": first}), 400, "INVALID_CONFIRMATION")
    assert User.objects.get().name == "David Mustaine"


def test_a_link_ends_after_a_day(client, refused):
    token = mailed_token()
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1), tick=False):
        refused(client.post(PATH, {"token": token}), 400, "INVALID_CONFIRMATION")
        refused(client.get(PATH, {"token": token}), 400, "INVALID_CONFIRMATION")
    assert not User.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(hours=23, minutes=59), tick=False):
        assert client.post(PATH, {"token": token}).status_code == 201


@pytest.mark.parametrize(
    "forge", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: "x" + t, lambda t: "é"]
)
def test_a_forged_link_is_refused(client, refused, forge):
    token = forge(mailed_token())
    refused(client.post(PATH, {"token": token}), 400, "INVALID_CONFIRMATION")
    refused(client.get(PATH, {"token": token}), 400, "INVALID_CONFIRMATION")


def test_what_else_we_sign_is_no_confirmation(client, refused):
    other = signing.dumps({"email": "dave@example.com", "name": "Dave", "state": ""}, salt="another purpose")
    refused(client.post(PATH, {"token": other}), 400, "INVALID_CONFIRMATION")


@pytest.mark.parametrize(
    "body", [{}, {"token": ""}, {"token": 1}, {"token": "x" * 4097}, {"token": "x", "a": 1}]
)
def test_a_malformed_body_is_400(client, refused, body):
    refused(client.post(PATH, body), 400, "VALIDATION_ERROR")


def test_a_page_without_its_token_is_400(client, refused):
    refused(client.get(PATH), 400, "VALIDATION_ERROR")


def test_who_proved_the_address_before_gets_one_more_key_by_each_link(client, refused):
    client.post(PATH, {"token": mailed_token()})
    again = mailed_token(name="Somebody", last_name="Else")
    body = client.post(PATH, {"token": again}).json()
    assert body["user"]["name"] == "Dave Mustaine"
    assert with_key(body["api_key"]).get("/v1/auth/me").status_code == 200
    refused(client.post(PATH, {"token": again}), 400, "INVALID_CONFIRMATION")
    assert ApiKey.objects.count() == 2


def test_a_revoked_key_does_not_revive_its_link(client, refused):
    token = mailed_token()
    client.post(PATH, {"token": token})
    api_keys_revoke(keys=ApiKey.objects.all())
    refused(client.post(PATH, {"token": token}), 400, "INVALID_CONFIRMATION")


def test_an_account_opened_for_the_address_by_somebody_else_is_not_joined(client, refused):
    # Eve registers Dave's address with her own password, then waits for Dave to confirm it.
    eve = {"email": "dave@example.com", "password": PASSWORD, "name": "Dave"}
    client.post("/v1/auth/register", eve)
    refused(client.post(PATH, {"token": mailed_token()}), 400, "INVALID_CONFIRMATION")
    assert not ApiKey.objects.exists()


def test_an_account_opened_after_the_mail_was_sent_is_not_joined_either(client, refused):
    token = mailed_token()
    eve = {"email": "dave@example.com", "password": PASSWORD, "name": "Dave"}
    client.post("/v1/auth/register", eve)
    refused(client.post(PATH, {"token": token}), 400, "INVALID_CONFIRMATION")


def test_an_inactive_user_gets_no_key(client, refused):
    client.post(PATH, {"token": mailed_token()})
    User.objects.update(is_active=False)
    refused(client.post(PATH, {"token": mailed_token()}), 400, "INVALID_CONFIRMATION")


def test_markup_in_an_address_is_escaped_on_the_page(client):
    address = '"<script>alert(1)</script>"@example.com'
    page = client.get(PATH, {"token": mailed_token(email=address)}).content.decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [False, True])
def test_of_parallel_confirmations_of_one_link_exactly_one_succeeds(known):
    if known:
        APIClient().post(PATH, {"token": mailed_token()})
    token = mailed_token()
    replies = in_parallel(8, lambda _: APIClient().post(PATH, {"token": token}))
    assert sorted(reply.status_code for reply in replies) == [201] + [400] * 7
    assert User.objects.count() == 1
    assert ApiKey.objects.count() == 1 + known

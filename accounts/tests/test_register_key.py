"""POST /v1/register: an API key by e-mail"""

from __future__ import annotations

import re
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import ApiKey, User
from accounts.tests.factories import UserFactory

PATH = "/v1/register"
DAVE = {"name": "Dave", "last_name": "Mustaine", "email": "dave@example.com"}

pytestmark = pytest.mark.django_db


def test_it_works(client, settings):
    settings.PUBLIC_URL = "https://stockroom.example"
    response = client.post(PATH, DAVE)
    assert response.status_code == 202
    assert set(response.json()) == {"status", "message"}
    (message,) = mail.outbox
    assert message.to == ["dave@example.com"]
    assert re.search(
        r"^https://stockroom\.example/v1/register/confirm\?token=[\w:.-]+$", str(message.body), re.M
    )
    assert not User.objects.exists()
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
@pytest.mark.parametrize("form", ["json", "multipart", "urlencoded"])
def test_both_spellings_take_json_and_forms(client, path, form):
    if form == "urlencoded":
        body = "name=Dave&last_name=Mustaine&email=dave%40example.com"
        response = client.post(path, body, content_type="application/x-www-form-urlencoded")
    else:
        response = client.post(path, DAVE, format=form)
    assert response.status_code == 202
    assert len(mail.outbox) == 1


def test_a_known_address_gets_the_same_reply_and_the_same_mail(client, alice):
    UserFactory.create(email="gone@example.com", is_active=False)
    replies = [
        client.post(PATH, DAVE | {"email": e}) for e in ("new@example.com", alice.email, "gone@example.com")
    ]
    assert {reply.status_code for reply in replies} == {202}
    assert len({reply.content for reply in replies}) == 1
    headers = [{**reply.headers, "X-Request-ID": ""} for reply in replies]
    assert all(each == headers[0] for each in headers)
    texts = {re.sub(r"token=\S+", "", str(message.body)) for message in mail.outbox}
    assert len(mail.outbox) == 3
    assert len(texts) == 1


@pytest.mark.parametrize("email", ["new@example.com", "alice@example.com"])
def test_the_work_is_the_same_for_a_known_address(client, alice, django_assert_num_queries, email):
    with django_assert_num_queries(1):
        client.post(PATH, DAVE | {"email": email})


def test_the_mail_repeats_nothing_that_the_caller_wrote(client):
    client.post(PATH, DAVE | {"name": "Cheap pills at evil.example", "last_name": "now"})
    assert "evil" not in f"{mail.outbox[0].subject} {mail.outbox[0].body}"


def test_the_host_header_does_not_reach_the_link(client, refused):
    refused(client.post(PATH, DAVE, headers={"Host": "evil.example"}), 400, "VALIDATION_ERROR")
    client.post(PATH, DAVE, headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in mail.outbox[0].body


@pytest.mark.parametrize("form", ["json", "multipart"])
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 75}, "name"),
        ({"last_name": "a\nb"}, "last_name"),
        ({"email": "dave"}, "email"),
        ({"email": "dave@example.com\nBcc: eve@example.com"}, "email"),
        ({"email": "dave@example.com, eve@example.com"}, "email"),
        ({"tier": "pro"}, "tier"),
        ({"is_staff": "true"}, "is_staff"),
    ],
)
def test_a_malformed_request_is_400(client, refused, form, change, field):
    body = refused(client.post(PATH, DAVE | change, format=form), 400, "VALIDATION_ERROR")
    assert list(body["details"]) == [field]
    assert mail.outbox == []


@pytest.mark.parametrize("field", sorted(DAVE))
def test_every_field_is_required(client, refused, field):
    body = {name: value for name, value in DAVE.items() if name != field}
    assert list(refused(client.post(PATH, body), 400, "VALIDATION_ERROR")["details"]) == [field]


def test_a_field_given_twice_is_400(client, refused):
    body = "name=Dave&name=Eve&last_name=Mustaine&email=dave@example.com"
    response = client.post(PATH, body, content_type="application/x-www-form-urlencoded")
    assert list(refused(response, 400, "VALIDATION_ERROR")["details"]) == ["name"]


def test_a_file_is_refused(client, refused):
    upload = SimpleUploadedFile("x.txt", b"x" * 10)
    refused(client.post(PATH, DAVE | {"name": upload}, format="multipart"), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("form", ["json", "multipart", "urlencoded"])
def test_a_body_over_one_megabyte_is_413(client, refused, form):
    huge = DAVE | {"name": "x" * (1024 * 1024)}
    if form == "urlencoded":
        body = "name=" + huge["name"]
        response = client.post(PATH, body, content_type="application/x-www-form-urlencoded")
    else:
        response = client.post(PATH, huge, format=form)
    refused(response, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data"),
        (b"name=%FF%FE&last_name=%00&email=%ED%A0%80@b.c", "application/x-www-form-urlencoded"),
        (b"name=+2AA-&last_name=x&email=a@+2AA-.com", "application/x-www-form-urlencoded; charset=utf-7"),
        (b"\xff\xfe", "application/x-www-form-urlencoded; charset=utf-16"),
        (b"&".join(b"a%d=1" % number for number in range(2000)), "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
    ],
)
def test_a_broken_form_is_400(client, refused, body, content_type):
    refused(client.post(PATH, body, content_type=content_type), 400, "VALIDATION_ERROR")


def test_another_media_type_is_415(client, refused):
    refused(client.post(PATH, "name", content_type="text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_silent_mail_server_is_503(client, refused, monkeypatch):
    def fail(*args, **kwargs):
        raise SMTPServerDisconnected("10.0.0.1 hung up")

    monkeypatch.setattr("accounts.services.mail.send_mail", fail)
    response = client.post(PATH, DAVE)
    refused(response, 503, "SERVICE_UNAVAILABLE")
    assert b"10.0.0.1" not in response.content


def test_get_is_405(client, refused):
    refused(client.get(PATH), 405, "METHOD_NOT_ALLOWED")

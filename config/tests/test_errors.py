"""Every error leaves in the one envelope."""

import json
import os
import time
from datetime import datetime

import psycopg
import pytest
from django.db import InternalError, OperationalError, connection
from django.test import Client

from config.api import errors

pytestmark = pytest.mark.django_db

KEYS = {"error", "message", "details", "timestamp", "path", "request_id"}


def assert_envelope(response, status: int, code: str) -> dict:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = json.loads(response.content)
    assert set(body) == KEYS
    assert body["error"] == code
    assert body["message"]
    assert isinstance(body["details"], dict)
    assert body["timestamp"].endswith("Z")
    datetime.fromisoformat(body["timestamp"])
    assert body["request_id"] == response["X-Request-ID"]
    return body


def post(client: Client, path: str, body: str | bytes, content_type: str = "application/json"):
    return client.post(path, body, content_type=content_type)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1/nowhere", "/v1/stocks/", "/v1/stocks/NOPE/nothing", "/%00"]
)
def test_an_unknown_route_is_404(client: Client, path: str):
    assert_envelope(client.get(path), 404, "NOT_FOUND")


def test_the_path_and_the_callers_id_are_told_back(client: Client):
    body = assert_envelope(
        client.get("/v1/nowhere?token=x", headers={"X-Request-ID": "my-request-1"}), 404, "NOT_FOUND"
    )
    assert body["path"] == "/v1/nowhere"
    assert body["request_id"] == "my-request-1"


def test_a_malformed_request_id_is_replaced(client: Client):
    body = assert_envelope(client.get("/nowhere", headers={"X-Request-ID": "a b\tc<>"}), 404, "NOT_FOUND")
    assert len(body["request_id"]) == 36


def test_a_wrong_method_is_405(client: Client):
    response = client.delete("/v1/stocks")
    assert_envelope(response, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in response["Allow"]


@pytest.mark.parametrize("path", ["/", "/v1/docs", "/health/live", "/health/ready"])
@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "TRACE"])
def test_a_wrong_method_is_405_outside_the_api_too(path: str, method: str):
    response = Client(enforce_csrf_checks=True).generic(method, path)
    assert_envelope(response, 405, "METHOD_NOT_ALLOWED")
    assert response["Allow"] == "GET, HEAD"


def test_a_form_without_its_token_is_403():
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a", "password": "b"})
    assert_envelope(response, 403, "FORBIDDEN")


def test_an_error_of_the_schema_is_json(client: Client):
    assert_envelope(client.post("/v1/schema"), 405, "METHOD_NOT_ALLOWED")
    assert_envelope(client.get("/v1/schema", headers={"Accept": "image/png"}), 406, "NOT_ACCEPTABLE")


def test_another_media_type_is_415(client: Client):
    assert_envelope(post(client, "/v1/screen", "a=1", "text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_an_unwelcome_accept_header_is_406(client: Client):
    response = client.get("/v1/stocks", headers={"Accept": "image/png"})
    assert_envelope(response, 406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 2000,
        b"{",
        b'{"page": NaN}',
        b'{"page": 1e999}',
        b'{"page": 1, "page": 2}',
        b"\xff",
        b'["\\ud800"]',
    ],
)
def test_a_body_that_is_no_strict_json_is_400(client: Client, body: bytes):
    assert_envelope(post(client, "/v1/screen", body), 400, "VALIDATION_ERROR")


def test_a_body_over_one_megabyte_is_413(client: Client):
    body = b'{"market": "' + b"x" * (1024 * 1024) + b'"}'
    assert_envelope(post(client, "/v1/screen", body), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null"])
def test_json_that_is_no_object_is_400(client: Client, body: bytes):
    assert_envelope(post(client, "/v1/screen", body), 400, "VALIDATION_ERROR")


def test_an_unknown_field_is_400_and_named(client: Client):
    body = assert_envelope(post(client, "/v1/screen", b'{"tier": "pro"}'), 400, "VALIDATION_ERROR")
    assert "tier" in body["details"]


@pytest.mark.parametrize(
    "query", ["page=0", f"page={10**18}", "page=x", "per_page=101", "page=NaN", "page=1&page=2"]
)
def test_a_page_that_cannot_be_is_400(client: Client, query: str):
    body = assert_envelope(client.get(f"/v1/stocks?{query}"), 400, "VALIDATION_ERROR")
    assert set(body["details"]) & {"page", "per_page"}


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer x", "Bearer a b c", "Token sk_x", "Basic eDp5", "Bearer é"]
)
def test_missing_or_broken_credentials_are_401(client: Client, value: str):
    response = client.get("/v1/auth/me", headers={"Authorization": value} if value else {})
    assert_envelope(response, 401, "UNAUTHORIZED")
    assert response["WWW-Authenticate"]


@pytest.mark.parametrize("code", ["NOPE", "%00", "a" * 500, "..%2F..", "005930'--", "%F0%9F%92%A9"])
def test_an_unknown_or_malformed_code_is_404(client: Client, code: str):
    response = client.get(f"/v1/stocks/{code}")
    assert response.status_code == 404
    assert set(json.loads(response.content)) == KEYS


def test_a_foreign_host_is_400(client: Client):
    assert_envelope(client.get("/v1/stocks", headers={"Host": "evil.example"}), 400, "VALIDATION_ERROR")


def test_an_unforeseen_failure_is_500_without_its_inside(client: Client, monkeypatch: pytest.MonkeyPatch):
    def fail(*args, **kwargs):
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    monkeypatch.setattr("config.pages.render", fail)
    client.raise_request_exception = False
    response = client.get("/")
    assert_envelope(response, 500, "INTERNAL_ERROR")
    assert b"secret" not in response.content


def test_a_silent_database_is_503_with_retry_after(client: Client, monkeypatch: pytest.MonkeyPatch):
    from django.db.models.query import QuerySet

    def fail(*args, **kwargs):
        raise OperationalError("connection to 10.0.0.1 failed")

    monkeypatch.setattr(QuerySet, "_fetch_all", fail)
    monkeypatch.setattr(QuerySet, "count", fail)
    response = client.get("/v1/stocks")
    assert_envelope(response, 503, "SERVICE_UNAVAILABLE")
    assert response["Retry-After"] == "2"
    assert b"10.0.0.1" not in response.content


@pytest.mark.django_db(transaction=True)
def test_a_request_that_stood_still_in_its_transaction_is_503(
    client: Client, monkeypatch: pytest.MonkeyPatch
):
    from django.db.models.query import QuerySet

    connection.close()
    there = "SELECT FROM pg_stat_activity WHERE pid = %s"
    deadline = time.monotonic() + 30
    with (
        psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other,
        pytest.raises(InternalError) as given_up,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_backend_pid()")
        (process_id,) = cursor.fetchone()
        cursor.execute("SET idle_in_transaction_session_timeout = 1")
        cursor.execute("BEGIN")
        while other.execute(there, [process_id]).fetchone() is not None:
            assert time.monotonic() < deadline
        cursor.execute("SELECT 1")
    connection.close()

    def fail(*args, **kwargs):
        raise given_up.value

    monkeypatch.setattr(QuerySet, "_fetch_all", fail)
    monkeypatch.setattr(QuerySet, "count", fail)
    assert_envelope(client.get("/v1/stocks"), 503, "SERVICE_UNAVAILABLE")


def test_every_domain_error_has_a_code_in_the_table():
    trees = (errors.accounts.AccountsError, errors.stocks.StocksError, errors.screening.ScreeningError)

    def below(kind):
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    for tree in trees:
        for kind in below(tree):
            assert any(parent in errors.STATUS for parent in kind.__mro__), kind

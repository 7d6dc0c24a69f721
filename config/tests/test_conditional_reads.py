"""Every read of the API can be asked for again at the price of a few bytes."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import UserFactory
from stocks.tests.factories import StockFactory

pytestmark = pytest.mark.django_db

READS = ["/v1/stocks", "/v1/stocks/AAPL", "/v1/stocks/AAPL/prices", "/v1/indicators", "/v1/screen/fields"]


@pytest.fixture(autouse=True)
def aapl() -> None:
    StockFactory(code="AAPL", name="Apple Inc.")


@pytest.mark.parametrize("path", READS)
def test_a_read_that_has_not_changed_is_answered_with_304(client, path):
    first = client.get(path)
    assert first.status_code == 200
    again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again["ETag"] == first["ETag"]
    assert again["X-Request-ID"]


def test_a_read_that_has_changed_is_answered_in_full(client):
    first = client.get("/v1/stocks")
    StockFactory(code="MSFT")
    again = client.get("/v1/stocks", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 200
    assert again["ETag"] != first["ETag"]
    assert len(again.json()["stocks"]) == 2


def test_the_reply_of_a_signed_in_user_has_one_too_and_is_kept_by_no_cache():
    client = APIClient()
    client.force_authenticate(UserFactory.create())
    first = client.get("/v1/auth/me")
    again = client.get("/v1/auth/me", headers={"If-None-Match": f'"other", {first["ETag"]}'})
    assert (first.status_code, again.status_code) == (200, 304)


def test_a_304_keeps_what_caches_are_told(client):
    first = client.get("/v1/stocks")
    again = client.get("/v1/stocks", headers={"If-None-Match": first["ETag"]})
    assert again["Cache-Control"] == first["Cache-Control"] == "public, max-age=60"
    assert again["Vary"] == first["Vary"]


@pytest.mark.parametrize("path", ["/v1/stocks/NOSUCH", "/v1/stocks?page=0"])
def test_an_error_has_none(client, path):
    reply = client.get(path, headers={"If-None-Match": "*"})
    assert reply.status_code in (400, 404)
    assert not reply.has_header("ETag")


def test_a_change_has_none(client):
    reply = client.post("/v1/screen", {"market": "ALL", "filters": {}}, content_type="application/json")
    assert reply.status_code == 200
    assert not reply.has_header("ETag")


def test_a_page_that_is_no_api_has_none(client):
    assert not client.get("/").has_header("ETag")

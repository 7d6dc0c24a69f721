"""The request log as its users meet it, and the tables behind it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import LoggedRequest, Usage, User
from accounts.services.request_log import Entry, requests_write
from accounts.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

T = datetime(2026, 3, 2, 12, tzinfo=UTC)


def entry(user: User | None = None, **values: Any) -> Entry:
    return Entry(
        **{
            "at": T,
            "request_id": str(uuid4()),
            "method": "GET",
            "path": "/v1/stocks/AAPL",
            "endpoint": "/v1/stocks/{code}",
            "status": 200,
            "microseconds": 1500,
            "user_id": None if user is None else user.pk,
            "key": "",
            "address": "192.0.2.1",
            **values,
        }
    )


def test_it_works(alice, as_alice):
    requests_write(entries=[entry(alice, request_id="mine-0001"), entry(alice, status=404, key="sk_abc")])
    reply = as_alice.get("/v1/request-log")
    assert reply.status_code == 200
    body = reply.json()
    assert body["next_cursor"] is None
    assert body["requests"][1] == {
        "at": "2026-03-02T12:00:00.000Z",
        "request_id": "mine-0001",
        "method": "GET",
        "path": "/v1/stocks/AAPL",
        "endpoint": "/v1/stocks/{code}",
        "status": 200,
        "ms": 1.5,
        "key": None,
        "address": "192.0.2.1",
    }
    assert (body["requests"][0]["status"], body["requests"][0]["key"]) == (404, "sk_abc")


def test_others_and_strangers_see_nothing_of_it(alice, as_charlie, client, refused):
    requests_write(entries=[entry(alice), entry()])
    assert as_charlie.get("/v1/request-log").json()["requests"] == []
    assert as_charlie.get("/v1/usage").json()["usage"] == []
    refused(client.get("/v1/request-log"), 401, "UNAUTHORIZED")
    refused(client.get("/v1/usage"), 401, "UNAUTHORIZED")


def test_pages_follow_each_other_without_a_gap_also_within_one_moment(alice, as_alice):
    times = [T + timedelta(microseconds=number // 3) for number in range(10)]
    requests_write(entries=[entry(alice, at=at, request_id=f"r{number}") for number, at in enumerate(times)])
    seen, cursor = [], ""
    for _ in range(4):
        body = as_alice.get(f"/v1/request-log?limit=3{cursor}").json()
        seen += [row["request_id"] for row in body["requests"]]
        cursor = f"&cursor={body['next_cursor']}"
    assert seen == [f"r{number}" for number in reversed(range(10))]
    assert body["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"a", "b", "c", "d"}),
        ("status=404", {"b"}),
        ("status=2xx", {"a", "c", "d"}),
        ("method=POST", {"c"}),
        ("path=/v1/port", {"c"}),
        ("path=%25", set()),
        ("key=sk_abc", {"d"}),
        ("key=session", {"a", "b", "c"}),
        ("from_date=2026-03-03", {"b"}),
        ("to_date=2026-03-02", {"a", "c", "d"}),
        ("status=2xx&method=GET&key=session", {"a"}),
    ],
)
def test_filters(alice, as_alice, query, found):
    requests_write(
        entries=[
            entry(alice, request_id="a"),
            entry(alice, request_id="b", status=404, at=T + timedelta(hours=12)),
            entry(alice, request_id="c", method="POST", path="/v1/portfolios", endpoint="/v1/portfolios"),
            entry(alice, request_id="d", key="sk_abc", at=T + timedelta(hours=11, seconds=3599)),
        ]
    )
    body = as_alice.get(f"/v1/request-log?{query}").json()
    assert {row["request_id"] for row in body["requests"]} == found


@pytest.mark.parametrize(
    "query",
    [
        *("status=abc", "status=600", "status=40", "method=get", "limit=0", "limit=501", "cursor=x", "x=1"),
        *("from_date=yesterday", "cursor=99999999999999999.1.1", "limit=1&limit=2"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(as_alice, refused, query):
    refused(as_alice.get(f"/v1/request-log?{query}"), 400, "VALIDATION_ERROR")


def test_a_page_costs_the_same_for_one_row_and_for_many(alice, as_alice, django_assert_num_queries):
    requests_write(entries=[entry(alice)])
    with django_assert_num_queries(2):
        as_alice.get("/v1/request-log")
    requests_write(entries=[entry(alice) for _ in range(60)])
    with django_assert_num_queries(2):
        assert len(as_alice.get("/v1/request-log").json()["requests"]) == 50


def test_usage_is_added_up_by_day_key_and_endpoint(alice, as_alice, bob):
    later = T + timedelta(days=1)
    for _ in range(2):
        requests_write(
            entries=[
                entry(alice),
                entry(alice, status=500, microseconds=2500),
                entry(alice, key="sk_abc"),
                entry(alice, method="POST"),
                entry(alice, at=later),
                entry(bob),
                entry(),
                # Where there is no such route there is no endpoint.
                entry(alice, status=404, path="/v1/nowhere", endpoint=""),
            ]
        )
    body = as_alice.get("/v1/usage?from_date=2026-03-01&to_date=2026-03-31").json()
    assert body["total"] == {"requests": 10, "errors": 2}
    assert body["usage"] == [
        usage("2026-03-03", "GET /v1/stocks/{code}", None, 2),
        usage("2026-03-02", "GET /v1/stocks/{code}", None, 4, errors=2, mean_ms=2),
        usage("2026-03-02", "GET /v1/stocks/{code}", "sk_abc", 2),
        usage("2026-03-02", "POST /v1/stocks/{code}", None, 2),
    ]
    assert body["meta"] == {"page": 1, "per_page": 50, "total": 4, "pages": 1}
    body = as_alice.get("/v1/usage?from_date=2026-03-02&to_date=2026-03-02&key=sk_abc").json()
    assert (body["total"], len(body["usage"])) == ({"requests": 2, "errors": 0}, 1)
    assert as_alice.get("/v1/usage?to_date=2026-03-02").json()["from_date"] == "2026-02-01"
    assert LoggedRequest.objects.count() == 16


def usage(
    day: str, endpoint: str, key: str | None, requests: int, errors: int = 0, mean_ms: float = 1.5
) -> dict:
    return {
        "day": day,
        "endpoint": endpoint,
        "key": key,
        "requests": requests,
        "errors": errors,
        "mean_ms": mean_ms,
    }


@pytest.mark.parametrize(
    "query",
    ["from_date=2026-03-02&to_date=2026-03-01", "from_date=2020-01-01&to_date=2026-01-01", "page=0", "x=1"],
)
def test_a_time_of_usage_that_cannot_be_meant_is_refused(as_alice, refused, query):
    refused(as_alice.get(f"/v1/usage?{query}"), 400, "VALIDATION_ERROR")


def test_the_usage_of_the_first_days_of_the_calendar_is_nothing(as_alice):
    assert as_alice.get("/v1/usage?to_date=0001-01-01").json()["usage"] == []


def test_a_request_outlives_its_user_and_usage_does_not(alice):
    requests_write(entries=[entry(alice, request_id="kept-0001")])
    pk = alice.pk
    alice.delete()
    assert LoggedRequest.objects.get(request_id="kept-0001").user_id == pk
    assert not Usage.objects.exists()


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


def test_staff_search_by_id_address_path_and_key(staff, alice):
    requests_write(
        entries=[
            entry(alice, request_id="find-me-1", path="/v1/one"),
            entry(request_id="other-01", path="/v1/two", status=401),
            entry(alice, request_id="other-02", path="/v1/three", key="sk_abc"),
        ]
    )

    def paths(query: str) -> set[str]:
        page = staff.get(f"/admin/accounts/loggedrequest/?{query}")
        assert page.status_code == 200
        return {path for path in ("/v1/one", "/v1/two", "/v1/three") if path in page.content.decode()}

    assert paths("q=find-me-1") == {"/v1/one"}
    assert paths("q=ALICE@exa") == {"/v1/one", "/v1/three"}
    assert paths("q=/v1/tw") == {"/v1/two"}
    assert paths("q=sk_abc") == {"/v1/three"}
    assert paths("status__exact=401") == {"/v1/two"}
    assert paths("") == {"/v1/one", "/v1/two", "/v1/three"}
    for nothing in ("nobody", "'--", "%00", "a" * 2000, "@@"):
        assert paths(f"q={nothing}") == set() or "%00" in nothing
    usage = staff.get("/admin/accounts/usage/?q=alice@").content.decode()
    assert "GET /v1/stocks/{code}" in usage
    assert "GET /v1/stocks/{code}" not in staff.get("/admin/accounts/usage/?q=nobody@").content.decode()


def test_a_row_of_a_user_who_is_gone_is_still_shown(staff, alice):
    requests_write(entries=[entry(alice, request_id="find-me-1", path="/v1/one")])
    alice.delete()
    page = staff.get("/admin/accounts/loggedrequest/").content.decode()
    assert "/v1/one" in page
    row = LoggedRequest.objects.get()
    assert staff.get(f"/admin/accounts/loggedrequest/{row.pk}/change/").status_code == 200
    assert staff.post(f"/admin/accounts/loggedrequest/{row.pk}/delete/").status_code == 403


def test_days_are_those_of_utc(alice):
    local = datetime.fromisoformat("2026-03-03T01:00:00+09:00")
    requests_write(entries=[entry(alice, at=local)])
    assert Usage.objects.get().day == date(2026, 3, 2)

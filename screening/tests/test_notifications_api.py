"""GET /v1/notifications, and their read marks"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from screening.models import Notification
from screening.tasks import prune_notifications

pytestmark = pytest.mark.django_db


def told(user, count: int = 1, **values) -> list[Notification]:
    """Notifications of alerts that are gone, oldest first."""
    return [
        Notification.objects.create(
            **{
                "user": user,
                "arm": number,
                "kind": "price",
                "condition": "above",
                "stock_code": "005930",
                "threshold": Decimal("75000"),
                "value": Decimal("75100.5"),
                "price": Decimal("75100.5"),
                "as_of": datetime(2026, 3, 2, 1, 30, tzinfo=UTC),
            }
            | values
        )
        for number in range(count)
    ]


def ids(body) -> list[str]:
    return [one["id"] for one in body["notifications"]]


def test_it_works(as_alice, alice):
    (one,) = told(alice)
    body = as_alice.get("/v1/notifications").json()
    assert body == {
        "notifications": [
            {
                "id": str(one.id),
                "alert_id": None,
                "name": "",
                "kind": "price",
                "condition": "above",
                "field": None,
                "stock_code": "005930",
                "screen_id": None,
                "threshold": 75000,
                "value": 75100.5,
                "price": 75100.5,
                "as_of": "2026-03-02T01:30:00.000Z",
                "created_at": body["notifications"][0]["created_at"],
                "read_at": None,
            }
        ],
        "next_cursor": None,
        "unread": 1,
    }


def test_a_cursor_goes_through_all_while_new_ones_come(as_alice, alice):
    rows = told(alice, 7)
    expected = [str(one.id) for one in reversed(rows)]
    seen, cursor = [], ""
    while True:
        body = as_alice.get(f"/v1/notifications?limit=3{cursor}").json()
        seen += ids(body)
        told(alice)
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"
    assert seen == expected


def test_a_page_that_is_just_full_is_the_last(as_alice, alice):
    told(alice, 3)
    assert as_alice.get("/v1/notifications?limit=3").json()["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=-1",
        "cursor=0",
        "cursor=9223372036854775808",
        "limit=0",
        "limit=101",
        "page=1",
    ],
)
def test_what_is_no_page_is_refused(as_alice, refused, query):
    refused(as_alice.get(f"/v1/notifications?{query}"), 400, "VALIDATION_ERROR")


def test_one_is_marked_read_and_unread(as_alice, alice):
    first, second = told(alice, 2)
    path = f"/v1/notifications/{first.id}"
    read_at = as_alice.patch(path, {"read": True}).json()["read_at"]
    assert read_at is not None
    assert as_alice.patch(path, {"read": True}).json()["read_at"] == read_at
    body = as_alice.get("/v1/notifications?unread=true").json()
    assert (ids(body), body["unread"]) == ([str(second.id)], 1)
    assert as_alice.patch(path, {"read": False}).json()["read_at"] is None


def test_all_up_to_one_are_marked_read(as_alice, alice):
    rows = told(alice, 4)
    body = as_alice.post("/v1/notifications/read", {"through": str(rows[2].id)}).json()
    assert body == {"marked": 3}
    assert ids(as_alice.get("/v1/notifications?unread=true").json()) == [str(rows[3].id)]
    assert as_alice.post("/v1/notifications/read", {"through": str(rows[2].id)}).json() == {"marked": 0}


def test_another_users_are_not_there(as_charlie, alice, client, refused):
    (one,) = told(alice)
    for known in (one.id, uuid.uuid4()):
        path = f"/v1/notifications/{known}"
        refused(as_charlie.patch(path, {"read": True}), 404, "NOTIFICATION_NOT_FOUND")
        through = as_charlie.post("/v1/notifications/read", {"through": str(known)})
        refused(through, 404, "NOTIFICATION_NOT_FOUND")
    assert as_charlie.get("/v1/notifications").json()["notifications"] == []
    refused(client.get("/v1/notifications"), 401, "UNAUTHORIZED")
    one.refresh_from_db()
    assert one.read_at is None


def test_old_ones_are_deleted(alice, settings):
    told(alice, 3, created_at=datetime.now(UTC) - timedelta(days=400))
    (kept,) = told(alice)
    assert prune_notifications() == 3
    assert list(Notification.objects.all()) == [kept]

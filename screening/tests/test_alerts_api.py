"""GET and POST /v1/alerts, and one alert"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.keys import api_key_issue
from accounts.tests.clients import token
from screening.alerts.rules import State
from screening.models import Alert, Notification
from screening.tests.alert_cases import alert, stock
from stocks.tests.factories import QuoteFactory

pytestmark = pytest.mark.django_db
PRICE = {"stock_code": "005930", "kind": "price", "condition": "above", "threshold": 75000}


@pytest.fixture(autouse=True)
def samsung():
    return stock()


def test_it_works(as_alice):
    response = as_alice.post("/v1/alerts", PRICE)
    assert response.status_code == 201, response.content
    body = response.json()
    assert body == {
        "id": body["id"],
        "name": "",
        "stock_code": "005930",
        "kind": "price",
        "condition": "above",
        "field": None,
        "screen_id": None,
        "threshold": 75000,
        "hysteresis": 0,
        "cooldown_s": 0,
        "expires_at": None,
        "repeat": True,
        "channels": ["in_app"],
        "status": "active",
        "times_fired": 0,
        "last_fired_at": None,
        "created_at": body["created_at"],
    }
    assert as_alice.get(f"/v1/alerts/{body['id']}").json() == body
    listed = as_alice.get("/v1/alerts").json()
    assert listed == {"alerts": [body], "meta": {"page": 1, "per_page": 50, "total": 1, "pages": 1}}


def test_everything_can_be_set(as_alice):
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="milliseconds")
    wanted = {
        "name": "조용히",
        "stock_code": "005930",
        "kind": "change_pct",
        "condition": "beyond",
        "threshold": Decimal("2.5"),
        "hysteresis": Decimal("0.25"),
        "cooldown_s": 3600,
        "expires_at": tomorrow,
        "repeat": False,
        "channels": ["email", "webhook"],
    }
    body = as_alice.post("/v1/alerts", wanted).json()
    assert body["channels"] == ["in_app", "email", "webhook"]
    assert (body["threshold"], body["hysteresis"], body["cooldown_s"]) == (2.5, 0.25, 3600)
    assert body["expires_at"] == tomorrow.replace("+00:00", "Z")
    assert (body["name"], body["repeat"]) == ("조용히", False)


@pytest.mark.parametrize(
    ("kind", "condition", "threshold", "field"),
    [
        *(("price", one, 100, None) for one in ("above", "below", "crosses")),
        *(("change_pct", one, -3, None) for one in ("above", "below")),
        ("change_pct", "beyond", 3, None),
        ("volume_ratio", "above", 2, None),
        *(("indicator", one, -70.5, "rsi_14") for one in ("above", "below", "crosses")),
    ],
)
def test_every_kind_has_its_conditions(as_alice, kind, condition, threshold, field):
    body = {"stock_code": "005930", "kind": kind, "condition": condition, "threshold": threshold}
    if field:
        body["field"] = field
    response = as_alice.post("/v1/alerts", body)
    assert response.status_code == 201, response.content
    assert response.json()["field"] == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"threshold": "75000"}, "threshold"),
        ({"threshold": True}, "threshold"),
        ({"threshold": None}, "threshold"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": -1}, "threshold"),
        ({"threshold": 10**18}, "threshold"),
        ({"threshold": 0.000000001}, "threshold"),
        ({"kind": "change_pct", "threshold": 1.00001}, "threshold"),
        ({"kind": "change_pct", "condition": "beyond", "threshold": -1}, "threshold"),
        ({"condition": "beyond"}, "condition"),
        ({"condition": "equals"}, "condition"),
        ({"kind": "volume_ratio", "condition": "below"}, "condition"),
        ({"kind": "screen"}, "condition"),
        ({"kind": "screen", "condition": "enters"}, "screen_id"),
        ({"condition": "enters"}, "condition"),
        ({"screen_id": str(uuid.uuid4())}, "screen_id"),
        ({"kind": "indicator"}, "field"),
        ({"kind": "indicator", "field": "user__password"}, "field"),
        ({"field": "rsi_14"}, "field"),
        ({"stock_code": "NOPE"}, "stock_code"),
        ({"stock_code": 5930}, "stock_code"),
        ({"hysteresis": -1}, "hysteresis"),
        ({"cooldown_s": -1}, "cooldown_s"),
        ({"cooldown_s": 1.5}, "cooldown_s"),
        ({"cooldown_s": 10**9}, "cooldown_s"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"channels": ["pigeon"]}, "channels"),
        ({"channels": "email"}, "channels"),
        ({"channels": ["email", "email"]}, "channels"),
        ({"repeat": "on"}, "repeat"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"user": 1}, "user"),
        ({"arm": 5}, "arm"),
        ({"times_fired": 5}, "times_fired"),
    ],
)
def test_what_cannot_be_asked_is_named(as_alice, refused, change, field):
    body = refused(as_alice.post("/v1/alerts", PRICE | change), 400, "VALIDATION_ERROR")
    assert list(body["details"]) == [field]
    assert not Alert.objects.exists()


@pytest.mark.parametrize("missing", ["stock_code", "kind", "condition", "threshold"])
def test_what_is_missing_is_named(as_alice, refused, missing):
    body = {name: value for name, value in PRICE.items() if name != missing}
    assert missing in refused(as_alice.post("/v1/alerts", body), 400, "VALIDATION_ERROR")["details"]


def screen_of(client, name="Mine") -> str:
    return client.post("/v1/screens", {"name": name, "q": "per < 10"}).json()["id"]


@pytest.mark.parametrize("condition", ["enters", "leaves"])
def test_an_alert_on_a_saved_screen(as_alice, condition):
    screen_id = screen_of(as_alice)
    wanted = {"kind": "screen", "screen_id": screen_id, "condition": condition, "cooldown_s": 60}
    response = as_alice.post("/v1/alerts", wanted)
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["kind"], body["condition"], body["screen_id"]) == ("screen", condition, screen_id)
    assert (body["stock_code"], body["threshold"], body["cooldown_s"]) == (None, None, 60)
    other = as_alice.get("/v1/alerts", {"screen_id": str(uuid.uuid4())}).json()["alerts"]
    assert (as_alice.get("/v1/alerts", {"screen_id": screen_id}).json()["alerts"], other) == ([body], [])


@pytest.mark.parametrize("name", ["stock_code", "threshold", "hysteresis", "field"])
def test_an_alert_on_a_screen_has_nothing_of_those_on_stocks(as_alice, refused, name):
    given = {"stock_code": "005930", "threshold": 5, "hysteresis": 1, "field": "rsi_14"}[name]
    body = {"kind": "screen", "screen_id": screen_of(as_alice), "condition": "enters", name: given}
    assert list(refused(as_alice.post("/v1/alerts", body), 400, "VALIDATION_ERROR")["details"]) == [name]


@pytest.mark.parametrize("condition", ["above", "crosses"])
def test_nothing_is_above_a_screen(as_alice, refused, condition):
    body = {"kind": "screen", "screen_id": screen_of(as_alice), "condition": condition}
    assert list(refused(as_alice.post("/v1/alerts", body), 400, "VALIDATION_ERROR")["details"]) == [
        "condition"
    ]


def test_another_users_screen_is_none_to_set_an_alert_on(as_alice, as_charlie, refused):
    theirs = screen_of(as_charlie)
    for screen_id in (theirs, str(uuid.uuid4())):
        body = {"kind": "screen", "screen_id": screen_id, "condition": "enters"}
        details = refused(as_alice.post("/v1/alerts", body), 400, "VALIDATION_ERROR")["details"]
        assert details == {"screen_id": "you have no screen with this id"}
    assert not Alert.objects.exists()


def test_an_alert_on_a_screen_is_changed_within_its_conditions(as_alice, refused):
    body = {"kind": "screen", "screen_id": screen_of(as_alice), "condition": "enters"}
    path = f"/v1/alerts/{as_alice.post('/v1/alerts', body).json()['id']}"
    assert as_alice.patch(path, {"condition": "leaves"}).json()["condition"] == "leaves"
    refused(as_alice.patch(path, {"condition": "above"}), 400, "VALIDATION_ERROR")
    refused(as_alice.patch(path, {"threshold": 5}), 400, "VALIDATION_ERROR")
    refused(as_alice.patch(path, {"hysteresis": 5}), 400, "VALIDATION_ERROR")


def test_a_deleted_screen_takes_its_alerts_with_it(as_alice):
    screen_id = screen_of(as_alice)
    for condition in ("enters", "leaves"):
        as_alice.post("/v1/alerts", {"kind": "screen", "screen_id": screen_id, "condition": condition})
    as_alice.post("/v1/alerts", PRICE)
    assert as_alice.delete(f"/v1/screens/{screen_id}").status_code == 204
    assert [one["kind"] for one in as_alice.get("/v1/alerts").json()["alerts"]] == ["price"]


def test_a_stock_that_is_no_longer_listed_is_refused(as_alice, refused, samsung):
    type(samsung).objects.update(is_active=False)
    refused(as_alice.post("/v1/alerts", PRICE), 400, "VALIDATION_ERROR")


def test_a_tier_bounds_how_many_there_are(as_alice, refused, settings):
    settings.TIERS = {"free": {**settings.TIERS["free"], "alerts": 2}}
    for _ in range(2):
        last = as_alice.post("/v1/alerts", PRICE)
        assert last.status_code == 201
    body = refused(as_alice.post("/v1/alerts", PRICE), 403, "ALERT_LIMIT_REACHED")
    assert body["details"] == {"limit": 2, "tier": "free"}
    assert as_alice.delete(f"/v1/alerts/{last.json()['id']}").status_code == 204
    assert as_alice.post("/v1/alerts", PRICE).status_code == 201


def test_another_users_alert_is_not_there(as_alice, as_charlie, client, refused):
    mine = as_alice.post("/v1/alerts", PRICE).json()["id"]
    for path in (f"/v1/alerts/{mine}", f"/v1/alerts/{uuid.uuid4()}"):
        refused(as_charlie.get(path), 404, "ALERT_NOT_FOUND")
        refused(as_charlie.patch(path, {"name": "x"}), 404, "ALERT_NOT_FOUND")
        refused(as_charlie.delete(path), 404, "ALERT_NOT_FOUND")
        refused(client.get(path), 401, "UNAUTHORIZED")
    assert as_charlie.get("/v1/alerts").json()["alerts"] == []
    refused(client.post("/v1/alerts", PRICE), 401, "UNAUTHORIZED")


def test_an_api_key_opens_it(alice):
    assert token(api_key_issue(user=alice, name="k").text).get("/v1/alerts").status_code == 200


def test_an_alert_begins_on_the_side_where_the_price_is(as_alice, samsung):
    as_of = datetime.now(UTC)
    QuoteFactory.create(stock=samsung, price=Decimal(80000), as_of=as_of, seq=7)
    met = as_alice.post("/v1/alerts", PRICE).json()["id"]
    open_ = as_alice.post("/v1/alerts", PRICE | {"threshold": 90000}).json()["id"]
    assert Alert.objects.get(pk=met).state == State.FIRED
    waiting = Alert.objects.get(pk=open_)
    assert waiting.state == State.ARMED
    assert waiting.seen_seq == 7


def test_another_threshold_arms_it_anew(as_alice, samsung):
    QuoteFactory.create(stock=samsung, price=Decimal(80000), as_of=datetime.now(UTC))
    one = as_alice.post("/v1/alerts", PRICE).json()["id"]
    before = Alert.objects.get(pk=one)
    body = as_alice.patch(
        f"/v1/alerts/{one}", {"threshold": 90000, "name": "n", "channels": ["email"]}
    ).json()
    assert (body["threshold"], body["name"], body["channels"]) == (90000, "n", ["in_app", "email"])
    after = Alert.objects.get(pk=one)
    assert after.state == State.ARMED
    assert after.arm == before.arm + 1
    as_alice.patch(f"/v1/alerts/{one}", {"name": "m"})
    assert Alert.objects.get(pk=one).arm == after.arm


def test_it_can_be_paused_and_made_active_again(as_alice, refused):
    one = as_alice.post("/v1/alerts", PRICE).json()["id"]
    assert as_alice.patch(f"/v1/alerts/{one}", {"status": "paused"}).json()["status"] == "paused"
    assert [len(as_alice.get(f"/v1/alerts?status={s}").json()["alerts"]) for s in ("paused", "active")] == [
        1,
        0,
    ]
    assert as_alice.patch(f"/v1/alerts/{one}", {"status": "active"}).json()["status"] == "active"
    refused(as_alice.patch(f"/v1/alerts/{one}", {"status": "done"}), 400, "VALIDATION_ERROR")
    refused(as_alice.patch(f"/v1/alerts/{one}", {"condition": "beyond"}), 400, "VALIDATION_ERROR")
    refused(as_alice.patch(f"/v1/alerts/{one}", {"stock_code": "005930"}), 400, "VALIDATION_ERROR")
    refused(as_alice.patch(f"/v1/alerts/{one}", {"threshold": -1}), 400, "VALIDATION_ERROR")


def test_an_expired_one_says_so_and_needs_another_end_to_begin_again(as_alice, refused):
    one = as_alice.post("/v1/alerts", PRICE).json()["id"]
    Alert.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert as_alice.get(f"/v1/alerts/{one}").json()["status"] == "expired"
    refused(as_alice.patch(f"/v1/alerts/{one}", {"status": "active"}), 400, "VALIDATION_ERROR")
    again = as_alice.patch(f"/v1/alerts/{one}", {"status": "active", "expires_at": None}).json()
    assert again["status"] == "active"


def test_the_list_is_filtered_and_paged(as_alice):
    stock("AAPL")
    ids = [
        as_alice.post("/v1/alerts", PRICE | {"stock_code": code}).json()["id"]
        for code in ("005930", "AAPL", "005930")
    ]
    assert [one["id"] for one in as_alice.get("/v1/alerts?stock_code=aapl").json()["alerts"]] == [ids[1]]
    page = as_alice.get("/v1/alerts?per_page=2&page=2").json()
    assert [one["id"] for one in page["alerts"]] == [ids[0]]
    assert page["meta"]["pages"] == 2


def test_a_list_costs_the_same_queries_for_one_and_for_many(as_alice, alice):
    type(alice).objects.update(tier="pro")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert as_alice.get("/v1/alerts").status_code == 200
        return len(captured)

    alert(alice)
    first = queries()
    for _ in range(20):
        alert(alice)
    assert queries() == first


def test_what_an_alert_told_outlives_it(as_alice, alice):
    one = alert(alice)
    Notification.objects.create(
        user=alice,
        alert=one,
        arm=1,
        kind="price",
        condition="above",
        stock_code="005930",
        as_of=datetime.now(UTC),
    )
    assert as_alice.delete(f"/v1/alerts/{one.pk}").status_code == 204
    (told,) = as_alice.get("/v1/notifications").json()["notifications"]
    assert told["alert_id"] is None

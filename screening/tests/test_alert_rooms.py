"""What alerts tell reaches the room of the user: all of it, in order, once"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
import redis

from accounts.tests.factories import UserFactory
from realtime.tests.bus import log
from screening.alerts.outbox import tell_rooms
from screening.alerts.screens import ScreenEvent, screens_changed
from screening.models import Alert, Delivery, Notification, WebhookEndpoint
from screening.services.alerts import alert_create
from screening.tests.alert_cases import Bench, alert, prices

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


def logged(client: redis.Redis, user_id: UUID) -> list[dict]:
    """What the room of the user keeps."""
    return [json.loads(one.message, parse_float=Decimal) for one in log(client, f"alert:{user_id}")]


def test_a_firing_is_told_in_the_users_room_alone(redis_client):
    one, other = alert(name="mine"), alert()
    bench = Bench()
    bench.show(*prices(99, 101))
    (message,) = logged(redis_client, one.user_id)
    told = Notification.objects.get(alert=one)
    assert message["type"] == "alert"
    assert message["room"] == f"alert:{one.user_id}"
    assert message["data"] == {
        "id": str(told.id),
        "alert_id": str(one.pk),
        "name": "mine",
        "kind": "price",
        "condition": "above",
        "field": None,
        "stock_code": "005930",
        "screen_id": None,
        "threshold": 100,
        "value": 101,
        "price": 101,
        "as_of": message["data"]["as_of"],
        "created_at": message["data"]["created_at"],
    }
    assert [one["data"]["alert_id"] for one in logged(redis_client, other.user_id)] == [str(other.pk)]
    assert not Notification.objects.filter(told_at=None).exists()


def test_what_redis_did_not_take_is_told_later(redis_client, settings):
    one = alert()
    bench = Bench()
    address = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    bench.show(*prices(99, 101))
    assert Notification.objects.filter(told_at=None).count() == 1
    settings.REDIS_URL = address
    bench.look()
    assert len(logged(redis_client, one.user_id)) == 1
    assert not Notification.objects.filter(told_at=None).exists()


def test_what_was_told_and_not_noted_is_not_told_twice(redis_client):
    one = alert()
    bench = Bench()
    bench.show(*prices(99, 101, 99, 102))
    # Who told it died before it could be noted.
    Notification.objects.update(told_at=None)
    assert tell_rooms() == 2
    bench.show(*prices(99, 103))
    messages = logged(redis_client, one.user_id)
    assert [message["data"]["value"] for message in messages] == [101, 102, 103]
    assert [message["sequence"] for message in messages] == [1, 2, 3]


@pytest.fixture
def screen_alert():
    user = UserFactory.create(tier="pro")
    WebhookEndpoint.objects.create(user=user, url="https://example.com/")
    return alert_create(
        user=user,
        kind="screen",
        condition="enters",
        screen_id=uuid4(),
        now=NOW,
        by_email=True,
        by_webhook=True,
    )


def event(one: Alert, code: str = "AAPL", *, entered: bool = True, seconds: int = 0) -> ScreenEvent:
    assert one.screen_id is not None
    as_of = NOW + timedelta(seconds=seconds)
    return ScreenEvent(one.screen_id, entered, code, f"{code} {seconds}", as_of, Decimal("150.25"))


def test_a_stock_that_enters_a_screen_fires_its_alerts_once(screen_alert, redis_client):
    events = [event(screen_alert), event(screen_alert, "MSFT"), event(screen_alert, "MSFT", entered=False)]
    assert screens_changed(events, now=NOW) == 2
    assert screens_changed([*events, event(screen_alert)], now=NOW) == 0
    told = Notification.objects.order_by("number").values_list("stock_code", "condition", "arm", "price")
    assert list(told) == [
        ("AAPL", "enters", 1, Decimal("150.25")),
        ("MSFT", "enters", 2, Decimal("150.25")),
    ]
    assert Delivery.objects.count() == 4
    messages = logged(redis_client, screen_alert.user_id)
    assert [message["data"]["screen_id"] for message in messages] == [str(screen_alert.screen_id)] * 2
    screen_alert.refresh_from_db()
    assert (screen_alert.times_fired, screen_alert.arm) == (2, 3)


def test_a_screen_alert_knows_cooldown_expiry_and_once(screen_alert, redis_client):
    Alert.objects.update(cooldown_s=60)
    assert screens_changed([event(screen_alert), event(screen_alert, "MSFT", seconds=30)], now=NOW) == 1
    assert screens_changed([event(screen_alert, "MSFT", seconds=61)], now=NOW) == 1
    Alert.objects.update(cooldown_s=0, expires_at=NOW)
    assert screens_changed([event(screen_alert, seconds=70)], now=NOW) == 0
    Alert.objects.update(expires_at=None, repeat=False)
    assert screens_changed([event(screen_alert, seconds=80), event(screen_alert, seconds=81)], now=NOW) == 1
    screen_alert.refresh_from_db()
    assert screen_alert.status == "done"


def test_stocks_that_cross_together_all_fire_whatever_the_order_of_their_ticks(screen_alert, redis_client):
    events = [event(screen_alert, seconds=9), event(screen_alert, "MSFT", seconds=3)]
    assert screens_changed(events, now=NOW) == 2
    screen_alert.refresh_from_db()
    assert screen_alert.fired_as_of == NOW + timedelta(seconds=9)


def test_another_screen_fires_nothing(screen_alert):
    other = ScreenEvent(uuid4(), True, "AAPL", "x", NOW)
    assert screens_changed([other], now=NOW) == 0
    assert screens_changed([], now=NOW) == 0

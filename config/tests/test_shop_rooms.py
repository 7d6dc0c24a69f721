"""What becomes of an order reaches its user's room, once, and their open sockets know the tier at once."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.utils import timezone
from websockets.sync.client import connect

from accounts.billing import stream
from accounts.billing.models import Order, OrderEvent, Product
from accounts.billing.outbox import send_events
from accounts.billing.services.orders import order_create, order_pay
from accounts.billing.services.payments import payment_process
from accounts.models import User
from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from config.celery import app
from config.testing import LiveStack
from realtime.publish import publish_numbered
from realtime.tests.bus import log

STEPS = ["order.created", "payment.requested", "order.paid", "order.fulfilled", "tier.changed"]


@pytest.fixture
def alice(db: None) -> User:
    Product.objects.create(
        code="pro-month", name="Pro", kind="plan", tier="pro", period_days=30, price=29, currency="USD"
    )
    return UserFactory.create(email="alice@example.com")


def buy(user: User) -> Order:
    now = timezone.now()
    order = order_create(user=user, quantities={"pro-month": 1}, now=now)
    payment = order_pay(user=user, order_id=order.pk, gateway="sandbox", token="sandbox_success", now=now)
    assert payment_process(payment_id=payment.pk, now=now)
    return order


def logged(client: redis.Redis, user: User) -> list[dict[str, Any]]:
    return [json.loads(one.message, parse_float=Decimal) for one in log(client, f"alert:{user.pk}")]


def test_each_step_is_told_in_the_room_and_in_the_stream(alice: User, redis_client: redis.Redis) -> None:
    order = buy(alice)
    assert send_events() == 5
    messages = logged(redis_client, alice)
    assert [message["data"]["event"] for message in messages] == STEPS
    assert {message["type"] for message in messages} == {"order"}
    assert messages[3]["data"] == {
        "id": messages[3]["data"]["id"],
        "event": "order.fulfilled",
        "order_id": str(order.pk),
        "status": "fulfilled",
        "total": 29,
        "currency": "USD",
        "tier": None,
        "created_at": messages[3]["data"]["created_at"],
    }
    assert messages[4]["data"]["tier"] == "pro"
    entries: Any = redis_client.xrange(stream.STREAM)
    assert [fields[b"event"].decode() for _, fields in entries] == STEPS
    assert [b"payment_id" in fields for _, fields in entries] == [False, True, False, False, False]
    assert send_events() == 0


def test_what_was_told_and_not_noted_comes_once_in_the_room(alice: User, redis_client: redis.Redis) -> None:
    buy(alice)
    send_events()
    OrderEvent.objects.update(sent_at=None)
    assert send_events() == 5
    assert len(logged(redis_client, alice)) == 5
    buy(alice)
    send_events()
    assert len(logged(redis_client, alice)) == 9


def test_alerts_of_the_same_room_are_numbered_apart(alice: User, redis_client: redis.Redis) -> None:
    publish_numbered("alerts", [(f"alert:{alice.pk}", "alert", {"data": {}}, 10**9)])
    buy(alice)
    send_events()
    assert len(logged(redis_client, alice)) == 6


def test_what_redis_did_not_take_is_told_later(alice: User, redis_client: redis.Redis, settings: Any) -> None:
    buy(alice)
    address = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(redis.ConnectionError):
        send_events()
    settings.REDIS_URL = address
    assert send_events() == 5
    assert len(logged(redis_client, alice)) == 5


@pytest.mark.django_db(transaction=True)
def test_an_open_socket_has_the_tier_and_the_news_at_once(live_stack: LiveStack) -> None:
    Product.objects.create(
        code="pro-month", name="Pro", kind="plan", tier="pro", period_days=30, price=29, currency="USD"
    )
    user = UserFactory.create(email="alice@example.com")
    token = session_start(user=user).access_token
    with connect(f"{live_stack.websocket_url}/ws/stocks?token={token}", proxy=None) as socket:
        socket.send(json.dumps({"type": "subscribe", "rooms": [f"alert:{user.pk}"]}))
        heard: list[Any] = []
        while not any(frame["type"] == "subscribed" for frame in heard):
            heard.append(json.loads(socket.recv(timeout=15)))
        worker = live_stack.manage("process_payments")
        now = timezone.now()
        order = order_create(user=user, quantities={"pro-month": 1}, now=now)
        order_pay(user=user, order_id=order.pk, gateway="sandbox", token="sandbox_success", now=now)
        heard, until = [], time.monotonic() + 60
        while time.monotonic() < until and {"limits", "order"} - {one["type"] for one in heard}:
            heard += flat(json.loads(socket.recv(timeout=60)))
        while time.monotonic() < until and "tier.changed" not in events(heard):
            heard += flat(json.loads(socket.recv(timeout=60)))
    assert events(heard) == STEPS, live_stack.output(worker)
    (limits,) = [one for one in heard if one["type"] == "limits"]
    assert limits["tier"] == "pro"
    assert live_stack.stop(worker) == 0


def test_beat_asks_often_enough_whose_plan_has_ended() -> None:
    schedule = {one["task"]: one["schedule"] for one in app.conf.beat_schedule.values()}
    assert schedule["accounts.billing.tasks.end_subscriptions"] <= 20
    assert "accounts.billing.tasks.lapse_orders" in schedule


def flat(frame: dict[str, Any]) -> list[dict[str, Any]]:
    return frame["messages"] if frame["type"] == "batch" else [frame]


def events(heard: list[dict[str, Any]]) -> list[str]:
    return [one["data"]["event"] for one in heard if one["type"] == "order"]

"""`manage.py prune`: what the shop has told, and what gateways have told it"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.billing.models import GatewayEvent, Order, OrderEvent
from accounts.tests.factories import UserFactory
from stocks.services.pruning import kept_days, prune

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 3, 4, 10, tzinfo=UTC)
DAYS = {"order_events": 90, "gateway_events": 180}


def test_events_go_once_they_are_told_and_old_and_orders_stay():
    user = UserFactory.create()
    order = Order.objects.create(user=user, currency="USD", total=1)
    for days, sent_days in ((400, 91), (400, 89), (400, None), (1, 1)):
        OrderEvent.objects.create(
            user=user,
            order=order,
            type="order.created",
            status="pending",
            created_at=NOW - timedelta(days=days),
            sent_at=None if sent_days is None else NOW - timedelta(days=sent_days),
        )
    for days in (1, 179, 181):
        GatewayEvent.objects.create(
            gateway="stripe", event_id=f"evt_{days}", kind="other", received_at=NOW - timedelta(days=days)
        )
    assert prune(now=NOW, days=DAYS, dry_run=True) == {"order_events": 1, "gateway_events": 1}
    assert prune(now=NOW, days=DAYS) == {"order_events": 1, "gateway_events": 1}
    kept = [event.sent_at and (NOW - event.sent_at).days for event in OrderEvent.objects.all()]
    assert kept == [89, None, 1]
    assert {event.event_id for event in GatewayEvent.objects.all()} == {"evt_1", "evt_179"}
    assert Order.objects.get() == order
    assert prune(now=NOW, days=DAYS) == {"order_events": 0, "gateway_events": 0}


def test_the_settings_say_how_long():
    assert kept_days().items() >= DAYS.items()

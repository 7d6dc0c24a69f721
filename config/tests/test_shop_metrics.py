"""GET /metrics: what it tells of the shop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.billing import stream
from accounts.billing.models import OrderEvent, Payment, Product
from accounts.billing.outbox import send_events
from accounts.billing.tests.cases import asked, ordered, processed
from accounts.tests.factories import UserFactory
from config.embedded import processes
from config.tests.test_metrics import read, samples

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


@pytest.fixture
def alice():
    Product.objects.create(
        code="pro-day", name="Pro", kind="plan", tier="pro", period_days=1, price=2, currency="USD"
    )
    return UserFactory.create()


def of_the_shop() -> dict[str, float]:
    names = ("stockroom_order", "stockroom_payment")
    return {name: value for (name, _), value in samples(read()).items() if name.startswith(names)}


def test_a_shop_that_nobody_has_used_has_nothing_to_do():
    found = of_the_shop()
    assert len(found) == 10
    assert set(found.values()) == {0}


def test_what_waits_is_counted_with_its_age(alice):
    payment = asked(ordered(alice, "pro-day"))
    asked(ordered(alice, "pro-day"))
    Payment.objects.filter(pk=payment.pk).update(due_at=timezone.now() - timedelta(seconds=90))
    first = OrderEvent.objects.first()
    assert first is not None
    OrderEvent.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(seconds=70))
    found = of_the_shop()
    assert found["stockroom_payments_due"] == 2
    assert 90 <= found["stockroom_payments_due_seconds"] < 100
    assert found["stockroom_order_events_untold"] == 4
    assert 70 <= found["stockroom_order_events_untold_seconds"] < 80
    processed(payment)
    assert of_the_shop()["stockroom_payments_due"] == 1


def test_what_no_worker_can_end_is_told_as_held(alice):
    payment = asked(ordered(alice, "pro-day"))
    Payment.objects.update(due_at=None)
    found = of_the_shop()
    assert (found["stockroom_payments_held"], found["stockroom_payments_due"]) == (1, 0)
    Payment.objects.filter(pk=payment.pk).update(status="failed")
    assert of_the_shop()["stockroom_payments_held"] == 0


def test_the_stream_tells_what_is_behind_and_what_is_in_hand(alice, redis_client):
    ordered(alice, "pro-day")
    ordered(alice, "pro-day")
    ordered(alice, "pro-day")
    assert send_events() == 3
    before_any_worker = of_the_shop()
    assert before_any_worker["stockroom_orders_entries"] == 3
    assert before_any_worker["stockroom_orders_behind_entries"] == 3
    assert before_any_worker["stockroom_payment_workers"] == 0
    # The first call makes the group.
    assert stream.read("me", count=1, block_ms=1) == []
    entries = stream.read("me", count=2, block_ms=1)
    found = of_the_shop()
    assert found["stockroom_orders_behind_entries"] == 1
    assert found["stockroom_orders_pending_entries"] == 2
    assert 0 < found["stockroom_orders_pending_seconds"] < 60
    assert found["stockroom_payment_workers"] == 1
    stream.acknowledge(entries)
    found = of_the_shop()
    assert (found["stockroom_orders_pending_entries"], found["stockroom_orders_pending_seconds"]) == (0, 0)
    stream.leave("me")
    assert of_the_shop()["stockroom_payment_workers"] == 0


def test_without_redis_what_postgresql_knows_is_told(alice, settings: Settings):
    asked(ordered(alice, "pro-day"))
    settings.REDIS_URL = f"redis://127.0.0.1:{processes.free_port()}/0"
    found = samples(read())
    assert found["stockroom_read_ok", 'part="orders"'] == 0
    assert found["stockroom_read_ok", 'part="shop"'] == 1
    assert found["stockroom_payments_due", ""] == 1
    assert ("stockroom_orders_entries", "") not in found

"""The staff pages of alerts"""

from __future__ import annotations

import html
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from screening.models import Alert, Delivery, LiveScreen, Notification, WebhookEndpoint
from screening.tests.alert_cases import alert
from screening.webhooks.signing import secret_of
from stocks.models import ProcessLease

pytestmark = pytest.mark.django_db
MODELS = (Alert, Delivery, LiveScreen, ProcessLease, Notification, WebhookEndpoint)
DELIVERIES = reverse("admin:screening_delivery_changelist")


@pytest.fixture
def dead() -> Delivery:
    user = UserFactory.create(tier="pro")
    endpoint = WebhookEndpoint.objects.create(user=user, url="https://example.com/")
    told = Notification.objects.create(
        user=user,
        alert=alert(user),
        arm=1,
        kind="price",
        condition="above",
        stock_code="AAPL",
        threshold=Decimal(200),
        value=Decimal(201),
        as_of=datetime.now(UTC),
    )
    LiveScreen.objects.create(screen_id=uuid4(), asked="0" * 64)
    ProcessLease.objects.create(name="alerts", holder="here", until=datetime.now(UTC))
    return Delivery.objects.create(
        notification=told, channel="webhook", endpoint=endpoint, status="dead", attempts=8
    )


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("staff@example.com", PASSWORD, is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def replay(client: Client, delivery: Delivery):
    return client.post(DELIVERIES, {"action": "replay", "_selected_action": [str(delivery.pk)]}, follow=True)


def test_every_page_opens_and_shows_no_secret(dead):
    client = Client()
    client.force_login(User.objects.create_superuser("boss@example.com", PASSWORD))
    assert dead.endpoint is not None
    secret = secret_of(dead.endpoint.pk, 1)
    for model in MODELS:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        assert row is not None
        for page in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])):
            response = client.get(page)
            assert response.status_code == 200, page
            assert secret not in html.unescape(response.content.decode())
        assert client.get(reverse(f"{name}_changelist"), {"q": "example"}).status_code == 200
        assert client.get(reverse(f"{name}_add")).status_code == 403


def test_a_dead_delivery_is_sent_again_and_that_is_written_down(dead):
    client = staff("view_delivery", "change_delivery")
    response = replay(client, dead)
    assert "1 deliveries are sent again." in response.content.decode()
    dead.refresh_from_db()
    assert (dead.status, dead.attempts) == ("pending", 0)
    assert LogEntry.objects.get().object_id == str(dead.pk)
    assert "The others are not dead" in replay(client, dead).content.decode()


def test_who_may_only_look_replays_nothing(dead):
    replay(staff("view_delivery"), dead)
    dead.refresh_from_db()
    assert dead.status == "dead"

"""Mails and webhooks that are sent: to a real endpoint, again and again where it must be"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.utils import timezone

from accounts.tests.factories import UserFactory
from screening.models import Delivery, Notification, WebhookEndpoint
from screening.services import deliveries as service
from screening.services.deliveries import MAX_ATTEMPTS, WAITS, deliveries_replay, deliveries_send
from screening.services.webhooks import webhook_create, webhook_rotate
from screening.tasks import send_deliveries
from stocks.tests.standin import Answer, StandIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(settings) -> Iterator[StandIn]:
    settings.WEBHOOK_ALLOW_LOCAL = True
    with StandIn(lambda request: Answer()) as server:
        yield server


@pytest.fixture
def user():
    return UserFactory.create(email="alice@example.com", tier="pro", email_confirmed_at=timezone.now())


def notification(user, **values) -> Notification:
    return Notification.objects.create(
        **{
            "user": user,
            "arm": 1,
            "kind": "price",
            "condition": "above",
            "stock_code": "AAPL",
            "threshold": Decimal("200"),
            "value": Decimal("200.5"),
            "price": Decimal("200.5"),
            "as_of": datetime(2026, 3, 2, 15, tzinfo=UTC),
            "name": "sell some",
        }
        | values
    )


def to_hook(user, hook: WebhookEndpoint, **values) -> Delivery:
    return Delivery.objects.create(
        notification=notification(user), channel="webhook", endpoint=hook, **values
    )


def due_again() -> None:
    Delivery.objects.filter(status="pending").update(due_at=timezone.now())


def test_a_webhook_is_signed_so_that_its_receiver_can_check_it(user, endpoint):
    issued = webhook_create(user=user, url=f"{endpoint.url}/hook")
    delivery = to_hook(user, issued.row)
    assert deliveries_send().sent == 1
    (request,) = endpoint.requests
    # What a receiver does, from the documentation alone.
    parts = dict(part.split("=", 1) for part in request.headers["x-stockroom-signature"].split(","))
    signed = parts["t"].encode() + b"." + request.body
    assert hmac.new(issued.secret.encode(), signed, "sha256").hexdigest() == parts["v1"]
    assert abs(int(parts["t"]) - datetime.now(UTC).timestamp()) < 60
    assert request.headers["x-stockroom-delivery"] == str(delivery.pk)
    body = json.loads(request.body)
    assert body["type"] == "alert"
    assert body["data"]["id"] == str(delivery.notification.id)
    assert (body["data"]["stock_code"], body["data"]["value"]) == ("AAPL", 200.5)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("sent", 1, 200)
    assert deliveries_send() == service.Sent()


def test_another_secret_counts_from_the_next_attempt_on(user, endpoint):
    issued = webhook_create(user=user, url=endpoint.url)
    other = webhook_rotate(user=user, webhook_id=issued.row.pk)
    to_hook(user, other.row)
    send_deliveries()
    (request,) = endpoint.requests
    parts = dict(part.split("=", 1) for part in request.headers["x-stockroom-signature"].split(","))
    signed = parts["t"].encode() + b"." + request.body
    assert hmac.new(other.secret.encode(), signed, "sha256").hexdigest() == parts["v1"]


def test_a_failure_is_tried_again_later_and_the_body_stays_the_same(user, endpoint):
    hook = webhook_create(user=user, url=endpoint.url).row
    delivery = to_hook(user, hook)
    endpoint.scripted.extend([Answer(status=500), Answer(status=302)])
    assert deliveries_send().failed == 1
    delivery.refresh_from_db()
    wait = (delivery.due_at - timezone.now()).total_seconds()
    assert WAITS[0] * 0.8 < wait < WAITS[0] * 1.2
    assert (delivery.status, delivery.last_status, delivery.last_error) == ("pending", 500, "HTTP 500")
    assert deliveries_send() == service.Sent()
    due_again()
    assert deliveries_send().failed == 1
    delivery.refresh_from_db()
    assert (delivery.due_at - timezone.now()).total_seconds() > WAITS[1] * 0.8
    due_again()
    assert deliveries_send().sent == 1
    hook.refresh_from_db()
    assert hook.failures == 0
    assert len({request.body for request in endpoint.requests}) == 1
    assert len({request.headers["x-stockroom-delivery"] for request in endpoint.requests}) == 1


def test_it_is_dead_after_the_last_attempt_and_can_be_replayed(user, endpoint):
    hook = webhook_create(user=user, url=endpoint.url).row
    delivery = to_hook(user, hook)
    endpoint.always = Answer(status=503)
    for _ in range(MAX_ATTEMPTS + 2):
        deliveries_send()
        due_again()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("dead", MAX_ATTEMPTS)
    assert len(endpoint.requests) == MAX_ATTEMPTS
    endpoint.always = None
    assert deliveries_replay(deliveries=Delivery.objects.all(), now=timezone.now()) == 1
    assert deliveries_send().sent == 1


def test_an_endpoint_that_fails_on_and_on_is_switched_off(user, endpoint, monkeypatch):
    monkeypatch.setattr(service, "MAX_FAILURES", 3)
    hook = webhook_create(user=user, url=endpoint.url).row
    for _ in range(5):
        to_hook(user, hook)
    endpoint.always = Answer(status=500)
    deliveries_send()
    hook.refresh_from_db()
    assert not hook.active
    assert "HTTP 500" in hook.disabled_because
    assert set(Delivery.objects.values_list("status", flat=True)) == {"dead"}
    assert deliveries_replay(deliveries=Delivery.objects.all(), now=timezone.now()) == 0


def test_gone_switches_it_off_at_once(user, endpoint):
    hook = webhook_create(user=user, url=endpoint.url).row
    to_hook(user, hook)
    endpoint.always = Answer(status=410)
    assert deliveries_send().dead == 1
    hook.refresh_from_db()
    assert (hook.active, hook.disabled_because) == (False, "it answered 410 Gone")


def test_an_address_that_is_no_longer_public_is_dead_at_once(user, endpoint, settings):
    hook = webhook_create(user=user, url=endpoint.url.replace("http:", "https:")).row
    delivery = to_hook(user, hook)
    settings.WEBHOOK_ALLOW_LOCAL = False
    assert deliveries_send().dead == 1
    delivery.refresh_from_db()
    assert "not public" in delivery.last_error
    assert endpoint.requests == []


def test_a_claimed_one_is_not_sent_by_another_process_and_not_lost_with_its_own(user, endpoint):
    hook = webhook_create(user=user, url=endpoint.url).row
    to_hook(user, hook)
    (claimed,) = service._claim(timezone.now())
    assert deliveries_send() == service.Sent()
    # The process that has it dies; after a while somebody else takes it.
    Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert deliveries_send().sent == 1
    claimed.refresh_from_db()
    assert claimed.attempts == 2


def test_a_mail_says_what_happened(user):
    Delivery.objects.create(notification=notification(user), channel="email")
    assert deliveries_send().sent == 1
    (message,) = mail.outbox
    assert message.to == ["alice@example.com"]
    assert message.subject == "Alert: AAPL: price 200.5 is above 200"
    assert "AAPL: price 200.5 is above 200." in message.body
    assert "sell some" in message.body
    assert "2026-03-02 15:00:00 UTC" in message.body


@pytest.mark.parametrize(
    ("values", "subject"),
    [
        (
            {"kind": "change_pct", "condition": "beyond", "threshold": Decimal(5), "value": Decimal("6.25")},
            "Alert: AAPL: change 6.25 % is more than 5 % away",
        ),
        (
            {"kind": "volume_ratio", "threshold": Decimal(3), "value": Decimal("3.1")},
            "Alert: AAPL: volume 3.1 × its average is above 3 × its average",
        ),
        (
            {"kind": "indicator", "field": "rsi_14", "condition": "crosses"},
            "Alert: AAPL: rsi_14 200.5 has crossed 200",
        ),
        ({"kind": "screen", "condition": "enters", "threshold": None}, "Alert: AAPL has entered a screen"),
    ],
)
def test_each_kind_has_its_sentence(user, values, subject):
    Delivery.objects.create(notification=notification(user, **values), channel="email")
    deliveries_send()
    assert mail.outbox[0].subject == subject


def test_a_mail_server_that_is_away_is_asked_again(user, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    delivery = Delivery.objects.create(notification=notification(user), channel="email")
    assert deliveries_send().failed == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.last_error) == ("pending", "ConnectionRefusedError")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    due_again()
    assert deliveries_send().sent == 1


def test_a_mailbox_is_not_filled(user, monkeypatch):
    monkeypatch.setattr(service, "MAILS_A_DAY", 2)
    for _ in range(2):
        Delivery.objects.create(notification=notification(user), channel="email")
    other = UserFactory.create(email_confirmed_at=timezone.now())
    assert deliveries_send().sent == 2
    for one in (user, other):
        Delivery.objects.create(notification=notification(one), channel="email")
    assert deliveries_send() == service.Sent(sent=1, dead=1)
    assert [message.to for message in mail.outbox][-1] == [other.email]
    Delivery.objects.filter(status="sent").update(finished_at=timezone.now() - timedelta(days=2))
    Delivery.objects.create(notification=notification(user), channel="email")
    assert deliveries_send().sent == 1


def test_one_endpoint_with_much_to_get_leaves_room_for_others(user, endpoint):
    busy = webhook_create(user=user, url=f"{endpoint.url}/busy").row
    calm = webhook_create(user=user, url=f"{endpoint.url}/calm").row
    for _ in range(12):
        to_hook(user, busy)
    to_hook(user, calm)
    claimed = service._claim(timezone.now())
    assert sorted(str(one.endpoint) for one in claimed) == sorted([str(busy)] * 2 + [str(calm)])
    assert deliveries_send().sent == 10


def test_an_account_that_is_switched_off_gets_no_mail(user):
    Delivery.objects.create(notification=notification(user), channel="email")
    type(user).objects.update(is_active=False)
    assert deliveries_send().dead == 1
    assert mail.outbox == []


def test_an_address_that_nobody_confirmed_gets_no_mail(user):
    delivery = Delivery.objects.create(notification=notification(user), channel="email")
    type(user).objects.update(email_confirmed_at=None)
    assert deliveries_send().dead == 1
    assert mail.outbox == []
    delivery.refresh_from_db()
    assert "not confirmed" in delivery.last_error

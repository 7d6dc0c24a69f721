"""What gateways tell us: POST /v1/payments/webhook/{gateway}"""

from __future__ import annotations

import io
import json
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.billing.gateways import sandbox, signatures, stripe_events
from accounts.billing.models import GatewayEvent, OrderEvent, Payment
from accounts.billing.services.orders import order_cancel
from accounts.billing.tests.cases import asked, ordered, processed, statuses
from accounts.billing.tests.standin import WEBHOOK_SECRET, signed

pytestmark = pytest.mark.django_db

URL = "/v1/payments/webhook/stripe"


def post(client, body: bytes, headers: dict[str, str] | None = None, url: str = URL):
    headers = dict(signed(body) if headers is None else headers)
    headers.pop("Content-Type", None)
    return client.post(url, body, content_type="application/json", headers=headers)


@pytest.fixture
def waiting(alice, products, stripe) -> Payment:
    """A payment that the gateway has in hand."""
    return processed(asked(ordered(alice, "pro-month"), "pm_wait", "stripe"))


def test_it_works(client, stripe, waiting):
    stripe.settle(waiting.reference)
    body = stripe.event(waiting.reference, "payment_intent.succeeded")
    reply = post(client, body)
    assert (reply.status_code, reply.json()) == (200, {"received": True, "duplicate": False})
    assert statuses(waiting.order) == ("fulfilled", "succeeded")
    again = post(client, body)
    assert (again.status_code, again.json()) == (200, {"received": True, "duplicate": True})
    assert GatewayEvent.objects.count() == 1
    assert OrderEvent.objects.filter(type="order.fulfilled").count() == 1


def test_another_event_of_the_same_thing_changes_nothing(client, stripe, waiting):
    for _ in range(3):
        assert post(client, stripe.event(waiting.reference, "payment_intent.succeeded")).status_code == 200
    assert GatewayEvent.objects.count() == 3
    assert OrderEvent.objects.filter(type="order.fulfilled").count() == 1


def test_a_failure_ends_the_order_and_says_why(client, stripe, waiting):
    post(client, stripe.event(waiting.reference, "payment_intent.payment_failed"))
    assert statuses(waiting.order) == ("failed", "failed")
    waiting.refresh_from_db()
    assert waiting.code == "stolen_card"


def test_a_failure_that_comes_after_the_success_changes_nothing(client, stripe, waiting):
    post(client, stripe.event(waiting.reference, "payment_intent.succeeded"))
    post(client, stripe.event(waiting.reference, "payment_intent.payment_failed"))
    assert statuses(waiting.order) == ("fulfilled", "succeeded")


def test_a_success_that_comes_after_the_failure_is_given_back(client, stripe, waiting):
    post(client, stripe.event(waiting.reference, "payment_intent.payment_failed"))
    post(client, stripe.event(waiting.reference, "payment_intent.succeeded"))
    assert statuses(waiting.order) == ("failed", "refunding")
    processed(waiting)
    assert statuses(waiting.order) == ("failed", "refunded")
    assert list(stripe.refunds) == [waiting.reference]


def test_a_refund_made_at_the_gateway_ends_the_plan(client, alice, stripe, waiting):
    post(client, stripe.event(waiting.reference, "payment_intent.succeeded"))
    post(client, stripe.event(waiting.reference, "charge.refunded"))
    assert statuses(waiting.order) == ("refunded", "refunded")
    alice.refresh_from_db()
    assert alice.tier == "free"


def test_part_of_a_refund_changes_nothing(client, stripe, waiting):
    post(client, stripe.event(waiting.reference, "payment_intent.succeeded"))
    event = json.loads(stripe.event(waiting.reference, "charge.refunded"))
    event["data"]["object"]["amount_refunded"] -= 1
    assert post(client, json.dumps(event).encode()).status_code == 200
    assert statuses(waiting.order) == ("fulfilled", "succeeded")


@pytest.mark.parametrize(("field", "value"), [("amount_received", 1), ("currency", "krw")])
def test_another_amount_than_was_asked_for_pays_nothing(client, stripe, waiting, caplog, field, value):
    event = json.loads(stripe.event(waiting.reference, "payment_intent.succeeded"))
    event["data"]["object"][field] = value
    assert post(client, json.dumps(event).encode()).status_code == 200
    assert statuses(waiting.order) == ("pending", "pending")
    assert "another amount" in caplog.text


def test_it_finds_the_payment_by_reference_where_it_does_not_say_our_name(client, stripe, waiting):
    event = json.loads(stripe.event(waiting.reference, "payment_intent.succeeded"))
    event["data"]["object"]["metadata"] = {}
    post(client, json.dumps(event).encode())
    assert statuses(waiting.order) == ("fulfilled", "succeeded")


def test_a_notice_may_come_before_the_reply(client, alice, products, stripe):
    payment = asked(ordered(alice, "pro-month"), "pm_lost", "stripe")
    processed(payment)
    (intent_id,) = stripe.intents
    post(client, stripe.event(intent_id, "payment_intent.succeeded"))
    assert statuses(payment.order) == ("fulfilled", "succeeded")
    payment.refresh_from_db()
    assert payment.reference == intent_id


@pytest.mark.parametrize("kind", ["customer.created", "payment_intent.processing"])
def test_what_is_not_ours_is_taken_and_left_alone(client, stripe, waiting, kind):
    assert post(client, stripe.event(waiting.reference, kind)).status_code == 200
    stranger = {"id": "pi_x", "amount": 1, "amount_received": 1, "currency": "usd", "metadata": {}}
    event = {"id": "evt_x", "type": "payment_intent.succeeded", "data": {"object": stranger}}
    assert post(client, json.dumps(event).encode()).status_code == 200
    assert statuses(waiting.order) == ("pending", "pending")


def test_a_gateway_cannot_tell_of_the_payments_of_another(client, alice, products, stripe):
    payment = processed(asked(ordered(alice, "pro-month"), "sandbox_pending"))
    intent = {
        "id": payment.reference,
        "amount": 2900,
        "amount_received": 2900,
        "currency": "usd",
        "metadata": {"payment_id": str(payment.pk)},
    }
    event = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": intent}}
    assert post(client, json.dumps(event).encode()).status_code == 200
    assert statuses(payment.order) == ("pending", "pending")


def refused_headers(body: bytes):
    good = signed(body)["Stripe-Signature"]
    timestamp = good.split(",")[0]
    old, early = time.time() - 301, time.time() + 301
    return {
        "none": {},
        "empty": {"Stripe-Signature": ""},
        "another secret": signed(body, secret="whsec_another"),
        "too old": signed(body, at=old),
        "of the future": signed(body, at=early),
        "of another body": signed(body + b" "),
        "another time": {"Stripe-Signature": good.replace(timestamp, f"t={int(time.time()) - 10}")},
        "an old scheme": {"Stripe-Signature": good.replace("v1=", "v0=")},
        "no time": {"Stripe-Signature": good.split(",")[1]},
        "two times": {"Stripe-Signature": f"{timestamp},{good}"},
        "no number": {"Stripe-Signature": good.replace("t=", "t=x")},
        "no signature": {"Stripe-Signature": timestamp},
        "no ASCII": {"Stripe-Signature": f"{timestamp},v1=\xe9"},
        "of the sandbox": {"Sandbox-Signature": good},
    }


@pytest.mark.parametrize("name", list(refused_headers(b"")))
def test_what_the_gateway_did_not_sign_just_now_is_refused(client, stripe, waiting, refused, name):
    body = stripe.event(waiting.reference, "payment_intent.succeeded")
    refused(post(client, body, refused_headers(body)[name]), 400, "INVALID_SIGNATURE")
    assert statuses(waiting.order) == ("pending", "pending")
    assert not GatewayEvent.objects.exists()


def test_while_a_secret_is_changed_either_signs(client, stripe, waiting, settings):
    settings.STRIPE_WEBHOOK_SECRET = ["whsec_the_new_one", WEBHOOK_SECRET]
    body = stripe.event(waiting.reference, "payment_intent.succeeded")
    both = signed(body)["Stripe-Signature"] + ",v1=" + "0" * 64
    assert post(client, body, {"Stripe-Signature": both}).status_code == 200
    assert post(client, body, signed(body, secret="whsec_the_new_one")).json()["duplicate"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"7", b'"x"', b"\xff", b"[" * 100_000),
        *(b"{}", b'{"id": "", "type": "a", "data": {"object": {}}}', b'{"id": 1, "type": "a"}'),
        *(b'{"id": "evt_1", "type": "charge.refunded", "data": {"object": 5}}',),
        *(b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": 5}}}',),
        *(b'{"id": "a\\u0000b", "type": "x", "data": {"object": {}}}',),
    ],
)
def test_what_is_signed_and_is_no_event_is_refused(client, stripe, refused, body):
    refused(post(client, body), 400, "INVALID_SIGNATURE")


def test_a_gateway_that_is_not_there_is_not_found(client, db, refused):
    for name in ("stripe", "manual", "nothing"):
        refused(client.post(f"/v1/payments/webhook/{name}", {}), 404, "NOT_FOUND")


def test_what_a_signature_is():
    # printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
    assert signatures.sign("whsec_test", b'{"id":"evt_1"}', timestamp=1_700_000_000) == (
        "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
    )


@pytest.mark.parametrize(
    ("amount", "currency", "units"), [("29.00", "USD", 2900), ("12000", "KRW", 12_000), ("0.5", "EUR", 50)]
)
def test_amounts_are_counted_in_the_smallest_unit(amount, currency, units):
    assert stripe_events.in_units(Decimal(amount), currency) == units
    assert stripe_events.from_units(units, currency) == Decimal(amount)


@pytest.mark.parametrize("currency", ["KWD", "ISK", "UGX", "MGA", "XXX", "usd"])
def test_currencies_that_are_counted_in_another_way_are_not_taken(currency):
    assert not stripe_events.takes(currency)


def test_the_sandbox_tells_by_a_command_over_http(alice, products, live_server, settings, refused):
    settings.PUBLIC_URL = live_server.url
    payment = processed(asked(ordered(alice, "pro-month"), "sandbox_pending"))
    out = io.StringIO()
    call_command("sandbox_notice", str(payment.pk), "succeeded", "--event-id", "evt_7", stdout=out)
    assert "HTTP 200" in out.getvalue()
    assert statuses(payment.order) == ("fulfilled", "succeeded")
    call_command("sandbox_notice", str(payment.pk), "succeeded", "--event-id", "evt_7", stdout=out)
    assert '"duplicate":true' in out.getvalue()
    with pytest.raises(CommandError):
        call_command("sandbox_notice", str(alice.pk), "succeeded")


def test_the_sandbox_decides_by_itself_after_ten_minutes(alice, products):
    payment = processed(asked(ordered(alice, "pro-month"), "sandbox_pending"))
    now = timezone.now()
    assert processed(payment, now=now + timedelta(minutes=5)).status == "pending"
    processed(payment, now=now + timedelta(minutes=11))
    assert statuses(payment.order) == ("fulfilled", "succeeded")


def test_a_success_of_what_was_cancelled_is_given_back(client, alice, products):
    payment = asked(ordered(alice, "pro-month"))
    order_cancel(order_id=payment.order_id, now=timezone.now())
    body, headers = sandbox.event(
        event_id="evt_1",
        kind="succeeded",
        payment_id=payment.pk,
        amount=payment.amount,
        currency="USD",
        now=timezone.now(),
    )
    assert post(client, body, headers, "/v1/payments/webhook/sandbox").status_code == 200
    assert statuses(payment.order) == ("cancelled", "refunding")
    processed(payment)
    assert statuses(payment.order) == ("cancelled", "refunded")

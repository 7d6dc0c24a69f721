"""Payments from being asked for to their end, at both gateways"""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.billing.errors import (
    OrderNotPending,
    OrderNotRefundable,
    PaymentInProgress,
    PaymentNotHeld,
)
from accounts.billing.gateways.protocol import Declined, Succeeded
from accounts.billing.models import Order, OrderEvent, Payment
from accounts.billing.services.orders import order_cancel, orders_lapse
from accounts.billing.services.outcomes import payment_record
from accounts.billing.services.payments import ASKED_FOR, payment_process, payments_due
from accounts.billing.services.refunds import order_mark_paid, order_refund, payment_mark_failed
from accounts.billing.tests.cases import asked, bought, ordered, processed, statuses

pytestmark = pytest.mark.django_db


def later(**delta: float):
    return timezone.now() + timedelta(**delta)


def types(order: Order) -> list[str]:
    return list(OrderEvent.objects.filter(order=order).values_list("type", flat=True))


def test_it_works(alice, products, stripe):
    order = ordered(alice, "pro-month")
    payment = processed(asked(order, "pm_ok", "stripe"))
    assert statuses(order) == ("fulfilled", "succeeded")
    assert payment.reference in stripe.intents
    intent = stripe.intents[payment.reference]
    assert (intent["amount"], intent["currency"]) == (2900, "usd")
    assert stripe.charged == {str(payment.pk): 1}
    assert (payment.token, payment.due_at) == ("", None)
    alice.refresh_from_db()
    assert alice.tier == "pro"
    assert types(order) == ["order.created", "payment.requested", "order.paid", "order.fulfilled"]


def test_won_have_no_hundredths(alice, products, stripe):
    payment = processed(asked(ordered(alice, "won-pack"), "pm_ok", "stripe"))
    assert stripe.intents[payment.reference]["amount"] == 12_000


@pytest.mark.parametrize(
    ("gateway", "token", "code"),
    [
        ("sandbox", "sandbox_declined", "card_declined"),
        ("sandbox", "no_such_token", "unknown_token"),
        ("stripe", "pm_declined", "stolen_card"),
        ("stripe", "pm_none", "resource_missing"),
    ],
)
def test_a_payment_that_is_declined_ends_its_order(alice, products, stripe, gateway, token, code):
    order = ordered(alice, "pro-month")
    payment = processed(asked(order, token, gateway))
    assert statuses(order) == ("failed", "failed")
    assert (payment.code, payment.token) == (code, "")
    assert stripe.charged == {}
    alice.refresh_from_db()
    assert alice.tier == "free"
    with pytest.raises(OrderNotPending):
        asked(order)


@pytest.mark.parametrize(
    ("gateway", "token"), [("sandbox", "sandbox_timeout"), ("stripe", "pm_lost"), ("stripe", "pm_broken")]
)
def test_a_reply_that_never_came_is_asked_for_again_under_the_same_key(
    alice, products, stripe, gateway, token
):
    order = ordered(alice, "pro-month")
    payment = processed(asked(order, token, gateway))
    assert statuses(order) == ("pending", "pending")
    assert payment.due_at is not None
    assert timedelta(seconds=1) < payment.due_at - timezone.now() < timedelta(seconds=5)
    assert not payment_process(payment_id=payment.pk, now=timezone.now())
    processed(payment, now=later(seconds=10))
    assert statuses(order) == ("fulfilled", "succeeded")
    if gateway == "stripe":
        assert stripe.charged == {str(payment.pk): 1}
        assert {key for _, key in stripe.calls} == {f"pay-{payment.pk}"}


def test_a_gateway_that_never_answers_is_asked_for_a_day_and_then_a_person(alice, products, caplog):
    order = ordered(alice, "pro-month")
    payment = asked(order, "sandbox_down")
    waits = []
    now = timezone.now()
    while payment.due_at is not None:
        now = max(now, payment.due_at)
        payment = processed(payment, now=now)
        if payment.due_at is not None:
            waits.append((payment.due_at - now).total_seconds())
    assert waits[0] < 5
    assert 1_500 < waits[-1] < 2_100
    assert now - payment.created_at >= ASKED_FOR
    assert payment.is_held
    assert "waits for a person" in caplog.text
    assert payments_due(now=later(days=30), limit=10) == []


def test_without_a_gateway_that_answers_the_key_is_not_in_the_log(alice, products, settings, caplog, stripe):
    settings.STRIPE_URL = "http://127.0.0.1:9"
    with caplog.at_level(logging.DEBUG):
        payment = processed(asked(ordered(alice, "pro-month"), "pm_secret_token", "stripe"))
    assert payment.status == "pending"
    assert "ConnectionError" in caplog.text
    assert stripe.key not in caplog.text
    assert "pm_secret_token" not in caplog.text


def test_a_wrong_key_of_ours_fails_no_order(alice, products, stripe):
    stripe.key = "sk_test_another_key"
    order = ordered(alice, "pro-month")
    processed(asked(order, "pm_ok", "stripe"))
    assert statuses(order) == ("pending", "pending")


def test_one_that_waits_is_looked_up_in_case_its_notice_is_lost(alice, products, stripe):
    order = ordered(alice, "pro-month")
    payment = processed(asked(order, "pm_wait", "stripe"))
    assert statuses(order) == ("pending", "pending")
    payment = processed(payment, now=later(minutes=2))
    assert payment.status == "pending"
    stripe.settle(payment.reference)
    processed(payment, now=later(minutes=4))
    assert statuses(order) == ("fulfilled", "succeeded")
    assert stripe.charged == {str(payment.pk): 1}


def test_an_order_is_paid_by_one_payment(alice, products):
    order = ordered(alice, "pro-month")
    asked(order)
    with pytest.raises(PaymentInProgress):
        asked(order)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(order=order, gateway="sandbox", currency="USD", amount=1)


def test_what_was_not_begun_is_cancelled_with_its_payment(alice, products):
    order = ordered(alice, "pro-month")
    payment = asked(order)
    order_cancel(user=alice, order_id=order.pk, now=timezone.now())
    assert statuses(order) == ("cancelled", "cancelled")
    assert not payment_process(payment_id=payment.pk, now=timezone.now())
    with pytest.raises(OrderNotPending):
        order_cancel(user=alice, order_id=order.pk, now=timezone.now())


def test_what_a_worker_has_in_hand_is_not_cancelled(alice, products):
    order = ordered(alice, "pro-month")
    processed(asked(order, "sandbox_timeout"))
    with pytest.raises(PaymentInProgress):
        order_cancel(user=alice, order_id=order.pk, now=timezone.now())
    assert statuses(order) == ("pending", "pending")


def test_money_that_comes_after_the_end_is_given_back(alice, products, stripe):
    order = ordered(alice, "pro-month")
    payment = processed(asked(order, "pm_wait", "stripe"))
    reference = payment.reference
    payment_record(payment_id=payment.pk, outcome=Declined(reference, "late"), now=timezone.now())
    assert statuses(order) == ("failed", "failed")
    payment_record(payment_id=payment.pk, outcome=Succeeded(reference), now=timezone.now())
    assert statuses(order) == ("failed", "refunding")
    processed(payment)
    assert statuses(order) == ("failed", "refunded")
    assert list(stripe.refunds) == [reference]


def test_a_refund_ends_what_was_given(alice, products, stripe):
    order = ordered(alice, "pro-month", "history-pack")
    payment = processed(asked(order, "pm_ok", "stripe"))
    order_refund(order_id=order.pk, now=timezone.now())
    with pytest.raises(OrderNotRefundable):
        order_refund(order_id=order.pk, now=timezone.now())
    alice.refresh_from_db()
    assert alice.tier == "pro"
    processed(payment)
    assert statuses(order) == ("refunded", "refunded")
    assert list(stripe.refunds) == [payment.reference]
    alice.refresh_from_db()
    assert alice.tier == "free"
    assert types(order)[-2:] == ["refund.requested", "order.refunded"]
    with pytest.raises(OrderNotRefundable):
        order_refund(order_id=order.pk, now=timezone.now())


def test_a_refund_that_was_made_before_is_found(alice, products, stripe):
    order = ordered(alice, "pro-month")
    payment = processed(asked(order, "pm_ok", "stripe"))
    stripe.refunds[payment.reference] = {}
    order_refund(order_id=order.pk, now=timezone.now())
    processed(payment)
    assert statuses(order) == ("refunded", "refunded")


def test_what_came_by_bank_is_marked_and_given_back_by_hand(alice, products):
    order = ordered(alice, "pro-month")
    order_mark_paid(order_id=order.pk, now=timezone.now())
    assert statuses(order) == ("fulfilled", "succeeded")
    order_refund(order_id=order.pk, now=timezone.now())
    processed(Payment.objects.get(order=order))
    assert statuses(order) == ("refunded", "refunded")


def test_only_what_waits_for_a_person_is_decided_by_one(alice, products):
    order = ordered(alice, "pro-month")
    payment = asked(order, "sandbox_down")
    for decide in (
        lambda: order_mark_paid(order_id=order.pk, now=timezone.now()),
        lambda: payment_mark_failed(payment_id=payment.pk, now=timezone.now()),
    ):
        with pytest.raises(PaymentNotHeld):
            decide()
    Payment.objects.update(due_at=None)
    payment_mark_failed(payment_id=payment.pk, now=timezone.now())
    assert statuses(order) == ("failed", "failed")


def test_orders_that_nobody_pays_lapse(alice, products):
    order, paid, asked_for = (ordered(alice, "pro-month") for _ in range(3))
    asked(asked_for)
    processed(asked(paid))
    assert orders_lapse(now=later(hours=23)) == 0
    assert orders_lapse(now=later(hours=25)) == 1
    assert {one.pk: one.status for one in Order.objects.all()} == {
        order.pk: "cancelled",
        paid.pk: "fulfilled",
        asked_for.pk: "pending",
    }


def test_prices_are_those_of_when_it_was_ordered(alice, products, stripe):
    order = ordered(alice, pro_month=3)
    products["pro-month"].price = 1
    products["pro-month"].save()
    payment = processed(asked(order, "pm_ok", "stripe"))
    assert stripe.intents[payment.reference]["amount"] == 8700


def test_a_year_is_one_charge_and_a_pack_has_no_end(alice, products):
    order = bought(alice, "pro-year", "history-pack")
    assert order.total == products["pro-year"].price + products["history-pack"].price
    assert alice.data_packs.get().ends_at is None

"""Receipts by mail"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.billing.models import Order
from accounts.billing.services.receipts import AGAIN, TRIED_FOR, receipts_send
from accounts.billing.tests.cases import asked, bought, ordered, processed
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def buyer(products):
    return UserFactory.create(email="buyer@example.com", email_confirmed_at=timezone.now())


def later(**delta: float):
    return timezone.now() + timedelta(**delta)


def test_a_paid_order_has_its_receipt_mailed_once(buyer, products):
    products["pro-month"].name = "Pro & more"
    products["pro-month"].save()
    order = bought(buyer, "pro-month", history_pack=2)
    assert mail.outbox == []
    assert receipts_send(now=timezone.now()) == 1
    assert receipts_send(now=later(days=1)) == 0
    (receipt,) = mail.outbox
    assert receipt.to == ["buyer@example.com"]
    assert str(order.pk) in receipt.subject
    text = str(receipt.body)
    assert "1 x Pro & more: 29.00 USD\n2 x History: 99.00 USD\n\nTotal: 128.00 USD\n" in text
    assert order.paid_at is not None and f"{order.paid_at:%Y-%m-%d %H:%M:%S} UTC" in text


def test_it_holds_no_token_and_no_name_of_a_gateway(buyer, stripe):
    payment = processed(asked(ordered(buyer, "pro-month"), "pm_ok", "stripe"))
    receipts_send(now=timezone.now())
    (receipt,) = mail.outbox
    for secret in ("pm_ok", payment.reference, str(payment.pk), stripe.key):
        assert secret not in f"{receipt.subject}{receipt.body}"


def test_won_are_told_without_hundredths(buyer):
    bought(buyer, "won-pack")
    receipts_send(now=timezone.now())
    assert "Total: 12000 KRW\n" in str(mail.outbox[0].body)


@pytest.mark.parametrize("who", [{"email_confirmed_at": None}, {"is_active": False}])
def test_no_mail_goes_to_an_address_that_is_not_confirmed_or_to_who_is_shut_out(buyer, who):
    order = bought(buyer, "pro-month")
    for name, value in who.items():
        setattr(buyer, name, value)
    buyer.save()
    assert receipts_send(now=timezone.now()) == 0
    assert mail.outbox == []
    order.refresh_from_db()
    assert order.receipt_due_at is None


def test_an_order_that_is_not_paid_has_none(buyer):
    processed(asked(ordered(buyer, "pro-month"), "sandbox_declined"))
    ordered(buyer, "pro-month")
    assert receipts_send(now=later(days=1)) == 0
    assert not Order.objects.exclude(receipt_due_at=None).exists()


def test_while_the_mail_server_is_away_it_waits_and_is_given_up_after_a_day(buyer, settings, caplog):
    order = bought(buyer, "pro-month")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    now = timezone.now()
    assert receipts_send(now=now) == 0
    order.refresh_from_db()
    assert order.receipt_due_at == now + AGAIN
    # Until then nobody tries again.
    assert receipts_send(now=now + AGAIN / 2) == 0
    order.refresh_from_db()
    assert order.receipt_due_at == now + AGAIN
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert receipts_send(now=now + AGAIN) == 1

    order = bought(buyer, "pro-month")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert receipts_send(now=timezone.now() + TRIED_FOR) == 0
    order.refresh_from_db()
    assert order.receipt_due_at is None
    assert "is given up" in caplog.text

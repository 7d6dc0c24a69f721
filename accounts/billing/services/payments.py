"""Payments in the hands of workers: claimed, asked about, put off, held for a person.

A payment is claimed before its gateway is asked: its next time is set as if the worker had died. The worker
that takes it over asks under the same key, so nothing is taken twice.
"""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.db.models import F, QuerySet

from accounts.billing.bounds import bounded
from accounts.billing.errors import GatewayNotAvailable
from accounts.billing.gateways.protocol import (
    Charge,
    Declined,
    Gateway,
    GatewayAway,
    GatewayRefused,
    Outcome,
)
from accounts.billing.gateways.registry import gateway_of
from accounts.billing.models import Payment
from accounts.billing.services.outcomes import payment_record, refund_record
from accounts.failpoints import reach

logger = logging.getLogger(__name__)

#: How long the answer of a gateway waits for a lock, as where a user pays many orders at once. To give up
#: would lose it, and the payment would wait until its claim ends.
LOCK_SECONDS: Final = 15
#: Seconds until a gateway that gave no answer is asked again, about.
WAITS: Final = (3, 10, 30, 120, 600, 1_800)
#: Gateways keep a key for a day: after that it would be a second charge.
ASKED_FOR: Final = timedelta(hours=23)
#: How long one that waits at the gateway is looked up.
LOOKED_UP_FOR: Final = timedelta(days=7)


def payments_due(*, now: datetime, limit: int) -> list[UUID]:
    """The payments that somebody has to look at now, the longest overdue first."""
    due = Payment.objects.filter(status__in=Payment.OPEN, due_at__lte=now).order_by("due_at")
    return list(due.values_list("pk", flat=True)[:limit])


def payment_process(*, payment_id: UUID, now: datetime) -> bool:
    """Do what is due of a payment, unless another worker has it or it is done; says whether it was ours."""
    payment = _claim(payment_id, now)
    if payment is None:
        return False
    reach("after_read")
    try:
        gateway = gateway_of(payment.gateway)
        if payment.status == Payment.Status.REFUNDING:
            _refund(gateway, payment, now)
        else:
            _charge(gateway, payment, now)
    except GatewayAway as error:
        _put_off(payment, str(error), error.wait, now)
    except IntegrityError:
        # As where the gateway gives two payments one name.
        _hold(payment, "contradicts what is stored")
    except GatewayNotAvailable:
        _put_off(payment, f"{payment.gateway} is switched off", None, now)
    return True


def _claim(payment_id: UUID, now: datetime) -> Payment | None:
    claimed = Payment.objects.filter(pk=payment_id, status__in=Payment.OPEN, due_at__lte=now).update(
        due_at=now + timedelta(seconds=settings.PAYMENT_CLAIM_SECONDS), attempts=F("attempts") + 1
    )
    return Payment.objects.get(pk=payment_id) if claimed else None


def _charge(gateway: Gateway, payment: Payment, now: datetime) -> None:
    if payment.reference:
        try:
            outcome = gateway.look_up(payment.reference, since=payment.created_at, now=now)
        except GatewayRefused as error:
            # It had it in hand once: whether money was taken, a person has to find out.
            _hold(payment, error.code)
            return
    else:
        outcome = _first_answer(gateway, payment)
    with bounded(lock_seconds=LOCK_SECONDS):
        payment_record(payment_id=payment.pk, outcome=outcome, now=now)
    reach("after_commit")


def _first_answer(gateway: Gateway, payment: Payment) -> Outcome:
    charge = Charge(
        payment_id=payment.pk,
        order_id=payment.order_id,
        amount=payment.amount,
        currency=payment.currency,
        token=payment.token,
        attempt=payment.attempts,
    )
    try:
        return gateway.charge(charge)
    except GatewayRefused as error:
        return Declined("", error.code)


def _refund(gateway: Gateway, payment: Payment, now: datetime) -> None:
    try:
        gateway.refund(payment_id=payment.pk, reference=payment.reference)
    except GatewayRefused as error:
        _hold(payment, error.code)
        return
    with bounded(lock_seconds=LOCK_SECONDS):
        refund_record(payment_id=payment.pk, now=now)
    reach("after_commit")


def _put_off(payment: Payment, why: str, asked: float | None, now: datetime) -> None:
    since = payment.refund_asked_at or payment.created_at
    if now - since >= (LOOKED_UP_FOR if payment.reference else ASKED_FOR):
        _hold(payment, "no answer")
        return
    # Not all that failed together shall come back together.
    usual = WAITS[min(payment.attempts, len(WAITS)) - 1] * random.uniform(0.9, 1.1)  # noqa: S311  no secret
    seconds = max(usual, min(asked or 0.0, float(WAITS[-1])))
    _still_ours(payment).update(due_at=now + timedelta(seconds=seconds))
    logger.warning("payment %s, attempt %d, is put off: %s", payment.pk, payment.attempts, why)


def _hold(payment: Payment, code: str) -> None:
    _still_ours(payment).update(due_at=None, code=code[:64])
    logger.error("payment %s is %s and waits for a person: %s", payment.pk, payment.status, code)


def _still_ours(payment: Payment) -> QuerySet[Payment]:
    """The payment, where nothing has become of it since it was claimed."""
    return Payment.objects.filter(pk=payment.pk, status=payment.status, attempts=payment.attempts)

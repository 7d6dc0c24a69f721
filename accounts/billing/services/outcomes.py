"""What becomes of a payment and its order, by whichever way it is learned; each step is taken once.

Workers, notices and staff may tell the same, twice, or in another order than it happened. Every step is an
UPDATE that names the state before it, under the lock of the order: who comes second changes nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.billing.gateways.protocol import Declined, Outcome, Succeeded, Waiting
from accounts.billing.models import Order, OrderEvent, Payment
from accounts.billing.services.events import order_event
from accounts.billing.services.fulfilment import order_fulfil, order_take_back
from accounts.failpoints import reach

logger = logging.getLogger(__name__)

#: One that waits at its gateway is looked up so often, in case the notice is lost.
LOOK_UP_EVERY: Final = timedelta(minutes=1)
PAID: Final = (Order.Status.PAID, Order.Status.FULFILLED)
_P = Payment.Status


@transaction.atomic
def payment_record(*, payment_id: UUID, outcome: Outcome, now: datetime) -> bool:
    """Write down what a gateway says of a payment; says whether that was new."""
    payment = payment_locked(payment_id)
    match outcome:
        case Succeeded(reference):
            done = _succeed(payment, reference, now)
        case Declined(reference, code):
            done = _fail(payment, reference, code, now)
        case Waiting(reference):
            done = _move(payment, [_P.PENDING], reference=reference, due_at=now + LOOK_UP_EVERY)
    reach("mid_transaction")
    return done


@transaction.atomic
def refund_record(*, payment_id: UUID, now: datetime) -> bool:
    """Write down that all of a payment was given back, and take back what the order gave."""
    payment = payment_locked(payment_id)
    if not _move(payment, [_P.SUCCEEDED, _P.REFUNDING], status=_P.REFUNDED, due_at=None, refunded_at=now):
        return False
    order = payment.order
    # Of a payment that came too late the order was never paid.
    if Order.objects.filter(pk=order.pk, status__in=PAID).update(status=Order.Status.REFUNDED, ended_at=now):
        order_event(order, OrderEvent.Type.ORDER_REFUNDED, Order.Status.REFUNDED)
        order_take_back(order, now=now)
    reach("mid_transaction")
    return True


def payment_locked(payment_id: UUID) -> Payment:
    """The payment with its order, which is locked first. Raises Payment.DoesNotExist."""
    order_id = Payment.objects.values_list("order_id", flat=True).get(pk=payment_id)
    order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment_id)
    payment.order = order
    return payment


def _succeed(payment: Payment, reference: str, now: datetime) -> bool:
    order = payment.order
    if _move(payment, [_P.PENDING], status=_P.SUCCEEDED, reference=reference, **_ended(now)):
        Order.objects.filter(pk=order.pk, status=Order.Status.PENDING).update(
            status=Order.Status.PAID, paid_at=now, receipt_due_at=now
        )
        order_event(order, OrderEvent.Type.ORDER_PAID, Order.Status.PAID)
        order_fulfil(order, now=now)
        return True
    ended = [_P.FAILED, _P.CANCELLED]
    asked = {"due_at": now, "attempts": 0, "refund_asked_at": now}
    if _move(payment, ended, status=_P.REFUNDING, reference=reference, **asked):
        # Its order is over: the money goes back.
        logger.warning("payment %s succeeded after it had ended, and is refunded", payment.pk)
        order_event(order, OrderEvent.Type.REFUND_REQUESTED, Order.Status(order.status))
        return True
    return False


def _fail(payment: Payment, reference: str, code: str, now: datetime) -> bool:
    values = {"reference": reference} if reference else {}
    if not _move(payment, [_P.PENDING], status=_P.FAILED, code=code[:64], **values, **_ended(now)):
        return False
    Order.objects.filter(pk=payment.order_id, status=Order.Status.PENDING).update(
        status=Order.Status.FAILED, ended_at=now
    )
    order_event(payment.order, OrderEvent.Type.ORDER_FAILED, Order.Status.FAILED)
    return True


def _ended(now: datetime) -> dict[str, object]:
    return {"token": "", "due_at": None, "finished_at": now}


def _move(payment: Payment, states: list[Payment.Status], **values: object) -> bool:
    return bool(Payment.objects.filter(pk=payment.pk, status__in=states).update(**values))

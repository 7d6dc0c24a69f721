"""What gateways tell us by themselves: each notice has one effect, however often it comes."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.billing.gateways.protocol import Declined, Notice, Succeeded
from accounts.billing.models import GatewayEvent, Payment
from accounts.billing.services.outcomes import payment_record, refund_record

logger = logging.getLogger(__name__)


@transaction.atomic
def notice_take(*, gateway: str, notice: Notice, now: datetime) -> bool:
    """Carry out a notice; False for one that came before.

    One of a payment that is not ours, or that says another amount than was asked for, changes nothing.
    """
    payment = _payment(gateway, notice)
    try:
        with transaction.atomic():
            # The same one beside us waits here until we are done, and then finds it there.
            GatewayEvent.objects.create(
                gateway=gateway,
                event_id=notice.event_id,
                kind=notice.kind,
                payment=payment,
                received_at=now,
            )
    except IntegrityError:
        return False
    if payment is None:
        if notice.kind != "other":
            logger.warning("%s tells of a payment that is not ours: %s", gateway, notice.event_id)
        return True
    if notice.kind in ("succeeded", "refunded") and not _is_whole(payment, notice):
        logger.error("%s tells of another amount of payment %s: %s", gateway, payment.pk, notice.event_id)
        return True
    if notice.kind == "succeeded":
        payment_record(payment_id=payment.pk, outcome=Succeeded(notice.reference), now=now)
    elif notice.kind == "failed":
        outcome = Declined(notice.reference, notice.code or "declined")
        payment_record(payment_id=payment.pk, outcome=outcome, now=now)
    elif notice.kind == "refunded":
        refund_record(payment_id=payment.pk, now=now)
    return True


def _payment(gateway: str, notice: Notice) -> Payment | None:
    payments = Payment.objects.filter(gateway=gateway)
    if notice.payment_id is not None:
        return payments.filter(pk=notice.payment_id).first()
    return payments.filter(reference=notice.reference).first() if notice.reference else None


def _is_whole(payment: Payment, notice: Notice) -> bool:
    return notice.amount == payment.amount and notice.currency == payment.currency

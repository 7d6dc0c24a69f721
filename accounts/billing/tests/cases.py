"""What tests of the shop do again and again."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.billing.models import Order, Payment
from accounts.billing.services.orders import order_create, order_pay
from accounts.billing.services.payments import payment_process
from accounts.models import User


def ordered(user: User, *codes: str, **quantities: int) -> Order:
    wanted = {**dict.fromkeys(codes, 1), **{code.replace("_", "-"): n for code, n in quantities.items()}}
    return order_create(user=user, quantities=wanted, now=timezone.now())


def asked(order: Order, token: str = "sandbox_success", gateway: str = "sandbox", **values: Any) -> Payment:
    now = values.pop("now", timezone.now())
    return order_pay(user=order.user, order_id=order.pk, gateway=gateway, token=token, now=now)


def processed(payment: Payment, **values: Any) -> Payment:
    assert payment_process(payment_id=payment.pk, now=values.get("now", timezone.now()))
    payment = Payment.objects.get(pk=payment.pk)
    return payment


def bought(user: User, *codes: str, **quantities: int) -> Order:
    """An order that is paid and fulfilled."""
    order = ordered(user, *codes, **quantities)
    processed(asked(order))
    order.refresh_from_db()
    assert order.status == "fulfilled"
    return order


def statuses(order: Order) -> tuple[str, str]:
    """Of the order and of its payment."""
    order.refresh_from_db()
    return order.status, Payment.objects.get(order=order).status

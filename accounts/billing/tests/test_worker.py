"""The payment worker, in a thread beside the test"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.billing import stream
from accounts.billing.models import Order, Payment
from accounts.billing.services.payments import payment_process
from accounts.billing.tests.cases import asked, ordered, statuses
from accounts.billing.worker import AT_ONCE, Worker
from accounts.models import User
from accounts.tests.factories import UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]
SECONDS = 60
FULFILLED = ("fulfilled", "succeeded")


@pytest.fixture
def worker(stripe) -> Iterator[Worker]:
    worker, stop = Worker(), threading.Event()
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(worker.run, stop)
        try:
            yield worker
        finally:
            stop.set()
            for held in stripe.held.values():
                held.set()
        running.result(SECONDS)


def wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def look_at(payment: Payment) -> bool:
    try:
        return payment_process(payment_id=payment.pk, now=timezone.now())
    finally:
        connection.close()


def fulfilled(orders: list[Order]) -> bool:
    return all(statuses(order) == FULFILLED for order in orders)


def test_it_works(products, stripe, worker, redis_client):
    orders = [ordered(UserFactory.create(), "pro-month") for _ in range(3 * AT_ONCE)]
    payments = [asked(order, "pm_ok", "stripe") for order in orders]
    wait(lambda: fulfilled(orders))
    assert stripe.charged == {str(payment.pk): 1 for payment in payments}
    wait(lambda: all(one["lag"] == one["pending"] == 0 for one in redis_client.xinfo_groups(stream.STREAM)))
    assert worker.done == len(orders)


def test_a_payment_that_its_gateway_lets_wait_holds_up_no_other(products, stripe, worker):
    stripe.held["pm_slow"] = threading.Event()
    slow = ordered(UserFactory.create(), "pro-month")
    asked(slow, "pm_slow", "stripe")
    wait(lambda: bool(Payment.objects.filter(order=slow, attempts=1)))
    for _ in range(2):
        quick = [ordered(UserFactory.create(), "pro-month") for _ in range(AT_ONCE)]
        for order in quick:
            asked(order, "pm_ok", "stripe")
        wait(partial(fulfilled, quick))
    assert statuses(slow) == ("pending", "pending")
    stripe.held["pm_slow"].set()
    wait(lambda: fulfilled([slow]))
    assert len(stripe.charged) == 1 + 2 * AT_ONCE
    assert set(stripe.charged.values()) == {1}


def test_the_answer_of_a_gateway_waits_for_a_lock_that_others_hold_for_long(products, stripe):
    user = UserFactory.create()
    order = ordered(user, "pro-month")
    payment = asked(order, "pm_ok", "stripe")
    with ThreadPoolExecutor(1) as beside:
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=user.pk)
            looking = beside.submit(look_at, payment)
            wait(lambda: bool(stripe.charged))
            # Longer than anybody else waits for a lock.
            with pytest.raises(TimeoutError):
                looking.result(timeout=2.5)
        assert looking.result(SECONDS)
    assert fulfilled([order])
    assert stripe.charged == {str(payment.pk): 1}

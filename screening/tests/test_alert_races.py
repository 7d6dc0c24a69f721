"""Real threads on the real database: what is bounded stays so, and what is deleted while it fires is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest
from django.db import OperationalError, connections

from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from accounts.tests.factories import UserFactory
from accounts.tests.parallel import in_parallel
from screening.alerts.outbox import tell_rooms
from screening.models import Alert, Notification
from screening.services.alerts import alert_delete
from screening.tests.alert_cases import Bench, alert, at, stock
from screening.tests.test_alert_rooms import logged

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]
PRICE = {"stock_code": "005930", "kind": "price", "condition": "above", "threshold": 100}


def test_parallel_calls_set_no_more_than_the_tier_allows(settings):
    settings.TIERS = {"free": {**settings.TIERS["free"], "alerts": 3}}
    stock()
    token = session_start(user=UserFactory.create()).access_token
    replies = in_parallel(8, lambda _: bearer(token).post("/v1/alerts", PRICE))
    assert sorted(reply.status_code for reply in replies) == [201] * 3 + [403] * 5
    assert Alert.objects.count() == 3


def _again(call: Callable[[], None]) -> None:
    """Call until a lock is had in time: so do a consumer, and a client that is answered with 503."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return call()
        except OperationalError:
            assert time.monotonic() < deadline


def test_alerts_that_are_deleted_while_they_fire_do_no_harm():
    user = UserFactory.create(tier="pro")
    alerts = [alert(user) for _ in range(40)]
    bench = Bench()
    bench.show(at(99))
    failed: list[BaseException] = []

    def delete() -> None:
        try:
            for one in alerts:
                _again(partial(alert_delete, user=user, alert_id=one.pk))
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            connections.close_all()

    thread = threading.Thread(target=delete)
    thread.start()
    price = 101
    while thread.is_alive():
        _again(partial(bench.show, at(price)))
        price = 200 - price
    thread.join(timeout=60)
    assert not failed
    assert not Alert.objects.exists()
    # One that is deleted is forgotten with its next move, or when all are read again.
    bench.read_anew()
    assert len(bench.evaluator._book) == 0


def test_several_that_tell_rooms_at_once_tell_each_once_and_in_order(redis_client):
    user = UserFactory.create(tier="pro")
    Notification.objects.bulk_create(
        Notification(
            user=user,
            arm=number,
            kind="price",
            condition="above",
            stock_code="AAPL",
            value=Decimal(number),
            as_of=datetime.now(UTC),
        )
        for number in range(1, 1_201)
    )

    def tell(_: int) -> None:
        tell_rooms()
        connections.close_all()

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    tell_rooms()
    assert [message["data"]["value"] for message in logged(redis_client, user.pk)] == list(range(1, 1_201))

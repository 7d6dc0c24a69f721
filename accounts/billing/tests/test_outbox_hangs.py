"""A process that hangs while it tells what has happened"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import Error, connection

from accounts.billing import outbox
from accounts.billing.models import OrderEvent
from accounts.billing.outbox import send_events
from accounts.billing.tests.cases import ordered
from accounts.outages import is_outage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]
SECONDS = 60
_begun, _go_on = threading.Event(), threading.Event()


def hang(series: str, events: Sequence[Any]) -> None:
    """As where Redis takes the events and the reply does not come."""
    _begun.set()
    assert _go_on.wait(SECONDS)


def hanging() -> Exception | None:
    try:
        send_events()
    except Error as error:
        return error
    finally:
        connection.close()
    return None


def test_others_tell_once_postgresql_has_ended_its_transaction(alice, products, settings, monkeypatch):
    monkeypatch.setattr(outbox, "SILENT_SECONDS", 1)
    ordered(alice, "pro-month")
    usual = settings.ACCOUNTS_PUBLISH
    settings.ACCOUNTS_PUBLISH = f"{__name__}.hang"
    with ThreadPoolExecutor(1) as beside:
        hangs = beside.submit(hanging)
        try:
            assert _begun.wait(SECONDS)
            settings.ACCOUNTS_PUBLISH = usual
            # It is somebody else's turn.
            assert send_events() == 0
            for _ in range(SECONDS * 10):
                if send_events():
                    break
                threading.Event().wait(0.1)
            assert not OrderEvent.objects.filter(sent_at=None).exists()
        finally:
            _go_on.set()
        error = hangs.result(SECONDS)
    assert error is not None and is_outage(error)

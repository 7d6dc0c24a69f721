"""Mails and webhooks on their way: tried until they are taken, farther and farther apart, and then dead.

A delivery is claimed before it is tried: its next time is set as if it had failed. So a process that dies
with it in hand leaves it to the next one, and what was sent may come twice; its id says that it is the same.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException
from uuid import UUID

from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from realtime.protocol.encoding import dumps
from screening.alerts.outbox import notification_data
from screening.alerts.sentences import sentence
from screening.models import Delivery, Notification, WebhookEndpoint
from screening.webhooks.posting import GONE, Outcome, post
from screening.webhooks.signing import HEADER, secret_of, signature

logger = logging.getLogger(__name__)

#: Seconds from one attempt to the next, about; after the last one it is dead: nearly 17 hours in all.
WAITS = (10, 60, 300, 1_200, 3_600, 10_800, 43_200)
MAX_ATTEMPTS = len(WAITS) + 1
LONGEST_WAIT_ASKED_FOR = 3_600.0
#: Failed attempts in a row after which nothing more is sent to an endpoint.
MAX_FAILURES = 20
#: Mails that one account gets within a day; a price that flaps must not fill a mailbox.
MAILS_A_DAY = 100
#: Sent at the same time, and to one endpoint of them, so that a slow one keeps nobody else waiting. Looked at
#: are some more. Longer than one attempt can take is how long they are ours.
AT_ONCE, TO_ONE, LOOKED_AT = 8, 2, 64
CLAIMED_FOR = timedelta(seconds=120)
_KEPT_ERROR = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """How many deliveries were tried, and what became of them."""

    sent: int = 0
    failed: int = 0
    dead: int = 0


def deliveries_send(*, seconds: float = 8.0) -> Sent:
    """Send what is due, for about so long; a few at the same time. The next task goes on with the rest."""
    began = time.monotonic()
    sent = failed = dead = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while time.monotonic() - began < seconds and (due := _claim(timezone.now())):
            full = _full_mailboxes(due, timezone.now())
            outcomes = pool.map(lambda delivery: _attempt(delivery, full), due)  # noqa: B023  used at once
            for delivery, outcome in zip(due, outcomes, strict=True):
                status = _record(delivery, outcome, timezone.now())
                sent += status == Delivery.Status.SENT
                failed += status == Delivery.Status.PENDING
                dead += status == Delivery.Status.DEAD
    return Sent(sent, failed, dead)


def deliveries_replay(*, deliveries: QuerySet[Delivery], now: datetime) -> int:
    """Send dead deliveries again from the first attempt on, to endpoints that are switched on.

    Returns how many those are.
    """
    on = Q(endpoint__isnull=True) | Q(endpoint__active=True)
    chosen = Delivery.objects.filter(on, pk__in=deliveries.order_by().values("pk"), status="dead")
    return Delivery.objects.filter(pk__in=chosen.values("pk")).update(
        status=Delivery.Status.PENDING, attempts=0, due_at=now, finished_at=None
    )


@transaction.atomic
def _claim(now: datetime) -> list[Delivery]:
    """Take deliveries that are due; nobody else takes them for a while."""
    due = Delivery.objects.filter(Delivery.OPEN, due_at__lte=now).order_by("due_at")
    ids: list[UUID] = []
    to_one: Counter[UUID] = Counter()
    for pk, endpoint_id in due.select_for_update(skip_locked=True).values_list("pk", "endpoint_id")[
        :LOOKED_AT
    ]:
        if endpoint_id is not None:
            to_one[endpoint_id] += 1
        if len(ids) < AT_ONCE and (endpoint_id is None or to_one[endpoint_id] <= TO_ONE):
            ids.append(pk)
    Delivery.objects.filter(pk__in=ids).update(attempts=F("attempts") + 1, due_at=now + CLAIMED_FOR)
    return list(Delivery.objects.filter(pk__in=ids).select_related("notification__user", "endpoint"))


def _full_mailboxes(due: Sequence[Delivery], now: datetime) -> set[UUID]:
    """The users among these who have had as many mails within a day as they get."""
    users = {one.notification.user_id for one in due if one.endpoint_id is None}
    day = now - timedelta(days=1)
    sent = Delivery.objects.filter(
        channel=Delivery.Channel.EMAIL,
        status=Delivery.Status.SENT,
        finished_at__gt=day,
        notification__user_id__in=users,
    )
    counts = sent.order_by().values("notification__user_id").annotate(mails=Count("pk"))
    return {row["notification__user_id"] for row in counts if row["mails"] >= MAILS_A_DAY}


def _attempt(delivery: Delivery, full: set[UUID]) -> Outcome:
    """Send it. Without the database: several run at once, each in a thread of its own."""
    if delivery.endpoint is None:
        if delivery.notification.user_id in full:
            return Outcome(error=f"more than {MAILS_A_DAY} mails within a day", final=True)
        return _mail(delivery.notification)
    if not delivery.endpoint.active:
        return Outcome(error="the webhook is switched off", final=True)
    return _post(delivery, delivery.endpoint)


def _mail(notification: Notification) -> Outcome:
    user = notification.user
    if not user.is_active:
        return Outcome(error="the account is switched off", final=True)
    if user.email_confirmed_at is None:
        # It may be somebody else's.
        return Outcome(error="the e-mail address is not confirmed", final=True)
    text = render_to_string(
        "screening/alert.txt", {"sentence": sentence(notification), "notification": notification}
    )
    try:
        send_mail(f"Alert: {sentence(notification)}", text, None, [user.email])
    except (SMTPException, OSError) as error:
        return Outcome(error=type(error).__name__)
    return Outcome()


def _post(delivery: Delivery, endpoint: WebhookEndpoint) -> Outcome:
    body = webhook_body(delivery.notification)
    now = int(time.time())
    headers = {
        HEADER: signature(secret_of(endpoint.pk, endpoint.secret_version), body, now),
        "X-Stockroom-Event": "alert",
        "X-Stockroom-Delivery": str(delivery.pk),
        "User-Agent": "Stockroom-Webhook/1",
    }
    return post(endpoint.url, body, headers, now=now)


def webhook_body(notification: Notification) -> bytes:
    """What is posted: the same bytes at each attempt."""
    return dumps({"type": "alert", "data": notification_data(notification)})


@transaction.atomic
def _record(delivery: Delivery, outcome: Outcome, now: datetime) -> str:
    """Note what became of an attempt; returns the status of the delivery."""
    status = Delivery.Status.PENDING
    if not outcome.error:
        status = Delivery.Status.SENT
    elif outcome.final or delivery.attempts >= MAX_ATTEMPTS:
        status = Delivery.Status.DEAD
    over = status != Delivery.Status.PENDING
    Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.PENDING).update(
        status=status,
        due_at=now if over else now + timedelta(seconds=_wait(delivery.attempts, outcome.wait)),
        finished_at=now if over else None,
        last_status=outcome.status,
        last_error=outcome.error[:_KEPT_ERROR],
    )
    if delivery.endpoint_id is not None:
        _judge(delivery.endpoint_id, outcome, now)
    if outcome.error:
        logger.info("delivery %s, attempt %d: %s", delivery.pk, delivery.attempts, outcome.error)
    return status


def _wait(attempts: int, asked: float | None) -> float:
    # Not all that failed together shall come back together.
    usual = WAITS[min(attempts, len(WAITS)) - 1] * random.uniform(0.9, 1.1)  # noqa: S311  no secret
    return max(usual, min(asked or 0.0, LONGEST_WAIT_ASKED_FOR))


def _judge(endpoint_id: UUID, outcome: Outcome, now: datetime) -> None:
    """Count the failures of an endpoint in a row, and switch it off where they are too many."""
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, active=True)
    if not outcome.error:
        endpoint.filter(failures__gt=0).update(failures=0)
        return
    endpoint.update(failures=F("failures") + 1)
    if outcome.status == GONE:
        because = "it answered 410 Gone"
    elif endpoint.filter(failures__gte=MAX_FAILURES).exists():
        because = f"{MAX_FAILURES} attempts failed in a row; the last one: {outcome.error}"
    else:
        return
    if endpoint.update(active=False, disabled_because=because[:_KEPT_ERROR]):
        logger.warning("webhook %s is switched off: %s", endpoint_id, because)
        waiting = Delivery.objects.filter(Delivery.OPEN, endpoint_id=endpoint_id)
        waiting.update(status=Delivery.Status.DEAD, finished_at=now, last_error="the webhook is switched off")


def deliveries_for(
    notification: Notification, *, by_email: bool, endpoints: Sequence[UUID]
) -> Iterable[Delivery]:
    """What is to be sent of a notification, not stored yet."""
    if by_email:
        yield Delivery(notification=notification, channel=Delivery.Channel.EMAIL)
    for endpoint_id in endpoints:
        yield Delivery(notification=notification, channel=Delivery.Channel.WEBHOOK, endpoint_id=endpoint_id)

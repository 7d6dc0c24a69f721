"""The addresses that a user's alerts are posted to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.tiers import tier
from screening.errors import WebhookExists, WebhookLimitReached, WebhookNotFound
from screening.models import WebhookEndpoint
from screening.webhooks.signing import secret_of


@dataclass(frozen=True, slots=True)
class IssuedWebhook:
    """An endpoint together with its secret, which is shown once."""

    row: WebhookEndpoint
    secret: str


def webhook_create(*, user: User, url: str) -> IssuedWebhook:
    """Add an endpoint; raises WebhookLimitReached and WebhookExists. ``url`` was checked by the guard."""
    try:
        with transaction.atomic():
            row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
            limit = tier(row.tier).webhooks
            if WebhookEndpoint.objects.filter(user=user).count() >= limit:
                raise WebhookLimitReached(limit=limit, tier=row.tier)
            return _issued(WebhookEndpoint.objects.create(user=user, url=url))
    except IntegrityError as error:
        raise WebhookExists from error


@transaction.atomic
def webhook_rotate(*, user: User, webhook_id: UUID) -> IssuedWebhook:
    """Give the endpoint another secret, at once; raises WebhookNotFound for any other id."""
    row = _locked(user, webhook_id)
    row.secret_version += 1
    row.save(update_fields=["secret_version"])
    return _issued(row)


@transaction.atomic
def webhook_switch(*, user: User, webhook_id: UUID, active: bool) -> WebhookEndpoint:
    """Switch an endpoint on or off; on, it begins without failures. Raises WebhookNotFound."""
    row = _locked(user, webhook_id)
    if active != row.active:
        row.active, row.failures, row.disabled_because = active, 0, ""
        row.save(update_fields=["active", "failures", "disabled_because"])
    return row


def webhook_delete(*, user: User, webhook_id: UUID) -> None:
    """Delete an endpoint with what was to be sent to it; raises WebhookNotFound for any other id."""
    deleted, _ = WebhookEndpoint.objects.filter(user=user, pk=webhook_id).delete()
    if not deleted:
        raise WebhookNotFound


def _locked(user: User, webhook_id: UUID) -> WebhookEndpoint:
    row = WebhookEndpoint.objects.select_for_update(of=("self",)).filter(user=user, pk=webhook_id).first()
    if row is None:
        raise WebhookNotFound
    return row


def _issued(row: WebhookEndpoint) -> IssuedWebhook:
    return IssuedWebhook(row=row, secret=secret_of(row.pk, row.secret_version))

"""Issue, use and revoke API keys."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import InternalError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.errors import ApiKeyLimitReached, ApiKeyNotFound
from accounts.keys import api_key_digest, api_key_generate, api_key_prefix
from accounts.models import ApiKey, User
from accounts.selectors import api_keys_of, api_keys_usable

logger = logging.getLogger(__name__)

MAX_KEYS = 100
USE_RECORDED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A stored key together with its text, which nobody can read again."""

    row: ApiKey
    text: str


@transaction.atomic
def api_key_issue(*, user: User, name: str, expires_at: datetime | None = None) -> IssuedKey:
    """Give the user one more key; raises ApiKeyLimitReached at 100 usable ones."""
    # The lock makes parallel calls count one after the other.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if api_keys_usable(user, now=timezone.now()).count() >= MAX_KEYS:
        raise ApiKeyLimitReached(limit=MAX_KEYS)
    text = api_key_generate()
    row = ApiKey.objects.create(
        user=user, name=name, prefix=api_key_prefix(text), digest=api_key_digest(text), expires_at=expires_at
    )
    return IssuedKey(row=row, text=text)


def api_key_revoke(*, user: User, key_id: UUID) -> None:
    """End a key of the user at once; raises ApiKeyNotFound for any other id."""
    if api_keys_revoke(keys=api_keys_of(user).filter(pk=key_id)) != 1:
        raise ApiKeyNotFound


def api_keys_revoke(*, keys: QuerySet[ApiKey]) -> int:
    """End the keys that are not revoked yet; returns how many those were."""
    return keys.order_by().filter(revoked_at__isnull=True).update(revoked_at=timezone.now())


def api_key_record_use(*, key: ApiKey, now: datetime) -> None:
    """Note when the key was last used, to the minute; a database that cannot write does not refuse a read."""
    before = now - USE_RECORDED_EVERY
    if key.last_used_at is not None and key.last_used_at > before:
        return
    try:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    except (InternalError, OperationalError) as error:
        logger.warning("the use of an API key was not recorded: %s", type(error).__name__)

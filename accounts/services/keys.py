"""Issue, use, rotate and revoke API keys."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import InternalError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.connection_cache import key_name
from accounts.errors import ApiKeyLimitReached, ApiKeyNotFound, ScopeMissing
from accounts.keys import api_key_digest, api_key_generate, api_key_prefix
from accounts.models import ApiKey, Scope, User
from accounts.models.keys import usual_scopes
from accounts.selectors import api_keys_of, api_keys_usable
from accounts.telling import tell
from accounts.tombstones import bury

logger = logging.getLogger(__name__)

MAX_KEYS = 100
USE_RECORDED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A stored key together with its text, which nobody can read again."""

    row: ApiKey
    text: str


@transaction.atomic
def api_key_issue(
    *, user: User, name: str, expires_at: datetime | None = None, scopes: Sequence[str] | None = None
) -> IssuedKey:
    """Give the user one more key, of the usual scopes where none are named.

    Raises ApiKeyLimitReached at 100 usable ones, and ScopeMissing where somebody who is not staff asks for a
    key with the scope `admin`.
    """
    if scopes is not None and Scope.ADMIN in scopes and not user.is_staff:
        raise ScopeMissing("A key of this account may not have the scope 'admin'.", needed=Scope.ADMIN.value)
    # The lock makes parallel calls count one after the other.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if api_keys_usable(user, now=timezone.now()).count() >= MAX_KEYS:
        raise ApiKeyLimitReached(limit=MAX_KEYS)
    text = api_key_generate()
    row = ApiKey.objects.create(
        user=user,
        name=name,
        prefix=api_key_prefix(text),
        digest=api_key_digest(text),
        expires_at=expires_at,
        scopes=usual_scopes() if scopes is None else sorted(set(scopes), key=Scope.values.index),
    )
    return IssuedKey(row=row, text=text)


@transaction.atomic
def api_key_rotate(*, user: User, key_id: UUID, grace: timedelta = timedelta(0)) -> IssuedKey:
    """Put another key in the place of one: the same name, scopes and end; the old one ends after ``grace``.

    Raises ApiKeyNotFound for any but a usable key of the user.
    """
    now = timezone.now()
    usable = api_keys_usable(user, now=now).select_for_update(no_key=True)
    old = usable.filter(pk=key_id).first()
    if old is None:
        raise ApiKeyNotFound
    expires_at = old.expires_at
    if grace:
        old.expires_at = min(now + grace, expires_at or datetime.max.replace(tzinfo=UTC))
        # What was remembered of the key is forgotten by this (accounts.signals).
        old.save(update_fields=["expires_at"])
    else:
        api_keys_revoke(keys=api_keys_of(user).filter(pk=old.pk))
    return api_key_issue(user=user, name=old.name, expires_at=expires_at, scopes=old.scopes)


def api_key_revoke(*, user: User, key_id: UUID) -> None:
    """End a key of the user at once; raises ApiKeyNotFound for any other id."""
    if api_keys_revoke(keys=api_keys_of(user).filter(pk=key_id)) != 1:
        raise ApiKeyNotFound


@transaction.atomic
def api_keys_revoke(*, keys: QuerySet[ApiKey]) -> int:
    """End the keys that are not revoked yet; returns how many those were."""
    usable = ApiKey.objects.filter(pk__in=keys.order_by().values("pk"), revoked_at__isnull=True)
    rows = list(usable.order_by("pk").select_for_update(no_key=True).values_list("pk", "prefix", "user_id"))
    names = [key_name(prefix) for _, prefix, _ in rows]
    bury(names)
    # Once more for what the first one could not be told while Redis was away.
    transaction.on_commit(lambda: bury(names))
    tell({user_id for *_, user_id in rows})
    ids = [pk for pk, *_ in rows]
    return ApiKey.objects.filter(pk__in=ids).update(revoked_at=timezone.now())


def api_key_record_use(*, key: ApiKey, now: datetime) -> None:
    """Note when the key was last used, to the minute; a database that cannot write does not refuse a read."""
    if key.last_used_at is None or key.last_used_at <= now - USE_RECORDED_EVERY:
        api_keys_record_use(ids=[key.pk], now=now)


def api_keys_record_use(*, ids: Sequence[UUID], now: datetime) -> None:
    """The same for several keys in one step."""
    unrecorded = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USE_RECORDED_EVERY)
    try:
        ApiKey.objects.filter(unrecorded, pk__in=ids).update(last_used_at=now)
    except (InternalError, OperationalError) as error:
        logger.warning("the use of an API key was not recorded: %s", type(error).__name__)

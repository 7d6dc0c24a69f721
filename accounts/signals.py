"""What was remembered of a session is forgotten when it goes or its user changes, whoever does it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver
from django.utils import timezone

from accounts import session_cache
from accounts.connection_cache import key_name
from accounts.models import ApiKey, Session, User
from accounts.selectors import api_keys_usable, sessions_of
from accounts.telling import tell
from accounts.tombstones import CHANGED_SECONDS, bury

# What an entry says, or what decides whether the user may come in at all.
_REMEMBERED = frozenset({"email", "tier", "is_active", "password"})


@receiver(post_save, sender=User)
def user_saved(instance: User, created: bool, update_fields: Any = None, **_: Any) -> None:
    """Forget the sessions of a user who is not as they were."""
    if created or (update_fields is not None and not _REMEMBERED & set(update_fields)):
        return
    forget_user(instance)


@receiver(pre_delete, sender=User)
def user_deleted(instance: User, **_: Any) -> None:
    forget_user(instance)


@receiver(post_delete, sender=Session)
def session_deleted(instance: Session, **_: Any) -> None:
    if instance.revoked_at is None and instance.expires_at > timezone.now():
        session_cache.forget([instance.pk])
        tell([instance.user_id])


@receiver(post_save, sender=Session)
def session_saved(instance: Session, created: bool, **_: Any) -> None:
    if not created:
        session_cache.forget([instance.pk])
        tell([instance.user_id])


@receiver(post_delete, sender=ApiKey)
def api_key_deleted(instance: ApiKey, **_: Any) -> None:
    if instance.revoked_at is None:
        bury([key_name(instance.prefix)])
        tell([instance.user_id])


@receiver(post_save, sender=ApiKey)
def api_key_saved(instance: ApiKey, created: bool, **_: Any) -> None:
    if not created:
        bury([key_name(instance.prefix)])
        tell([instance.user_id])


@receiver(user_logged_out)
def page_signed_out(user: User | None, **_: Any) -> None:
    """A cookie of the admin's session has ended."""
    if user is not None:
        tell([user.pk])


def forget_user(user: User) -> None:
    """Have the database asked again about every session and key of the user.

    Now, so that nobody acts on what was once the change is committed, and then again: some may have been
    opened meanwhile.
    """

    def forget() -> None:
        now = timezone.now()
        ids = sessions_of(user, now=now).values_list("pk", flat=True)
        session_cache.forget(ids, seconds=CHANGED_SECONDS)
        prefixes = api_keys_usable(user, now=now).order_by().values_list("prefix", flat=True)
        bury(map(key_name, prefixes), seconds=CHANGED_SECONDS)

    forget()
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(forget)
    tell([user.pk])

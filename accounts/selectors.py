"""What is read of users, sessions and keys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts.models import ApiKey, Session, User


def sessions_alive(*, now: datetime) -> QuerySet[Session]:
    """Sessions that are neither revoked nor expired and whose user may sign in."""
    return Session.objects.filter(revoked_at__isnull=True, expires_at__gt=now, user__is_active=True)


def api_keys_alive(*, now: datetime) -> QuerySet[ApiKey]:
    """Keys that are neither revoked nor expired and whose user may sign in."""
    usable = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return ApiKey.objects.filter(usable, revoked_at__isnull=True, user__is_active=True)


def users_active() -> QuerySet[User]:
    """Users who may sign in."""
    return User.objects.filter(is_active=True)


def sessions_of(user: User, *, now: datetime) -> QuerySet[Session]:
    """The user's sessions that are neither revoked nor expired, whether the user may sign in or not."""
    return Session.objects.filter(user_id=user.pk, revoked_at__isnull=True, expires_at__gt=now).order_by()


def session_find(*, session_id: UUID, user_id: UUID, now: datetime) -> Session | None:
    """The session while it is alive, with its user, in one query."""
    return sessions_alive(now=now).select_related("user").filter(pk=session_id, user_id=user_id).first()


def api_key_find(*, prefix: str) -> ApiKey | None:
    """The key with this public part, with its user, in one query; also when revoked or expired."""
    return ApiKey.objects.select_related("user").filter(prefix=prefix).first()


def api_keys_of(user: User) -> QuerySet[ApiKey]:
    """The user's keys that were not revoked, newest first."""
    return ApiKey.objects.filter(user=user, revoked_at__isnull=True).order_by("-created_at", "-id")


def api_keys_usable(user: User, *, now: datetime) -> QuerySet[ApiKey]:
    """The user's keys that open something at ``now``."""
    return api_keys_of(user).filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))


def registration_state(email: str) -> str:
    """A text that changes whenever a registration of ``email`` is confirmed; empty for an unknown address.

    One query whether the address is known or not.
    """
    newest = ApiKey.objects.filter(user=OuterRef("pk")).order_by("-created_at", "-id")
    row = (
        User.objects.filter(email=email)
        .annotate(newest_key=Subquery(newest.values("pk")[:1]))
        .values_list("pk", "newest_key")
        .first()
    )
    return f"{row[0]}:{row[1]}" if row else ""

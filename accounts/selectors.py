"""What is read of users, their sessions and keys, and of what they asked for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts.models import ApiKey, LoggedRequest, Session, Usage, User
from accounts.rows import Columns, select

_SESSION: Final = Columns(Session, "session")
_USER: Final = Columns(User, "owner")
# Most requests ask this.
_ALIVE: Final = (
    select(_SESSION, _USER)
    + """
  FROM accounts_session AS session JOIN accounts_user AS owner ON owner.id = session.user_id
 WHERE session.id = %s AND session.user_id = %s
   AND session.revoked_at IS NULL AND session.expires_at > %s AND owner.is_active
"""
)


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
    """The session while it is alive, as of ``sessions_alive``, with its user, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_ALIVE, [session_id, user_id, now])
        row = cursor.fetchone()
    if row is None:
        return None
    session = _SESSION.model(row[: len(_SESSION)])
    session.user = _USER.model(row[len(_SESSION) :])
    return session


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


class Place(NamedTuple):
    """Where a row of the request log stands."""

    at: datetime
    id: int


def requests_page(
    user: User,
    *,
    limit: int,
    start: datetime | None = None,
    end: datetime | None = None,
    after: Place | None = None,
    method: str = "",
    path: str = "",
    key: str | None = None,
    statuses: tuple[int, int] | None = None,
) -> list[LoggedRequest]:
    """Requests of a user, newest first, at most ``limit`` of them, in one query.

    From ``start`` to ``end``, both included; of a ``path`` that begins so; of an API key by its public part,
    or with an empty one those made signed in; with a status from the first to the last of ``statuses``.
    """
    found = LoggedRequest.objects.filter(user_id=user.pk)
    if start is not None:
        found = found.filter(at__gte=start)
    if end is not None:
        found = found.filter(at__lte=end)
    if after is not None:
        found = found.filter(Q(at__lt=after.at) | Q(at=after.at, id__lt=after.id), at__lte=after.at)
    if method:
        found = found.filter(method=method)
    if path:
        found = found.filter(path__startswith=path)
    if key is not None:
        found = found.filter(key=key)
    if statuses is not None:
        found = found.filter(status__range=statuses)
    return list(found.order_by("-at", "-id")[:limit])


def usage_of(user: User, *, first: date, last: date, key: str | None = None) -> QuerySet[Usage]:
    """What the user asked for on these days, the newest first; with one API key, or with "" signed in."""
    found = Usage.objects.filter(user_id=user.pk, day__range=(first, last))
    if key is not None:
        found = found.filter(key=key)
    return found.order_by("-day", "endpoint", "key")

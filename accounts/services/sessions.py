"""Sign-in, refresh and sign-out.

A session is a family of refresh tokens. Each is used once; one that comes back later was stolen or copied,
so the whole family ends.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import session_cache
from accounts.errors import InvalidRefreshToken, WrongCredentials
from accounts.models import RefreshToken, Session, User
from accounts.passwords import password_matches
from accounts.selectors import sessions_alive
from accounts.telling import tell
from accounts.tokens import access_token_issue, refresh_token_digest, refresh_token_generate

logger = logging.getLogger(__name__)

# Two calls of one client may carry the same token by accident: within this time only the later one fails.
REUSE_GRACE = timedelta(seconds=10)
KEPT_AFTER_END = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A user with the two tokens of a session; neither token can be read again from the database."""

    user: User
    access_token: str
    refresh_token: str


@transaction.atomic
def session_start(*, user: User) -> SignIn:
    """Open a session for a user who has proved who they are."""
    now = timezone.now()
    User.objects.filter(pk=user.pk).update(last_login=now)
    session = Session.objects.create(user=user, expires_at=now + settings.REFRESH_TOKEN_LIFETIME)
    return _tokens_issue(session)


def session_open(*, email: str, password: str) -> SignIn:
    """Sign in by password.

    Raises WrongCredentials, alike and after the same work for an unknown address, a wrong password and a
    user who is not active.
    """
    user = User.objects.filter(email=email).first()
    if not password_matches(password, user) or user is None or not user.is_active:
        raise WrongCredentials
    return session_start(user=user)


def session_refresh(*, refresh_token: str) -> SignIn:
    """Exchange a refresh token for a new pair; of parallel calls with one token exactly one succeeds.

    Raises InvalidRefreshToken for any other. A token used more than 10 s ago ends its session.
    """
    now = timezone.now()
    digest = refresh_token_digest(refresh_token)
    with transaction.atomic():
        # The guard on `used_at` stands in the WHERE of the row itself and not behind a join, because only
        # there PostgreSQL looks again after waiting for a parallel call.
        claimed = RefreshToken.objects.filter(
            digest=digest, used_at__isnull=True, session__in=sessions_alive(now=now)
        ).update(used_at=now)
        if claimed == 1:
            session = Session.objects.select_related("user").get(refresh_tokens=digest)
            Session.objects.filter(pk=session.pk).update(expires_at=now + settings.REFRESH_TOKEN_LIFETIME)
            return _tokens_issue(session)
    _session_end_when_reused(digest, now=now)
    raise InvalidRefreshToken


def session_end(*, session: Session, refresh_token: str | None = None) -> None:
    """Sign out: the session's tokens stop working at once.

    A ``refresh_token`` of another session of the same user ends that one too; any other is ignored.
    """
    ended = Q(pk=session.pk)
    if refresh_token is not None:
        digest = refresh_token_digest(refresh_token)
        ended |= Q(pk__in=RefreshToken.objects.filter(digest=digest).values("session"))
    sessions_end(sessions=Session.objects.filter(ended, user=session.user_id), because="logout")


def sessions_end_all(*, user: User) -> int:
    """Sign out everywhere: every session of the user ends at once; returns how many those were."""
    return sessions_end(sessions=Session.objects.filter(user=user), because="logout everywhere")


@transaction.atomic
def sessions_end(*, sessions: QuerySet[Session], because: str) -> int:
    """Revoke the sessions that are not revoked yet; returns how many those were."""
    alive = Session.objects.filter(pk__in=sessions.order_by().values("pk"), revoked_at__isnull=True)
    rows = list(alive.order_by("pk").select_for_update(no_key=True).values_list("pk", "user_id"))
    ids = [pk for pk, _ in rows]
    session_cache.forget(ids)
    # Once more for what the first one could not be told while Redis was away.
    transaction.on_commit(lambda: session_cache.forget(ids))
    tell({user_id for _, user_id in rows})
    return Session.objects.filter(pk__in=ids).update(revoked_at=timezone.now(), revoked_because=because)


@transaction.atomic
def sessions_prune(*, now: datetime, kept: timedelta = KEPT_AFTER_END) -> int:
    """Delete sessions that ended longer than ``kept`` ago, and refresh tokens used longer ago than they live.

    Returns how many sessions were deleted.
    """
    ended = now - kept
    RefreshToken.objects.filter(used_at__lt=now - max(settings.REFRESH_TOKEN_LIFETIME, kept)).delete()
    _, deleted = Session.objects.filter(Q(expires_at__lt=ended) | Q(revoked_at__lt=ended)).delete()
    return deleted.get(Session._meta.label, 0)


def _tokens_issue(session: Session) -> SignIn:
    refresh_token = refresh_token_generate()
    RefreshToken.objects.create(digest=refresh_token_digest(refresh_token), session=session)
    user = session.user
    access_token = access_token_issue(user_id=user.pk, session_id=session.pk, tier=user.tier)
    return SignIn(user=user, access_token=access_token, refresh_token=refresh_token)


def _session_end_when_reused(digest: bytes, *, now: datetime) -> None:
    reused = RefreshToken.objects.filter(digest=digest, used_at__lt=now - REUSE_GRACE)
    family = Session.objects.filter(pk__in=reused.values("session"))
    if sessions_end(sessions=family, because="refresh token reused"):
        logger.warning("a used refresh token came back; its session was ended")

"""Another password: by the old one, or by a link that was mailed."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.errors import InvalidLink, WrongPassword
from accounts.links import PASSWORD_RESET
from accounts.models import Session, User
from accounts.passwords import password_hash, password_matches
from accounts.selectors import api_keys_of
from accounts.services.keys import api_keys_revoke
from accounts.services.sessions import sessions_end


def password_change(*, session: Session, current_password: str, new_password: str) -> None:
    """Set another password. The session goes on, all others of the user end; keys stay.

    Raises WrongPassword; AccountsBusy when others wait for too long already.
    """
    if not password_matches(current_password, session.user):
        raise WrongPassword
    encoded = password_hash(new_password)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=session.user_id)
        # A parallel change was faster: this one knew the password of before.
        if user.password != session.user.password:
            raise WrongPassword
        _set(user, encoded)
        others = Session.objects.filter(user=user).exclude(pk=session.pk)
        sessions_end(sessions=others, because="password changed")


def password_reset(*, token: str, new_password: str, revoke_api_keys: bool = False) -> User:
    """Set another password by a mailed link, once. All sessions end, the keys too where that is asked for.

    Whoever has the link has the mailbox, so the address counts as confirmed. Raises InvalidLink; AccountsBusy
    when others wait for too long already.
    """
    owner = User.objects.filter(pk=PASSWORD_RESET.user_id(token)).first()
    if owner is None:
        raise InvalidLink
    # Nothing is hashed for a link that is used already.
    PASSWORD_RESET.check(token, owner)
    encoded = password_hash(new_password)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        PASSWORD_RESET.check(token, user)
        if user.email_confirmed_at is None:
            user.email_confirmed_at = timezone.now()
        _set(user, encoded)
        sessions_end(sessions=Session.objects.filter(user=user), because="password reset")
        if revoke_api_keys:
            api_keys_revoke(keys=api_keys_of(user))
    return user


def _set(user: User, encoded: str) -> None:
    user.password = encoded
    # What was remembered of the user is forgotten by this (accounts.signals).
    user.save(update_fields=["password", "email_confirmed_at"])

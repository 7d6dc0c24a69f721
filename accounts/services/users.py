"""Accounts, and what users may change of theirs."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import EmailTaken, InvalidLink
from accounts.links import EMAIL_CONFIRMATION
from accounts.models import User
from accounts.passwords import password_hash
from accounts.services.sessions import SignIn, session_start


def user_register(*, email: str, password: str, name: str) -> SignIn:
    """Store a user of the free tier and sign them in; raises EmailTaken.

    ``email`` is in lower case, ``password`` and ``name`` are checked by the door.
    """
    if User.objects.filter(email=email).exists():
        raise EmailTaken
    encoded = password_hash(password)
    with transaction.atomic():
        try:
            with transaction.atomic():
                user = User.objects.create(email=email, name=name, password=encoded)
        except IntegrityError as error:
            # A parallel call with the same address was faster.
            raise EmailTaken from error
        return session_start(user=user)


@transaction.atomic
def email_confirm(*, token: str) -> User:
    """Note that the address is the user's, by a mailed link, once; raises InvalidLink."""
    owner = EMAIL_CONFIRMATION.user_id(token)
    user = User.objects.select_for_update(no_key=True).filter(pk=owner).first()
    if user is None:
        raise InvalidLink
    EMAIL_CONFIRMATION.check(token, user)
    user.email_confirmed_at = timezone.now()
    user.save(update_fields=["email_confirmed_at"])
    return user


def user_rename(*, user: User, name: str) -> User:
    """Give the user another name."""
    user.name = name
    user.save(update_fields=["name"])
    return user


def user_deactivate(*, user: User) -> None:
    """Shut the user out: sessions, keys and open connections end with it; all that is theirs stays."""
    user.is_active = False
    user.save(update_fields=["is_active"])

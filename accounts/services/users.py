"""Accounts with a password."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.errors import EmailTaken
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

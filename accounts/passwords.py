"""Password hashing, bounded: each Argon2id hash takes 100 MB for its moment, so few run at a time."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.contrib.auth.hashers import check_password, make_password

from accounts.errors import AccountsBusy
from accounts.models import User

MAX_WAIT_SECONDS = 5.0
_slots = threading.BoundedSemaphore(os.cpu_count() or 1)


@contextmanager
def _hashing() -> Iterator[None]:
    if not _slots.acquire(timeout=MAX_WAIT_SECONDS):
        raise AccountsBusy
    try:
        yield
    finally:
        _slots.release()


def password_hash(password: str) -> str:
    """The Argon2id hash to store; raises AccountsBusy when others wait for too long already."""
    with _hashing():
        return make_password(password)


def password_matches(password: str, user: User | None) -> bool:
    """Whether it is the user's password. The work is the same for an unknown user and for one without any.

    Raises AccountsBusy when others wait for too long already.
    """
    with _hashing():
        if user is not None and user.has_usable_password():
            return user.check_password(password)
        check_password(password, _nobodys_hash())
        return False


@cache
def _nobodys_hash() -> str:
    return make_password(secrets.token_urlsafe(32))

"""Tells whoever keeps connections open that something of a user has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string


def tell(user_ids: Iterable[UUID]) -> None:
    """Have `settings.ACCOUNTS_TELL` called with the users, once what is changing is committed."""
    ids = list(user_ids)
    if ids:
        function: Callable[[list[UUID]], None] = import_string(settings.ACCOUNTS_TELL)
        transaction.on_commit(lambda: function(ids))

"""One effect for a request that is sent more than once with the same key.

The key's row is written in the transaction of the effect: after a crash both are there or neither is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from accounts.errors import KeyInFlight, KeyReused
from accounts.models import IdempotencyKey, User

KEPT_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply as it was sent: its status and the bytes of its body."""

    status: int
    body: bytes


def stored_reply(*, user: User, key: str, digest: bytes, now: datetime) -> StoredReply | None:
    """The reply that a key brought before; raises KeyReused where it came with another request."""
    live = IdempotencyKey.objects.filter(user=user, key=key, created_at__gt=now - KEPT_FOR)
    known = live.first()
    if known is None:
        return None
    if bytes(known.digest) != digest:
        raise KeyReused
    return StoredReply(known.status, bytes(known.body))


@transaction.atomic
def reply_once(
    *, user: User, key: str, digest: bytes, now: datetime, effect: Callable[[], StoredReply]
) -> tuple[StoredReply, bool]:
    """The reply of ``effect`` or, if the key brought one before, that one; and whether it did.

    Raises KeyInFlight while another request with this key is being carried out, and KeyReused. Whatever
    ``effect`` raises frees the key.
    """
    if not _claim(user, key):
        raise KeyInFlight
    known = stored_reply(user=user, key=key, digest=digest, now=now)
    if known is not None:
        return known, True
    # Those of the user that are over, this key's own among them.
    IdempotencyKey.objects.filter(user=user, created_at__lte=now - KEPT_FOR).delete()
    reply = effect()
    IdempotencyKey.objects.create(
        user=user, key=key, digest=digest, status=reply.status, body=reply.body, created_at=now
    )
    return reply, False


def _claim(user: User, key: str) -> bool:
    """Whether no other transaction is at work with the key; ends with this transaction, however it ends."""
    name = hashlib.sha256(f"idempotency:{user.pk}:{key}".encode()).digest()[:8]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(name, signed=True)])
        return bool(cursor.fetchone()[0])

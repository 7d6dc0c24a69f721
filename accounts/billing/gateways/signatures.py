"""Signed notices: an HMAC-SHA256 over time and body, as Stripe signs its webhooks.

``t=<Unix seconds>,v1=<hex>``, with several ``v1`` while a secret is being changed. The time is signed with
the body, so a notice that somebody kept is refused once it is old.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from accounts.billing.errors import NoticeRefused

TOLERANCE_SECONDS: Final = 300
_TIME = re.compile(r"[0-9]{1,12}", re.ASCII)
_MAX_PARTS = 20


def sign(secret: str, body: bytes, *, timestamp: int) -> str:
    """The value of the header."""
    return f"t={timestamp},v1={_digest(secret, body, timestamp)}"


def check(header: str, body: bytes, *, secrets: Sequence[str], now: datetime) -> None:
    """Raise NoticeRefused unless one of the secrets has signed the body within five minutes of ``now``."""
    parts = [part.partition("=") for part in header.split(",", _MAX_PARTS)[:_MAX_PARTS]]
    times = [value for name, _, value in parts if name.strip() == "t"]
    given = [value for name, _, value in parts if name.strip() == "v1"]
    if len(times) != 1 or _TIME.fullmatch(times[0]) is None:
        raise NoticeRefused
    timestamp = int(times[0])
    expected = [_digest(secret, body, timestamp) for secret in secrets if secret]
    # Every pair is compared, so that the time it takes says nothing.
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in given]
    if not any(matches) or abs(now.timestamp() - timestamp) > TOLERANCE_SECONDS:
        raise NoticeRefused


def _digest(secret: str, body: bytes, timestamp: int) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hexdigest()

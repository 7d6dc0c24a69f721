"""From which addresses a user has signed in: there nobody else's guesses can keep the user out.

Without it, whoever tries passwords from many addresses would use up what the account may try, and keep its
owner from trying.
"""

from __future__ import annotations

import hashlib
import logging

from accounts.redis import RedisAway, call

#: A user who does not come back for so long is a stranger again.
LIFE_SECONDS = 90 * 86_400

logger = logging.getLogger(__name__)


def is_familiar(*, email: str, address: str) -> bool:
    """Whether a user with this e-mail address has signed in from there lately; not while Redis is away."""
    try:
        return bool(call("EXISTS", _name(email, address)))
    except RedisAway:
        return False


def remember(*, email: str, address: str) -> None:
    """The user has signed in from there."""
    try:
        call("SET", _name(email, address), b"1", "EX", LIFE_SECONDS)
    except RedisAway as error:
        logger.info("an address is not remembered: %s", error)


def _name(email: str, address: str) -> str:
    digest = hashlib.blake2b(f"{email.lower()} {address}".encode(), digest_size=16).hexdigest()
    return f"familiar:{digest}"

"""Users, their sessions and API keys, and what they asked for."""

from accounts.models.idempotency import IdempotencyKey
from accounts.models.keys import ApiKey, Scope
from accounts.models.requests import LoggedRequest, Usage
from accounts.models.sessions import RefreshToken, Session
from accounts.models.users import Tier, User, UserManager

__all__ = [
    "ApiKey",
    "IdempotencyKey",
    "LoggedRequest",
    "RefreshToken",
    "Scope",
    "Session",
    "Tier",
    "Usage",
    "User",
    "UserManager",
]

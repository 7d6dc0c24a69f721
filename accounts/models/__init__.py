"""Users, their sessions and API keys, and the keys of requests."""

from accounts.models.idempotency import IdempotencyKey
from accounts.models.keys import ApiKey, Scope
from accounts.models.sessions import RefreshToken, Session
from accounts.models.users import Tier, User, UserManager

__all__ = ["ApiKey", "IdempotencyKey", "RefreshToken", "Scope", "Session", "Tier", "User", "UserManager"]

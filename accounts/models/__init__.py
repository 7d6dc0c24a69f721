"""Users, their sessions and their API keys."""

from accounts.models.keys import ApiKey, Scope
from accounts.models.sessions import RefreshToken, Session
from accounts.models.users import Tier, User, UserManager

__all__ = ["ApiKey", "RefreshToken", "Scope", "Session", "Tier", "User", "UserManager"]

"""Secrets in mailed links: signed, for one purpose, and used up by what they do.

Nothing of them is stored: a link states how the account stood when it was made, and what the link does
changes that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare

from accounts.errors import InvalidLink
from accounts.models import User


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a link is for.

    Attributes:
        name: no link of another name is taken for one of this.
        path: of the page that it opens.
        lifetime: no older one is good.
        state: what of the account is other once the link has done its work.
    """

    name: str
    path: str
    lifetime: timedelta
    state: Callable[[User], str]

    @property
    def hours(self) -> int:
        return int(self.lifetime.total_seconds() // 3600)

    def link(self, user: User) -> str:
        """The address of the page, with a fresh secret."""
        secret = signing.dumps({"user": str(user.pk), "state": self._digest(user)}, salt=self._salt)
        return f"{settings.PUBLIC_URL}{self.path}?token={secret}"

    def user_id(self, token: str) -> UUID:
        """Whose link it is; raises InvalidLink for one that is forged, old or of another purpose."""
        return UUID(self._claims(token)["user"])

    def check(self, token: str, user: User) -> None:
        """Raises InvalidLink where the link is not this user's, or has done its work already."""
        claims = self._claims(token)
        is_good = claims["user"] == str(user.pk) and constant_time_compare(
            claims["state"], self._digest(user)
        )
        if not is_good or not user.is_active:
            raise InvalidLink

    @property
    def _salt(self) -> str:
        return f"accounts.{self.name}"

    def _claims(self, token: str) -> dict[str, str]:
        try:
            claims: dict[str, str] = signing.loads(token, salt=self._salt, max_age=self.lifetime)
        except signing.BadSignature as error:
            raise InvalidLink from error
        return claims

    def _digest(self, user: User) -> str:
        return sha256(self.state(user).encode()).hexdigest()


#: Sets another password.
PASSWORD_RESET = Purpose(
    "password-reset",
    "/v1/auth/password/reset",
    timedelta(hours=1),
    lambda user: f"{user.email} {user.password}",
)
#: Proves that the address is the user's.
EMAIL_CONFIRMATION = Purpose(
    "email-confirmation",
    "/v1/auth/email/confirm",
    timedelta(hours=24),
    lambda user: f"{user.email} {user.email_confirmed_at}",
)

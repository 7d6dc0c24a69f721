"""Access tokens (signed, short-lived) and the secrets of refresh tokens (opaque, single-use).

An access token proves a session, not more: whoever accepts one looks the session up, so that a logout or
a change of tier holds at once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
import orjson
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken as SimpleAccessToken

from accounts.errors import InvalidToken

ALGORITHM = "HS256"
MAX_LENGTH = 2048
_REQUIRED = ["exp", "iat", "jti", "iss", "aud", "sub", "sid"]
# What one of ours holds, no more.
_CLAIMS = frozenset({*_REQUIRED, "typ", "tier"})


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says, once its signature, audience, issuer, type and expiry are checked."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime


def key_id(signing_key: str) -> str:
    """The public name of a signing key, written into the header ``kid`` of every token it signs."""
    return hashlib.sha256(b"kid:" + signing_key.encode()).hexdigest()[:16]


class KeyedBackend(TokenBackend):
    """Signs with our key and names it in the header; accepts HS256 under that name and key, no more."""

    def __init__(self) -> None:
        self.key: str = settings.JWT_SIGNING_KEY
        super().__init__(
            ALGORITHM, signing_key=self.key, audience=api_settings.AUDIENCE, issuer=api_settings.ISSUER
        )

    def encode(self, payload: dict[str, Any]) -> str:
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        return jwt.encode(claims, self.key, algorithm=ALGORITHM, headers={"kid": key_id(self.key)})

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        try:
            if jwt.get_unverified_header(token).get("kid") != key_id(self.key):
                raise TokenBackendError("unknown key")
            return jwt.decode(
                token,
                self.key,
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                options={"require": _REQUIRED, "strict_aud": True},
            )
        except jwt.InvalidTokenError as error:
            raise TokenBackendError("invalid token") from error


class AccessToken(SimpleAccessToken):
    """simplejwt's access token over our backend; its type claim is ``typ``, by setting."""

    def get_token_backend(self) -> TokenBackend:
        return KeyedBackend()


def access_token_issue(*, user_id: UUID, session_id: UUID, tier: str) -> str:
    """A signed token of the session; the ``tier`` in it informs the client and decides nothing here."""
    token = AccessToken()
    token["sub"], token["sid"], token["tier"] = str(user_id), str(session_id), tier
    return str(token)


def access_token_read(token: str) -> AccessClaims:
    """The claims of a token; raises InvalidToken for everything that this server did not sign for itself."""
    if not token.isascii() or len(token) > MAX_LENGTH:
        raise InvalidToken
    try:
        claims = _own_claims(token)
        if claims is None:
            claims = AccessToken(token).payload  # type: ignore[arg-type]  # it takes the text, its hint errs
        return AccessClaims(
            user_id=UUID(claims["sub"]),
            session_id=UUID(claims["sid"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
    except (TokenError, TokenBackendError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidToken from error


def _own_claims(token: str) -> dict[str, Any] | None:
    """The claims of a token exactly as we write and sign one, in a tenth of the time.

    None for any other, good or bad: the libraries decide about it. After a restart thousands of clients come
    back at once, each with a token that this process has not seen.
    """
    head, _, signature = token.rpartition(".")
    header, _, body = head.partition(".")
    key: str = settings.JWT_SIGNING_KEY
    if header != _own_header(key):
        return None
    expected = _encoded(hmac.digest(key.encode(), head.encode(), "sha256"))
    if not hmac.compare_digest(expected, signature):
        return None
    claims = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    now = time.time()
    ours = (
        isinstance(claims, dict)
        and claims.keys() == _CLAIMS
        and claims["iss"] == api_settings.ISSUER
        and claims["aud"] == api_settings.AUDIENCE
        and claims["typ"] == AccessToken.token_type
        and type(claims["exp"]) is type(claims["iat"]) is int
        and claims["iat"] <= now < claims["exp"]
    )
    return claims if ours else None


@lru_cache(maxsize=4)
def _own_header(key: str) -> str:
    token = jwt.encode({}, key, algorithm=ALGORITHM, headers={"kid": key_id(key)})
    return token.partition(".")[0]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def refresh_token_generate() -> str:
    """A fresh secret of 256 bits, as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def refresh_token_digest(token: str) -> bytes:
    """What is stored of a refresh token. Its 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()

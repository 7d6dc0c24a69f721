"""Who sends a request: ``Authorization: Bearer`` (access token) or ``Token`` (API key), or ``X-API-Key``."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts import session_cache
from accounts.errors import AccountsError, InvalidApiKey, InvalidToken, ScopeMissing
from accounts.keys import api_key_digest, api_key_prefix
from accounts.models import ApiKey, Scope, Session, User
from accounts.selectors import api_key_find, session_find
from accounts.services.keys import api_key_record_use
from accounts.tickets import Maker
from accounts.token_cache import tokens
from accounts.tokens import AccessClaims

#: In the WSGI environment: a request that found no entry of its session, so that one is worth writing.
REMEMBER = "stockroom.remember"
_SCHEMES = ("bearer", "token")


def session_prove(token: str) -> tuple[Session, AccessClaims]:
    """The live session of an access token, with its user; raises InvalidToken. One query."""
    known, asked_at = tokens.read(token), time.monotonic()
    claims = known.claims
    session = session_find(session_id=claims.session_id, user_id=claims.user_id, now=timezone.now())
    if session is None:
        raise InvalidToken
    known.alive_at = asked_at
    return session, claims


def api_key_prove(text: str) -> ApiKey:
    """The stored key of a text, with its user; raises InvalidApiKey. One query, none for a bad checksum."""
    now = timezone.now()
    key = api_key_find(prefix=api_key_prefix(text))
    if key is None or not hmac.compare_digest(bytes(key.digest), api_key_digest(text)):
        raise InvalidApiKey
    if key.revoked_at is not None or not key.user.is_active:
        raise InvalidApiKey
    if key.expires_at is not None and key.expires_at <= now:
        raise InvalidApiKey
    api_key_record_use(key=key, now=now)
    return key


def maker_of(request: Request) -> Maker:
    """The credential that a request was made with, as what stands behind a ticket."""
    if isinstance(request.auth, ApiKey):
        key = request.auth
        return Maker(key.user_id, session_id=None, key_prefix=key.prefix, expires_at=key.expires_at)
    claims = tokens.read(_credential(request)[1]).claims
    return Maker(claims.user_id, claims.session_id, key_prefix="", expires_at=claims.expires_at)


def _credential(request: Request) -> tuple[str, str]:
    """Scheme in lower case and credential of the Authorization header; two empty texts without one."""
    header = get_authorization_header(request).decode("latin-1").strip()
    if not header:
        return "", ""
    scheme, *rest = header.split()
    if scheme.lower() not in _SCHEMES or len(rest) != 1:
        raise AuthenticationFailed(
            "The Authorization header must be 'Bearer <access token>' or 'Token <API key>'."
        )
    return scheme.lower(), rest[0]


def scope_needed(request: Request) -> str:
    """The scope that a key needs for a request.

    To read is `read` and to change is `trade`, where the view's ``key_scopes`` name no other for the method.
    """
    named: Mapping[str, str] = getattr((request.parser_context or {}).get("view"), "key_scopes", {})
    usual = Scope.READ if request.method in SAFE_METHODS else Scope.TRADE
    return named.get(str(request.method), usual.value)


class BearerAuthentication(BaseAuthentication):
    """``request.user`` is the user, ``request.auth`` the Session."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        scheme, credential = _credential(request)
        if scheme != "bearer":
            return None
        try:
            session, _ = session_prove(credential)
        except AccountsError as error:
            raise AuthenticationFailed(error.message) from error
        if REMEMBER in request.META:
            session_cache.remember(session)
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiKeyAuthentication(BaseAuthentication):
    """``request.user`` is the user, ``request.auth`` the ApiKey.

    Raises ScopeMissing for what the key is not for.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, credential = _credential(request)
        text = credential if scheme == "token" else request.headers.get("X-API-Key", "").strip()
        if not text:
            return None
        try:
            key = api_key_prove(text)
        except AccountsError as error:
            raise AuthenticationFailed(error.message) from error
        if (scope := scope_needed(request)) not in key.scopes:
            raise ScopeMissing(needed=scope, scopes=key.scopes)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Token"

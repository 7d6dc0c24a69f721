"""Who holds the cookie of a session of the admin or of a page, for connections that stay open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import psycopg
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

from accounts.models import User
from accounts.principal import Principal


@dataclass(frozen=True, slots=True)
class CookiePrincipal(Principal):
    """``cookie`` names the session, to look at it again."""

    cookie: str = field(default="", repr=False)


def authenticate_cookie(cookie: str) -> CookiePrincipal | None:
    """The user who has signed in with the cookie; None where it is refused, or was signed out."""
    request = HttpRequest()
    request.session = SessionStore(cookie)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    return CookiePrincipal(
        user_id=user.pk,
        email=user.email,
        tier=user.tier,
        expires_at=request.session.get_expiry_date(),
        cookie=cookie,
    )


def recheck_cookies(principals: Iterable[CookiePrincipal]) -> list[CookiePrincipal | Exception | None]:
    """The same users as they are now; None for one who has signed out, an error where it is not known."""
    return [_again(principal) for principal in principals]


def _again(principal: CookiePrincipal) -> CookiePrincipal | Exception | None:
    try:
        return authenticate_cookie(principal.cookie)
    except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
        # An exhausted pool raises psycopg's error, which Django does not wrap.
        return error

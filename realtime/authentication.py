"""Who is at the other end: functions named in the settings turn tokens into principals, many at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from realtime.protocol.frames import MAX_SESSION, MAX_TOKEN


class Principal(Protocol):
    """A signed-in user. ``expires_at`` is when the token ends, None for one that does not.

    It is kept as long as the connection and holds whatever `REALTIME_RECHECK` needs to look at the user
    again, but not the token.
    """

    @property
    def user_id(self) -> UUID: ...

    @property
    def tier(self) -> str: ...

    @property
    def expires_at(self) -> datetime | None: ...


#: A principal; None for somebody who is refused; an error where it could not be found out.
Finding = Principal | None | Exception


def authenticate(tokens: Sequence[str]) -> list[Finding]:
    """What `settings.REALTIME_AUTHENTICATE` finds behind each token. May use the ORM.

    An error in place of a finding concerns that token alone; one that is raised concerns all of them.
    """
    plausible = [token.isascii() and token.isprintable() for token in tokens]
    asked = list(itertools.compress(tokens, plausible))
    found = iter(_named("REALTIME_AUTHENTICATE")(asked) if asked else ())
    return [next(found) if one else None for one in plausible]


def recheck(principals: Sequence[Principal]) -> list[Finding]:
    """What `settings.REALTIME_RECHECK` finds of users who are signed in: as they are now. May use the ORM."""
    return list(_named("REALTIME_RECHECK")(principals)) if principals else []


def _named(setting: str) -> Callable[[Sequence[Any]], Sequence[Finding]]:
    function: Callable[[Sequence[Any]], Sequence[Finding]] = import_string(getattr(settings, setting))
    return function


def authenticate_cookie(cookie: str) -> Principal | None:
    """The principal whose browser holds this cookie; None where it is refused. May use the ORM."""
    function: Callable[[str], Principal | None] = import_string(settings.REALTIME_AUTHENTICATE_COOKIE)
    return function(cookie)


def offered_token(scope: dict[str, Any]) -> str | None:
    """The token of a handshake: in a header, or `?token=`, or a ticket as `?ticket=`; None without.

    A browser can set no header, so for it there are the query and the first frame.
    """
    # Reversed, so that the first of repeated headers counts.
    headers = dict(reversed(scope.get("headers", [])))
    return (
        header_token(headers)
        or _parameter(scope, "token", MAX_TOKEN)
        or _parameter(scope, "ticket", MAX_TOKEN)
        or None
    )


def header_token(headers: Mapping[bytes, bytes]) -> str | None:
    """The token in `Authorization: Bearer|Token …` or `X-API-Key`; None without."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").strip().partition(" ")
    if token and scheme.lower() in ("bearer", "token"):
        return token.strip()[:MAX_TOKEN]
    return headers.get(b"x-api-key", b"").decode("latin-1").strip()[:MAX_TOKEN] or None


def offered_session(scope: dict[str, Any]) -> str:
    """The earlier connection that a handshake says it takes the place of, `?session=`, or an empty text."""
    return _parameter(scope, "session", MAX_SESSION)


def _parameter(scope: dict[str, Any], name: str, longest: int) -> str:
    written = scope.get("query_string", b"")
    if not written:
        return ""
    try:
        query = parse_qs(written.decode("latin-1"), max_num_fields=20)
    except ValueError:
        return ""
    return query[name][0][:longest] if name in query else ""

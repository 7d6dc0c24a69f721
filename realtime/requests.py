"""What a client asks of the stream of events: credential, rooms and where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from realtime.authentication import header_token
from realtime.protocol.event_stream import MAX_ROOMS, BadEventId, parse_event_id
from realtime.protocol.frames import MAX_TOKEN
from realtime.protocol.position import Position
from realtime.replies import Refused, Scope

_PARAMETERS = ("last_event_id", "rooms", "session", "ticket")


@dataclass(frozen=True, slots=True)
class Credential:
    """A text that proves who asks. ``cookie``: it is the session of a browser, which has rules of its own."""

    text: str = field(repr=False)
    cookie: bool = False


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """``rooms`` is None where the client leaves them to the server."""

    credential: Credential | None
    rooms: tuple[str, ...] | None
    since: Mapping[str, Position]


def read(scope: Scope) -> StreamRequest:
    """The request as it is meant; raises Refused."""
    # Reversed, so that the first of repeated headers counts.
    headers = dict(reversed(scope["headers"]))
    if not _is_our_host(headers):
        raise Refused(400, "VALIDATION_ERROR", "Bad request.")
    if scope["method"] != "GET":
        raise Refused(
            405,
            "METHOD_NOT_ALLOWED",
            f"Method {scope['method']!r} not allowed.",
            headers=((b"allow", b"GET"),),
        )
    if b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0":
        raise Refused(400, "VALIDATION_ERROR", "This request takes no body.")
    query = _query(scope)
    # The header is newer: a browser that reconnects asks for the address it was given at first.
    last_id = headers.get(b"last-event-id", b"").decode("latin-1").strip() or query.get("last_event_id", "")
    rooms = None if "rooms" not in query else room_names(query["rooms"])
    if rooms is not None and not 1 <= len(rooms) <= MAX_ROOMS:
        raise _invalid("rooms", f"1 to {MAX_ROOMS} rooms, with commas between them")
    return StreamRequest(_credential(headers, query), rooms, _since(last_id))


def room_names(text: str) -> tuple[str, ...]:
    """The names in a list with commas. A comma may stand in a name: what holds no colon belongs to the name
    before it.
    """
    names: list[str] = []
    for part in text.split(","):
        if ":" in part or not names:
            names.append(part.strip())
        elif part:
            names[-1] += f",{part}"
    return tuple(dict.fromkeys(name for name in names if name))


def _query(scope: Scope) -> dict[str, str]:
    try:
        given = parse_qs(
            scope.get("query_string", b"").decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=20,
        )
    except ValueError:
        raise Refused(400, "VALIDATION_ERROR", "The query cannot be read.") from None
    for name, values in given.items():
        if name not in _PARAMETERS:
            raise _invalid(name[:80], f"unknown field; allowed: {', '.join(_PARAMETERS)}")
        if len(values) > 1:
            raise _invalid(name, "given more than once")
    return {name: values[0] for name, values in given.items()}


def _since(last_id: str) -> dict[str, Position]:
    try:
        return parse_event_id(last_id) if last_id else {}
    except BadEventId as error:
        raise _invalid("last_event_id", str(error)) from None


def _invalid(name: str, problem: str) -> Refused:
    return Refused(400, "VALIDATION_ERROR", "Invalid request parameters", details={name: [problem]})


def _credential(headers: Mapping[bytes, bytes], query: Mapping[str, str]) -> Credential | None:
    if token := header_token(headers) or query.get("ticket", "")[:MAX_TOKEN]:
        return Credential(token)
    cookie = _session_cookie(headers)
    if cookie is None:
        return None
    if not _is_same_origin(headers):
        raise Refused(403, "FORBIDDEN", "A page of another site may not use this site's cookie.")
    return Credential(cookie, cookie=True)


def _session_cookie(headers: Mapping[bytes, bytes]) -> str | None:
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    return cookies.get(settings.SESSION_COOKIE_NAME, "")[:MAX_TOKEN] or None


def _is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page of ours asks, or a program: that is no browser and says neither."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    return origin is None or urlsplit(origin).netloc == headers.get(b"host")


def _is_our_host(headers: Mapping[bytes, bytes]) -> bool:
    domain, _ = split_domain_port(headers.get(b"host", b"").decode("latin-1"))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)

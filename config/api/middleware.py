"""What every request gets: an id and a line in the request log."""

from __future__ import annotations

import hashlib
import logging
import re
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.functional import SimpleLazyObject

logger = logging.getLogger("stockroom.requests")

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Gives each request an id, the caller's own ``X-Request-ID`` where it is well formed."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _ACCEPTED_ID.fullmatch(given) else str(uuid.uuid4())
        setattr(request, "request_id", request_id)  # noqa: B010 (HttpRequest declares no such attribute)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class ConditionalReadMiddleware:
    """Gives every read of the API an ``ETag``, and answers 304 to a client that has that very reply.

    Also where the reply may be kept by no cache: a program that asks every few seconds holds the last answer
    itself, and then learns in a few bytes that nothing has changed.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            request.method not in ("GET", "HEAD")
            or response.status_code != 200
            or response.streaming
            or not request.path.startswith("/v1/")
        ):
            return response
        if not response.has_header("ETag"):
            response["ETag"] = entity_tag(response.content)
        return get_conditional_response(request, etag=response["ETag"], response=response) or response


def entity_tag(body: bytes) -> str:
    """The ``ETag`` of a reply with this body: the same body, the same tag."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


class RequestLogMiddleware:
    """Writes one line a request: method, path, who asked, status, milliseconds, request id.

    The query string is left out, because tokens and e-mail addresses travel there.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        milliseconds = (time.perf_counter() - started) * 1000
        logger.info(
            "%s %s %s %d %.1fms %s",
            printable(request.method or ""),
            printable(request.path),
            printable(_principal(request)),
            response.status_code,
            milliseconds,
            getattr(request, "request_id", "-"),
        )
        return response


def _principal(request: HttpRequest) -> str:
    # DRF keeps the user it authenticated on the Django request as well. Where nobody asked who it is, neither
    # does the log: the database would be read for a page that needs none, and may be what is down.
    user = getattr(request, "user", None)
    if isinstance(user, SimpleLazyObject) and not hasattr(request, "_cached_user"):
        return "AnonymousUser"
    return str(user) if user is not None and user.is_authenticated else "AnonymousUser"


def printable(text: str) -> str:
    """The first 300 characters of ``text`` as one word: spaces and control characters are escaped."""
    return "".join(map(_escaped, text[:300]))


def _escaped(character: str) -> str:
    if character == " ":
        return "\\x20"
    return character if character.isprintable() else character.encode("unicode_escape").decode()

"""What every request gets: an id, a line in the file of requests and a row in the request log."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.functional import SimpleLazyObject

from accounts.models import ApiKey, User
from accounts.request_writer import request_writer
from accounts.services.request_log import Entry
from config.api.door import address_in
from config.logs import redact
from config.request_file import RequestFile

logger = logging.getLogger("stockroom.requests")

#: Who asks where nobody has signed in.
NOBODY = "AnonymousUser"

# What is printable and no space, which is nearly every text.
_PLAIN = re.compile(r"[!-~]*")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
GetResponse = Callable[[HttpRequest], HttpResponse]


def accepted_id(given: str) -> str:
    """The caller's own id of a request where it is well formed, else a fresh one."""
    return given if _ACCEPTED_ID.fullmatch(given) else fresh_id()


def fresh_id() -> str:
    """A random UUID, without the object that stands for one."""
    digits = secrets.token_hex(16)
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


class RequestIdMiddleware:
    """Gives each request an id, the caller's own ``X-Request-ID`` where it is well formed."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = accepted_id(request.headers.get("X-Request-ID", ""))
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
    """Logs each request: method, path, who asked, status, milliseconds, request id.

    The query string is left out, because tokens and e-mail addresses travel there.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        user, auth = _user(request), getattr(request, "auth", None)
        match = request.resolver_match
        log_request(
            method=request.method or "",
            path=request.path,
            principal=NOBODY if user is None else str(user),
            status=response.status_code,
            seconds=time.perf_counter() - started,
            request_id=getattr(request, "request_id", "-"),
            user_id=None if user is None else user.pk,
            key=auth.prefix if isinstance(auth, ApiKey) else "",
            endpoint="" if match is None else endpoint_of(match.route),
            address=address_in(request.META),
        )
        return response


def log_request(
    *,
    method: str,
    path: str,
    principal: str,
    status: int,
    seconds: float,
    request_id: str,
    user_id: UUID | None = None,
    key: str = "",
    endpoint: str = "",
    address: str = "",
) -> None:
    """Write the line of one request, and hand its row over.

    ``endpoint`` is the route with its parameters by name; ``key`` the public part of the API key.
    """
    method, path = printable(method)[:16], printable(path)
    if logger.isEnabledFor(logging.INFO):
        line = f"{method} {path} {printable(principal)} {status} {seconds * 1000:.1f}ms {request_id}"
        logger.handle(_Line(line))
    if settings.REQUEST_LOG != "off":
        entry = Entry(
            at=datetime.now(UTC),
            request_id=request_id,
            method=method,
            path=_redacted(path),
            endpoint=endpoint[:200],
            status=status,
            microseconds=int(seconds * 1_000_000),
            user_id=user_id,
            key=key,
            address=address,
        )
        request_writer.put(entry)


@contextmanager
def logged_together() -> Iterator[None]:
    """Write the lines of the requests that this thread logs meanwhile in one step."""
    with ExitStack() as stack:
        for handler in logger.handlers:
            if isinstance(handler, RequestFile):
                stack.enter_context(handler.together())
        yield


_LIKE_ALL = logging.LogRecord(logger.name, logging.INFO, __file__, 0, "", None, None)


class _Line(logging.LogRecord):
    """A record of one request: where it comes from is always here, and need not be found out."""

    def __init__(self, line: str) -> None:
        self.__dict__.update(_LIKE_ALL.__dict__)
        now = time.time()
        self.msg = line
        self.created = now
        self.msecs = float(int((now - int(now)) * 1000))
        self.relativeCreated += (now - _LIKE_ALL.created) * 1000
        self.process = os.getpid()
        thread = threading.current_thread()
        self.thread, self.threadName = thread.ident, thread.name


@lru_cache(maxsize=1024)
def _redacted(path: str) -> str:
    return redact(path)[:300]


def _user(request: HttpRequest) -> User | None:
    # DRF keeps the user it authenticated on the Django request as well. Where nobody asked who it is, neither
    # does the log: the database would be read for a page that needs none, and may be what is down.
    user: Any = getattr(request, "user", None)
    if user is None or (isinstance(user, SimpleLazyObject) and not hasattr(request, "_cached_user")):
        return None
    return user if user.is_authenticated else None


@lru_cache(maxsize=1024)
def endpoint_of(route: str) -> str:
    """A route of Django's as people write it: `/v1/stocks/{code}`."""
    return "/" + _PARAMETER.sub(r"{\1}", route)


def printable(text: str) -> str:
    """The first 300 characters of ``text`` as one word: spaces and control characters are escaped."""
    text = text[:300]
    return text if _PLAIN.fullmatch(text) else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character == " ":
        return "\\x20"
    return character if character.isprintable() else character.encode("unicode_escape").decode()

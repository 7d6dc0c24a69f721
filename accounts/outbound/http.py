"""One session for requests that leave the house: each bounded in time and size, none redirected.

A request ends after a deadline that covers the whole exchange (a server that sends a byte a second included),
reads at most a bounded number of bytes after inflation, and follows no redirect.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

from curl_cffi import requests
from curl_cffi.curl import CURL_WRITEFUNC_ERROR
from curl_cffi.requests.exceptions import RequestException

DEADLINE_SECONDS = 5.0
MAX_BYTES = 5 * 1024 * 1024


class BodyTooLarge(RequestException):
    """The body went past its bound."""


class BoundedSession(requests.Session):
    """A session whose every request is bounded so.

    ``before`` is called ahead of each request with its method and address, and returns the address to use in
    its place; it may raise, for example when a budget is used up. A request's own timeout, in seconds, can
    only shorten its deadline.
    """

    def __init__(
        self,
        *,
        seconds: float = DEADLINE_SECONDS,
        max_bytes: int = MAX_BYTES,
        before: Callable[[str, str], str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            allow_redirects=False,
            trust_env=False,
            **options,
        )
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._before = before

    def request(self, method: Any, url: str, *arguments: Any, **options: Any) -> Any:
        if self._before is not None:
            url = self._before(str(method), url)
        body = bytearray()
        too_large = False

        def collect(chunk: bytes) -> int | None:
            nonlocal too_large
            if len(body) + len(chunk) > self._max_bytes:
                too_large = True
                return CURL_WRITEFUNC_ERROR
            body.extend(chunk)
            return len(chunk)

        options["timeout"] = min(self._seconds, options.get("timeout", self._seconds))
        options["allow_redirects"] = False
        options["stream"] = False
        options["content_callback"] = collect
        try:
            response = super().request(method, url, *arguments, **options)
        except RequestException:
            if too_large:
                raise BodyTooLarge(f"the body is larger than {self._max_bytes} bytes") from None
            raise
        response.content = bytes(body)
        return response


def reason(error: RequestException) -> str:
    """Why a request failed, in words without its address."""
    if isinstance(error, BodyTooLarge):
        return "the body has no end within the bound"
    return type(error).__name__


def retry_after(value: str | None, *, now: float) -> float | None:
    """The seconds of a Retry-After header, which may be a number or a date."""
    if not value:
        return None
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None

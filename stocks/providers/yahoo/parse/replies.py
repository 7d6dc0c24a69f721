"""Why Yahoo refused a call: its words first, then the status of the reply."""

from __future__ import annotations

import re
from typing import Any

from stocks.providers import json
from stocks.providers.errors import (
    AuthFailed,
    BadRequest,
    Malformed,
    NotFound,
    ProviderError,
    RateLimited,
    Upstream,
)

#: How much of a body is searched for what Yahoo says in plain words.
_HEAD = 2_000
_CRUMB = re.compile(r"[!-~]{4,64}")
_NO_CRUMB = frozenset('<>{}[]"')
_WORDS = {
    "not found": NotFound,
    "too many requests": RateLimited,
    "rate limited": RateLimited,
    "forbidden": AuthFailed,
    "bad request": BadRequest,
    "unprocessable entity": BadRequest,
    "argument-error": BadRequest,
}
# Said with "Bad Request" where the request was fine and there is nothing to answer it with.
_NOTHING = ("data doesn't exist for startdate", "no data found", "invalid search query")


class CrumbRefused(AuthFailed):
    """The cookie or the crumb is missing, old or wrong; a fresh pair may help once."""


def refuse(status: int, body: bytes, retry_after: float | None = None) -> None:
    """Raise what a reply says is wrong; returns where it says nothing of the kind."""
    head = body[:_HEAD].decode("utf-8", "replace").casefold().lstrip()
    plain = not head.startswith("{")  # else the words may be those of somebody's headline
    if status in (429, 999) or (plain and "too many requests" in head):
        raise RateLimited("yahoo: too many requests", retry_after=retry_after)
    if plain and "will be right back" in head:
        raise Upstream("yahoo: closed for maintenance")
    if status != 200 and (error := _said(body)):
        raise error
    if status == 401:
        raise CrumbRefused("yahoo: refuses the cookie or the crumb")
    if status == 403:
        raise AuthFailed("yahoo: refuses to answer, HTTP 403")
    if 300 <= status < 400:
        raise Upstream("yahoo: a redirect, which is not followed")
    if status != 200:
        raise Upstream(f"yahoo: HTTP {status}" if 400 <= status < 600 else f"yahoo: status {status}")


def read(body: bytes) -> Any:
    """The JSON of a reply with status 200; raises what an error in it says."""
    value = json.loads(body)
    if error := _error(value):
        raise error
    return value


def read_crumb(body: bytes) -> str:
    """The crumb that a reply consists of; raises Malformed for anything that is none."""
    found = body[:_HEAD].decode("utf-8", "replace").strip()
    if not _CRUMB.fullmatch(found) or _NO_CRUMB & set(found):
        raise Malformed("yahoo: no crumb in the reply")
    return found


def _said(body: bytes) -> ProviderError | None:
    try:
        return _error(json.loads(body))
    except Malformed:
        return None


def _error(value: Any) -> ProviderError | None:
    """The error of a reply ``{"chart": {"result": null, "error": {"code": …, "description": …}}}``."""
    if not isinstance(value, dict):
        return None
    for part in value.values():
        error = part.get("error") if isinstance(part, dict) else None
        if isinstance(error, dict):
            return _named(str(error.get("code", "")).casefold(), str(error.get("description", "")).casefold())
    return None


def _named(code: str, description: str) -> ProviderError:
    # Their words stay out of the message: they carry addresses, and may repeat what was sent.
    if code == "unauthorized" or "invalid crumb" in description or "invalid cookie" in description:
        return CrumbRefused("yahoo: refuses the cookie or the crumb")
    if any(words in description for words in _NOTHING):
        return NotFound("yahoo: has no data for this")
    kind = _WORDS.get(code, Upstream)
    return kind(f"yahoo: {code if code in _WORDS else 'an error of its own'}")

"""What an answer says before it says anything: failures come with any status, in words."""

from __future__ import annotations

from typing import Any

from stocks.providers.errors import (
    AuthFailed,
    BadRequest,
    Malformed,
    NotFound,
    Premium,
    ProviderError,
    RateLimited,
    Upstream,
)
from stocks.providers.json import loads


def answer(status: int, body: bytes) -> Any:
    """What came, or the error of the tree that it stands for; the body is heard before the status."""
    try:
        value = loads(body)
    except Malformed:
        _refuse_status(status)
        raise
    if isinstance(value, dict) and "error" in value:
        raise _refusal(str(value["error"]).lower(), status)
    _refuse_status(status)
    return value


def _refusal(said: str, status: int) -> ProviderError:
    if "limit reached" in said or "too many" in said:
        return RateLimited("finnhub: the quota is used up")
    if "api key" in said or "token" in said:
        return AuthFailed("finnhub: the key is refused")
    if "have access" in said:
        return Premium("finnhub: only paid keys may ask for this")
    if "not found" in said or "not supported" in said or "invalid symbol" in said:
        return NotFound("finnhub: nothing under this name")
    try:
        _refuse_status(status)
    except ProviderError as error:
        return error
    return Upstream("finnhub: an error that is not documented")


def _refuse_status(status: int) -> None:
    if status == 401:
        raise AuthFailed("finnhub: HTTP 401")
    if status == 403:
        raise Premium("finnhub: HTTP 403")
    if 400 <= status < 500:
        raise BadRequest(f"finnhub: HTTP {status}")
    if status >= 500:
        raise Upstream(f"finnhub: HTTP {status}")

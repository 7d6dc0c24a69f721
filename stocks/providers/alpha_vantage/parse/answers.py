"""What an answer says before it says anything: every failure comes with HTTP 200 and a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
from stocks.providers.json import loads, mapping

_ADDRESS = re.compile(r"\(?https?://\S*")
_LONGEST = 160


def answer(status: int, body: bytes, redact: Callable[[str], str]) -> Mapping[str, Any]:
    """The object that came, or the error of the tree that it stands for; the body is heard before the status.

    Raises NotFound where they call the call itself invalid, which is their word for an unknown symbol.
    """
    try:
        value = mapping(loads(body), "the answer")
    except Malformed:
        _refuse_status(status)
        raise
    for name in ("Error Message", "Information", "Note"):
        if name in value:
            sentence = value[name] if isinstance(value[name], str) else ""
            raise _refusal(name, sentence.lower(), _ADDRESS.sub("", redact(sentence))[:_LONGEST].strip())
    _refuse_status(status)
    return value


def _refusal(name: str, said: str, shown: str) -> ProviderError:
    # The notice about a burst names the daily quota too, so it comes first.
    if "sparingly" in said:
        return RateLimited("alpha_vantage: more than a call a second", retry_after=1.0)
    if "premium endpoint" in said or "premium feature" in said:
        return Premium("alpha_vantage: only paid keys may ask for this")
    if "demo" in said or ("apikey" in said and ("invalid" in said or "missing" in said)):
        return AuthFailed("alpha_vantage: the key is refused")
    if "per minute" in said or name == "Note":
        return RateLimited("alpha_vantage: the quota of a minute is used up", retry_after=60.0)
    if "rate limit" in said or "per day" in said:
        return RateLimited("alpha_vantage: the quota of the day is used up")
    if "invalid api call" in said or "invalid inputs" in said or "no articles found" in said:
        return NotFound("alpha_vantage: nothing under this name")
    if name == "Error Message":
        return BadRequest(f"alpha_vantage: {shown}")
    return Upstream(f"alpha_vantage: {shown}")


def _refuse_status(status: int) -> None:
    if status in (401, 403):
        raise AuthFailed(f"alpha_vantage: HTTP {status}")
    if 400 <= status < 500:
        raise BadRequest(f"alpha_vantage: HTTP {status}")
    if status >= 500:
        raise Upstream(f"alpha_vantage: HTTP {status}")

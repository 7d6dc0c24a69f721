"""What KIS says about a call, apart from market data: success, refusals by their code, and issued keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
from stocks.providers.http import Reply
from stocks.providers.kis.hours import SEOUL

NAME = "kis"
TOKEN_TOO_SOON = "EGW00133"  # noqa: S105 (a code, no secret)
#: An approval key is good for a day, which its reply does not say.
APPROVAL_SECONDS = 86_400.0
MAX_TEXT = 200

_WAITS = {"EGW00201": 1.0, TOKEN_TOO_SOON: 60.0}
_TOKEN_REFUSED = frozenset({"EGW00121", "EGW00123"})
# Access denied, no right to the API; keys that are missing or wrong; an address that is not registered.
_AUTH = re.compile(r"EGW0000[34]|EGW0010[2-5]|EGW0020[67]|EGW00210")
_BAD_REQUEST = re.compile(r"EGW001\d\d|EGW0020[4589]|EGW00213|OPSQ200[12]|OPSQ999[5-9]")
_UNKNOWN_STOCK = frozenset({"MCA05918"})
# It goes into a header: nothing that could end one.
_KEY = re.compile(r"[\x21-\x7e]{1,4096}")


class TokenRefused(AuthFailed):
    """The access token has expired or is not known any more; another one may do."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A token or key, and for how many seconds it is good."""

    value: str = field(repr=False)
    seconds: float


def market_data(reply: Reply, redact: Callable[[str], str]) -> Mapping[str, Any]:
    """The body of a reply that says success; raises what its code means, else what its status does.

    ``redact`` takes keys out of the provider's words before they become a message.
    """
    body = _body(reply, redact)
    if body.get("rt_cd") != "0":
        raise _refusal(body, reply.status, redact)
    if reply.status != 200:
        raise _by_status(reply.status)
    return body


def issued_token(reply: Reply, redact: Callable[[str], str], now: datetime) -> Issued:
    """An access token with the shorter of its two spans; raises as ``market_data`` does."""
    body = _body(reply, redact)
    if "access_token" not in body:
        raise _refusal(body, reply.status, redact)
    spans = [json.decimal(body.get("expires_in"), "expires_in")]
    if written := json.text(body.get("access_token_token_expired"), "access_token_token_expired"):
        spans.append(json.decimal(int((_korean(written) - now).total_seconds()), "the span"))
    known = [span for span in spans if span is not None]
    if not known or min(known) <= 0:
        raise Malformed(f"{NAME}: a token without a time in which it is good")
    return Issued(_key(body["access_token"], "access_token"), float(min(known)))


def issued_approval(reply: Reply, redact: Callable[[str], str]) -> Issued:
    """The key that opens the WebSocket; raises as ``market_data`` does."""
    body = _body(reply, redact)
    if "approval_key" not in body:
        raise _refusal(body, reply.status, redact)
    return Issued(_key(body["approval_key"], "approval_key"), APPROVAL_SECONDS)


def _body(reply: Reply, redact: Callable[[str], str]) -> Mapping[str, Any]:
    try:
        return json.mapping(json.loads(reply.body), "the answer")
    except Malformed as error:
        if reply.status != 200:
            raise _by_status(reply.status) from None
        raise Malformed(f"{NAME}: {redact(error.message)}") from None


def _refusal(body: Mapping[str, Any], status: int, redact: Callable[[str], str]) -> ProviderError:
    code = _word(body.get("msg_cd")) or _word(body.get("error_code"))
    words = _word(body.get("msg1")) or _word(body.get("error_description"))
    if not code:
        return Malformed(f"{NAME}: neither success nor an error") if status == 200 else _by_status(status)
    message = f"{NAME}: {redact(f'{code} {words}')[:MAX_TEXT].strip()}"
    if code in _WAITS:
        return RateLimited(message, retry_after=_WAITS[code])
    if code in _TOKEN_REFUSED:
        return TokenRefused(message)
    if code in _UNKNOWN_STOCK:
        return NotFound(message)
    if _AUTH.fullmatch(code):
        return AuthFailed(message)
    if _BAD_REQUEST.fullmatch(code):
        return BadRequest(message)
    return Upstream(message)


def _by_status(status: int) -> ProviderError:
    if status in (401, 403):
        return AuthFailed(f"{NAME}: HTTP {status}")
    if 400 <= status < 500:
        return BadRequest(f"{NAME}: HTTP {status}")
    return Upstream(f"{NAME}: HTTP {status}" if status >= 500 else f"{NAME}: the status {status}")


def _word(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _key(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise Malformed(f"{NAME}: {name} cannot be one")
    return value


def _korean(written: str) -> datetime:
    try:
        return datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SEOUL)
    except ValueError:
        raise Malformed(f"{NAME}: access_token_token_expired is no time") from None

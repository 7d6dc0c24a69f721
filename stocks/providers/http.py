"""The one way out to a provider over HTTP: bounded in time and size, counted, and silent about keys.

A call is refused by its budget before it is made, ends after a deadline that covers the whole exchange (a
server that sends a byte a second included), reads at most a bounded number of bytes after inflation, follows
no redirect, and leaves neither keys nor addresses in what it raises.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from curl_cffi.requests.exceptions import RequestException

from accounts.outbound.http import DEADLINE_SECONDS, MAX_BYTES, BoundedSession, reason, retry_after
from stocks.providers.errors import RateLimited, Upstream

HIDDEN = "[secret]"
Param = str | int | float


class Budget(Protocol):
    """What may be spent upstream; shared by every process that uses the same key."""

    def take(self, calls: int = 1) -> None:
        """Count calls that are about to be made; raises RateLimited, and then counts nothing."""


class Unlimited:
    """A budget for servers that count nothing, such as those of a test."""

    def take(self, calls: int = 1) -> None:
        return


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. ``headers`` have names in lower case; ``body`` is inflated."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """Seconds that the reply asks to wait, None where it does not say."""
        return retry_after(self.headers.get("retry-after"), now=time.time())


class Gateway:
    """Calls to one provider.

    Args:
        name: the provider, for messages.
        base_url: what every path is joined to; an http(s) address.
        budget: asked before every call.
        secrets: texts that never appear in a message: keys, tokens.
        headers: sent with every call.
        seconds: the deadline of a whole call.
        max_bytes: of an inflated body.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        budget: Budget,
        secrets: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        seconds: float = DEADLINE_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.secrets = tuple(secret for secret in secrets if secret)
        self._budget = budget
        self._session = BoundedSession(seconds=seconds, max_bytes=max_bytes, headers=dict(headers or {}))

    def get(
        self,
        path: str,
        params: Mapping[str, Param] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """GET ``path``; raises RateLimited from the budget and Upstream where no whole answer came."""
        return self._call("GET", path, params=dict(params or {}), headers=dict(headers or {}))

    def post(self, path: str, json: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
        """POST a JSON object to ``path``; raises as ``get`` does."""
        return self._call("POST", path, json=dict(json), headers=dict(headers or {}))

    def redact(self, text: str) -> str:
        """``text`` without the secrets, as a provider may echo them."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def _call(self, method: str, path: str, **options: Any) -> Reply:
        self._budget.take()
        try:
            response = self._session.request(method, f"{self.base_url}{path}", **options)
        except RequestException as error:
            raise Upstream(f"{self.name}: {reason(error)}") from None
        headers = {name.lower(): value or "" for name, value in response.headers.items()}
        reply = Reply(response.status_code, headers, response.content)
        if 300 <= reply.status < 400:
            raise Upstream(f"{self.name}: a redirect, which is not followed")
        if reply.status == 429:
            raise RateLimited(f"{self.name}: HTTP 429", retry_after=reply.retry_after)
        return reply

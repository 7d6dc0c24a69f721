"""The calls of this service: paths and parameters in, decoded replies out. Nothing here knows what they mean.

``Gateway`` bounds every call in time and size, counts it, follows no redirect and raises RateLimited for HTTP
429. What is left is to classify the body before the status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from stocks.providers import json
from stocks.providers._template import parse
from stocks.providers.errors import Malformed, Upstream
from stocks.providers.http import Gateway, Param, Reply


class Client:
    """One method per endpoint; each is one call and raises errors of the tree alone."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def prices(self, symbols: Sequence[str]) -> Any:
        return self._get("/v1/prices", {"symbols": ",".join(symbols)})

    def days(self, symbol: str, start: date, end: date) -> Any:
        params = {"symbol": symbol, "from": start.isoformat(), "to": end.isoformat()}
        return self._get("/v1/days", params)

    def _get(self, path: str, params: Mapping[str, Param]) -> Any:
        reply = self._gateway.get(path, params)
        value = self._decoded(reply)
        parse.refuse(value)
        if reply.status != 200:
            raise Upstream(f"{self._gateway.name}: HTTP {reply.status}")
        return value

    def _decoded(self, reply: Reply) -> Any:
        """The body; where it is no JSON, the status says more about a failure than its text."""
        try:
            return json.loads(reply.body)
        except Malformed:
            if reply.status != 200:
                raise Upstream(f"{self._gateway.name}: HTTP {reply.status}") from None
            raise

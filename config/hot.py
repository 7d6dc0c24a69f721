"""The short way of the request that is made most: ``GET /v1/market/quote?symbol=…`` with an access token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from config.api.json import dumps_exact
from config.api.middleware import entity_tag
from config.short_way import Application, Body, Environ, ShortWay, script
from stocks import quote_cache
from stocks.quote_cache import CachedQuote
from stocks.selectors.prices import SANDBOX
from stocks.serializers.quotes import quote_reply
from stocks.services.quotes import priced_stock
from stocks.sessions import is_built

PATH = "/v1/market/quote"
# Codes that are the same in capitals, without anything that is written otherwise in an address.
_QUERY = re.compile(r"symbol=([A-Z0-9.=_^-]{1,32})")
_KEPT = 10_000


@dataclass(slots=True)
class _Written:
    """An entry of the cache with its reply, written once for each state of staleness."""

    entry: bytes
    quote: CachedQuote
    fresh_until: datetime
    bodies: dict[bool, Body]


class HotRead(ShortWay[str]):
    """It answers where the quote in Redis is fresh."""

    method = "GET"
    path = PATH
    script = script("hot_read")

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self._written: dict[str, _Written] = {}

    def asked(self, environ: Environ) -> str | None:
        match = _QUERY.fullmatch(environ.get("QUERY_STRING", ""))
        if match is None or environ.get("CONTENT_LENGTH") not in (None, "", "0"):
            return None
        return match[1]

    def keys(self, asked: str) -> tuple[str]:
        return (quote_cache.KEY,)

    def arguments(self, asked: str) -> tuple[str]:
        return (asked,)

    def body(self, asked: str, answer: bytes | None) -> Body | None:
        """The body of the reply; None where the quote is not known or not fresh."""
        if answer is None:
            return None
        written = self._written.get(asked)
        if written is None or written.entry != answer:
            quote = CachedQuote.read(asked, answer)
            # A calendar that is not built yet takes a second, which is the view's to take.
            if quote is None or not (quote.tick.source == SANDBOX or is_built(quote.calendar)):
                return None
            written = _Written(answer, quote, quote.fresh_until(), {})
            if len(self._written) >= _KEPT:
                self._written.clear()
            self._written[asked] = written
        now = datetime.now(UTC)
        if now >= written.fresh_until:
            return None
        stale = written.quote.is_stale(now)
        body = written.bodies.get(stale)
        if body is None:
            reply = quote_reply(priced_stock(written.quote, now))
            body = written.bodies[stale] = _body(dumps_exact(reply))
        return body


def _body(content: bytes) -> Body:
    return Body(content, (("Content-Length", str(len(content))), ("ETag", entity_tag(content))))

"""A short way for the request that is made most: ``GET /v1/market/quote?symbol=…`` with an access token.

Standing in front of Django, it answers where everything is at hand: a token whose signature was checked
before, a session that was alive in the last 30 s, an account within its limits and a fresh quote, in one call
to Redis. Everything else goes on to Django as it came. The reply is that of the view, byte for byte: its body
is written by the same function, its headers are those that Django gave such a reply before.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from accounts import limiter, session_cache, tiers
from accounts.authentication import REMEMBER
from accounts.errors import InvalidToken
from accounts.limiter import Decision
from accounts.local_limits import local_limits
from accounts.redis import RedisAway, Script, breaker, call
from accounts.session_cache import Standing
from accounts.throttling import COUNTED
from accounts.tiers import Policy, TierRow
from accounts.token_cache import KnownToken, tokens
from config.api.json import dumps_exact
from config.api.middleware import accepted_id, entity_tag, log_request
from stocks import quote_cache
from stocks.quote_cache import CachedQuote
from stocks.selectors.prices import SANDBOX
from stocks.serializers.quotes import quote_reply
from stocks.services.quotes import priced_stock
from stocks.sessions import is_built

PATH = "/v1/market/quote"
# Codes that are the same in capitals, without anything that is written otherwise in an address.
_QUERY = re.compile(r"symbol=([A-Z0-9.=_^-]{1,32})")
_ACCEPTED = frozenset({None, "*/*", "application/json", "application/json, text/plain, */*"})
# What makes a request another one than the short way knows.
_UNUSUAL = (
    *("HTTP_X_API_KEY", "HTTP_COOKIE", "HTTP_ORIGIN", "HTTP_RANGE", "HTTP_TRANSFER_ENCODING"),
    *("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"),
)
# Headers that are the same on every such reply, and those that are made for each.
_FIXED = frozenset(
    {
        *("allow", "cache-control", "content-security-policy", "content-type", "cross-origin-opener-policy"),
        *("referrer-policy", "strict-transport-security", "vary", "x-content-type-options"),
        *("x-frame-options",),
    }
)
_MADE = frozenset(
    {
        *("content-length", "etag", "ratelimit", "ratelimit-policy", "x-ratelimit-limit"),
        *("x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id"),
    }
)
_KEPT, _KINDS = 1000, 8

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
Header = tuple[str, str]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_script = Script(limiter.TAKE, (Path(__file__).parent / "lua" / "hot_read.lua").read_text())


@dataclass(frozen=True, slots=True)
class _Account:
    """What is known of the account of a token since its session was last seen, ready to be sent."""

    entry: bytes
    account: str
    email: str
    row: TierRow
    policies: Sequence[Policy]
    keys: Sequence[str]
    arguments: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Body:
    """A body with the headers that follow from it."""

    content: bytes
    headers: tuple[Header, Header]

    @classmethod
    def of(cls, content: bytes) -> _Body:
        return cls(content, (("Content-Length", str(len(content))), ("ETag", entity_tag(content))))


@dataclass(slots=True)
class _Written:
    """An entry of the cache with its reply, written once for each state of staleness."""

    entry: bytes
    quote: CachedQuote
    fresh_until: datetime
    bodies: dict[bool, _Body]


class HotRead:
    """WSGI middleware, see above.

    After a failure of Redis an entry of a session is not believed until the database was asked about the
    session once more: whoever ended it meanwhile may not have been able to say so.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self._headers: dict[tuple[str, str], list[Header]] = {}
        self._hosts: set[str] = set()
        self._written: dict[str, _Written] = {}
        self._warned = False

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            return self.application(environ, start_response)
        started = time.perf_counter()
        symbol = self._symbol(environ)
        if symbol is None:
            return self.application(environ, start_response)
        fixed = self._headers.get(_kind(environ))
        answer = self._answer(environ, symbol)
        if answer is None or fixed is None:
            return self.application(environ, self._learning(environ, start_response))
        account, body, decision = answer
        request_id = accepted_id(environ.get("HTTP_X_REQUEST_ID", ""))
        headers = [*fixed, *body.headers, ("X-Request-ID", request_id)]
        if decision is not None:
            headers += decision.headers()
        log_request(
            method="GET",
            path=PATH,
            principal=account.email,
            status=200,
            seconds=time.perf_counter() - started,
            request_id=request_id,
        )
        start_response("200 OK", headers)
        return [body.content]

    def _symbol(self, environ: Environ) -> str | None:
        """The symbol of a request as it is usually made; None for any other request."""
        match = _QUERY.fullmatch(environ.get("QUERY_STRING", ""))
        if (
            match is None
            or environ["REQUEST_METHOD"] != "GET"
            or environ.get("SCRIPT_NAME")
            or environ.get("HTTP_ACCEPT") not in _ACCEPTED
            or environ.get("CONTENT_LENGTH") not in (None, "", "0")
            or any(name in environ for name in _UNUSUAL)
            or not environ.get("HTTP_AUTHORIZATION", "").startswith("Bearer ")
            or not self._is_ours(environ.get("HTTP_HOST", ""))
        ):
            return None
        return match[1]

    def _is_ours(self, host: str) -> bool:
        """Whether Django would take this Host header."""
        if host in self._hosts:
            return True
        domain, _ = split_domain_port(host)
        if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
            return False
        if len(self._hosts) < _KEPT:
            self._hosts.add(host)
        return True

    def _answer(self, environ: Environ, symbol: str) -> tuple[_Account, _Body, Decision | None] | None:
        """Who asks, the body of the reply and what is left of the limits; None where Django is to answer.

        A request that was counted is not counted again there.
        """
        try:
            known = tokens.read(environ["HTTP_AUTHORIZATION"][7:])
        except InvalidToken:
            return None
        if breaker.failed_at > known.alive_at:
            return None
        try:
            account, reply = self._ask(known, symbol)
        except RedisAway:
            return None
        if account is None:
            environ[REMEMBER] = True
            return None
        if reply is None:
            return None
        decision = None
        if account.keys:
            decision = limiter.decision(account.row, reply[2:])
            environ[COUNTED] = (account.account, decision)
            if not decision.allowed:
                return None
        body = self._body(symbol, reply[1])
        return None if body is None else (account, body, decision)

    def _ask(self, known: KnownToken, symbol: str) -> tuple[_Account | None, Sequence[Any] | None]:
        """The account and the reply of the script.

        No account where the session has no entry; no reply where Redis has to be told first what was let
        through without it.
        """
        account: _Account | None = known.standing
        name = session_cache.name(known.claims.session_id)
        if account is None:
            account = known.standing = _account(known, call("GET", name))
        # The second time with what the entry was found to hold the first time.
        for _ in range(2):
            if account is None:
                break
            if local_limits.owes(account.account, account.policies):
                return account, None
            with local_limits.asking(account.account):
                reply = _script(
                    [name, quote_cache.KEY, *account.keys], [account.entry, symbol, *account.arguments]
                )
                if reply[0] == 1:
                    if account.keys:
                        local_limits.note(account.account, reply[3], reply[4::2])
                    return account, reply
            account = known.standing = _account(known, reply[0])
        return None, None

    def _body(self, symbol: str, entry: bytes | None) -> _Body | None:
        """The body of the reply; None where the quote is not known or not fresh."""
        if entry is None:
            return None
        written = self._written.get(symbol)
        if written is None or written.entry != entry:
            quote = CachedQuote.read(symbol, entry)
            # A calendar that is not built yet takes a second, which is the view's to take.
            if quote is None or not (quote.tick.source == SANDBOX or is_built(quote.calendar)):
                return None
            written = _Written(entry, quote, quote.fresh_until(), {})
            if len(self._written) >= 10 * _KEPT:
                self._written.clear()
            self._written[symbol] = written
        now = datetime.now(UTC)
        if now >= written.fresh_until:
            return None
        stale = written.quote.is_stale(now)
        body = written.bodies.get(stale)
        if body is None:
            reply = quote_reply(priced_stock(written.quote, now))
            body = written.bodies[stale] = _Body.of(dumps_exact(reply))
        return body

    def _learning(self, environ: Environ, start_response: StartResponse) -> StartResponse:
        """A ``start_response`` that takes note of the headers which Django gives to such a reply."""

        def start(status: str, headers: list[Header], *rest: Any) -> Any:
            if status == "200 OK":
                self._learn(_kind(environ), headers)
            return start_response(status, headers, *rest)

        return start

    def _learn(self, kind: tuple[str, str], headers: Sequence[Header]) -> None:
        # A header that is not known here may be another one on each reply.
        if unknown := {name.lower() for name, _ in headers} - _FIXED - _MADE:
            self._headers.pop(kind, None)
            if not self._warned:
                self._warned = True
                logger.warning("quotes go the long way, because of a new header: %s", ", ".join(unknown))
        elif kind in self._headers or len(self._headers) < _KINDS:
            self._headers[kind] = [(name, value) for name, value in headers if name.lower() in _FIXED]


def _kind(environ: Environ) -> tuple[str, str]:
    """What the fixed headers depend on: whether the client came over TLS, as far as that is told."""
    return environ.get("wsgi.url_scheme", ""), environ.get("HTTP_X_FORWARDED_PROTO", "")


def _account(known: KnownToken, entry: bytes | None) -> _Account | None:
    standing = None if entry is None else Standing.read(entry)
    if entry is None or standing is None or standing.user_id != known.claims.user_id:
        return None
    row, account = tiers.tier(standing.tier), str(standing.user_id)
    policies = row.policies if limiter.limited() else ()
    return _Account(
        entry=entry,
        account=account,
        email=standing.email,
        row=row,
        policies=policies,
        keys=limiter.keys(account, policies),
        arguments=limiter.arguments(policies, [{} for _ in policies]),
    )

"""A short way in front of Django for the requests that are made most, where everything is at hand.

That is: a token whose signature was checked before, a session that was alive in the last 30 s, an account
within its limits, in one call to Redis, and an answer that needs no database. Everything else goes on to
Django as it came. The reply is that of the view, byte for byte: its body is written by the same functions,
its headers are those that Django gave such a reply before.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from accounts import limiter, session_cache, tiers
from accounts.authentication import REMEMBER
from accounts.errors import InvalidToken
from accounts.limiter import Decision
from accounts.local_limits import local_limits
from accounts.redis import RedisAway, Script, breaker, call
from accounts.session_cache import Standing
from accounts.throttling import ADDRESS, COUNTED, COUNTED_ADDRESS
from accounts.tiers import Budget, TierRow
from accounts.token_cache import KnownToken, tokens
from config.api.door import address_in
from config.api.middleware import accepted_id, log_request

_ACCEPTED = frozenset({None, "*/*", "application/json", "application/json, text/plain, */*"})
# What makes a request another one than a short way knows.
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
Asked = TypeVar("Asked")


def script(name: str) -> Script:
    """A Lua script of this directory that counts a request."""
    return Script(limiter.TAKE, (Path(__file__).parent / "lua" / f"{name}.lua").read_text())


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of the account of a token since its session was last seen, ready to be sent."""

    entry: bytes
    account: str
    user_id: UUID
    email: str
    row: TierRow
    budgets: tuple[Budget, ...]
    keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class Body:
    """A body with the headers that follow from it."""

    content: bytes
    headers: tuple[Header, ...]


class ShortWay(ABC, Generic[Asked]):
    """WSGI middleware, see above; each request that has one is a subclass.

    After a failure of Redis an entry of a session is not believed until the database was asked about the
    session once more: whoever ended it meanwhile may not have been able to say so.

    ``script`` gets the entry of the session, what ``keys`` and ``arguments`` name, and the account's limits.
    It returns what the entry holds, alone, where that is not what it was known to hold; else 1, an answer and
    what the limiter's `take` returns. What the address may is asked in the same step, last.
    """

    method: str
    #: The one path, or the route of several (see `is_here`).
    path: str
    status = "200 OK"
    script: Script

    def __init__(self, application: Application) -> None:
        self.application = application
        self._headers: dict[tuple[str, str], list[Header]] = {}
        self._hosts: set[str] = set()
        self._warned = False

    @abstractmethod
    def asked(self, environ: Environ) -> Asked | None:
        """What a request as it is usually made asks for; None for any other request."""

    @abstractmethod
    def body(self, asked: Asked, answer: Any) -> Body | None:
        """The reply, with what the script answered; None where Django is to answer."""

    def keys(self, asked: Asked) -> Sequence[str]:
        """Further keys of the script."""
        return ()

    def arguments(self, asked: Asked) -> Sequence[str]:
        """Further arguments of the script, as many as keys."""
        return ()

    def is_here(self, environ: Environ) -> bool:
        """Whether a request is of the kind that this is the way of."""
        return bool(environ["PATH_INFO"] == self.path and environ["REQUEST_METHOD"] == self.method)

    def further(self, account: Account) -> tuple[Budget, ...] | None:
        """What the request counts in besides, once the account may ask; ``script`` gets it before ``keys``.

        None where Django is to count.
        """
        return ()

    def counted(self, environ: Environ, account: Account, answer: Any) -> bool:
        """Whether ``further`` lets the request through, by what the script answered; Django is told else."""
        return True

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not self.is_here(environ):
            return self.application(environ, start_response)
        started = time.perf_counter()
        asked = self.asked(environ) if self._is_usual(environ) else None
        if asked is None:
            return self.application(environ, start_response)
        fixed = self._headers.get(_kind(environ))
        answer = self._answer(environ, asked)
        if answer is None or fixed is None:
            return self.application(environ, self._learning(environ, start_response))
        account, body, decision = answer
        request_id = accepted_id(environ.get("HTTP_X_REQUEST_ID", ""))
        headers = [*fixed, *body.headers, ("X-Request-ID", request_id)]
        if decision is not None:
            headers += decision.headers()
        log_request(
            method=self.method,
            path=environ["PATH_INFO"],
            principal=account.email,
            status=int(self.status[:3]),
            seconds=time.perf_counter() - started,
            request_id=request_id,
            user_id=account.user_id,
            endpoint=self.path,
            address=environ[ADDRESS],
        )
        start_response(self.status, headers)
        return [body.content]

    def _is_usual(self, environ: Environ) -> bool:
        return not (
            environ.get("SCRIPT_NAME")
            or environ.get("HTTP_ACCEPT") not in _ACCEPTED
            or any(name in environ for name in _UNUSUAL)
            or not environ.get("HTTP_AUTHORIZATION", "").startswith("Bearer ")
            or not self._is_ours(environ.get("HTTP_HOST", ""))
        )

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

    def _answer(self, environ: Environ, asked: Asked) -> tuple[Account, Body, Decision | None] | None:
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
            address = environ[ADDRESS] = address_in(environ)
            account, reply = self._ask(known, asked, address)
        except RedisAway:
            return None
        if account is None:
            environ[REMEMBER] = True
            return None
        if reply is None:
            return None
        decision = None
        if account.budgets:
            decision = limiter.decision(account.budgets, account.row.policy_header, reply[2:])
            if not decision.allowed:
                # Where it was the address that refused it, Django's door will do so as well.
                if decision.nearest.remaining == 0:
                    environ[COUNTED] = (account.account, decision)
                return None
            environ[COUNTED] = (account.account, decision)
            environ[COUNTED_ADDRESS] = True
            if not self.counted(environ, account, reply[1]):
                return None
        body = self.body(asked, reply[1])
        return None if body is None else (account, body, decision)

    def _ask(
        self, known: KnownToken, asked: Asked, address: str
    ) -> tuple[Account | None, Sequence[Any] | None]:
        """The account and the reply of the script.

        No account where the session has no entry; no reply where Redis has to be told first what was let
        through without it.
        """
        account: Account | None = known.standing
        name = session_cache.name(known.claims.session_id)
        if account is None:
            account = known.standing = _account(known, call("GET", name))
        # The second time with what the entry was found to hold the first time.
        for _ in range(2):
            if account is None:
                break
            budgets, names = account.budgets, account.keys
            if budgets:
                at_door = limiter.address_budget(address)
                budgets, names = (*budgets, at_door), [*names, *limiter.keys((at_door,))]
            further = self.further(account)
            if further is None or local_limits.owes((*budgets, *further)):
                return account, None
            asked_at = time.monotonic()
            with local_limits.asking((*budgets, *further)):
                reply = self.script(
                    [name, *limiter.keys(further), *self.keys(asked), *names],
                    [
                        account.entry,
                        *limiter.arguments(further, None, asked_at),
                        *self.arguments(asked),
                        *limiter.arguments(budgets, None, asked_at),
                    ],
                )
                if reply[0] == 1:
                    local_limits.note(budgets, asked_at, reply[3], reply[4:])
                    if further and reply[2]:
                        _, _, now, *standings = reply[1]
                        local_limits.note(further, asked_at, now, standings)
                    return account, reply
            account = known.standing = _account(known, reply[0])
        return None, None

    def _learning(self, environ: Environ, start_response: StartResponse) -> StartResponse:
        """A ``start_response`` that takes note of the headers which Django gives to such a reply."""

        def start(status: str, headers: list[Header], *rest: Any) -> Any:
            if status == self.status:
                self._learn(_kind(environ), headers)
            return start_response(status, headers, *rest)

        return start

    def _learn(self, kind: tuple[str, str], headers: Sequence[Header]) -> None:
        # A header that is not known here may be another one on each reply.
        if unknown := {name.lower() for name, _ in headers} - _FIXED - _MADE:
            self._headers.pop(kind, None)
            if not self._warned:
                self._warned = True
                logger.warning(
                    "%s goes the long way, because of a new header: %s", self.path, ", ".join(unknown)
                )
        elif kind in self._headers or len(self._headers) < _KINDS:
            self._headers[kind] = [(name, value) for name, value in headers if name.lower() in _FIXED]


def _kind(environ: Environ) -> tuple[str, str]:
    """What the fixed headers depend on: whether the client came over TLS, as far as that is told."""
    return environ.get("wsgi.url_scheme", ""), environ.get("HTTP_X_FORWARDED_PROTO", "")


def _account(known: KnownToken, entry: bytes | None) -> Account | None:
    standing = None if entry is None else Standing.read(entry)
    if entry is None or standing is None or standing.user_id != known.claims.user_id:
        return None
    row, account = tiers.tier(standing.tier), str(standing.user_id)
    budgets = row.budgets(account) if limiter.limited() else ()
    return Account(
        entry=entry,
        account=account,
        user_id=standing.user_id,
        email=standing.email,
        row=row,
        budgets=budgets,
        keys=limiter.keys(budgets),
    )

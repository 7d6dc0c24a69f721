"""The short way of ``POST /v1/portfolios/{id}/transactions`` with an access token: trades of now."""

from __future__ import annotations

import io
import re
import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import Error, close_old_connections
from django.utils import timezone
from psycopg_pool import PoolTimeout
from rest_framework.exceptions import APIException

from accounts import limiter, session_cache
from accounts.throttling import COUNTED, COUNTED_TRANSACTION
from accounts.tiers import Budget, policy_header
from accounts.token_cache import KnownToken, tokens
from config.api.errors import replace_dead_connections
from config.api.json import dumps_exact, loads_strict
from config.short_way import Account, Body, Environ, ShortWay, script
from portfolios.errors import PortfoliosError
from portfolios.serializers.bodies import TransactionBody
from portfolios.serializers.replies import recorded_reply
from portfolios.services.prepared import OutcomeUnknown, PreparedStatements, is_possible
from portfolios.services.telling import tell
from portfolios.services.trading import Trade, Traded, trade_record
from portfolios.types import TransactionType
from portfolios.views.base import UNANSWERED

ROUTE: Final = "/v1/portfolios/{portfolio_id}/transactions"
#: Longer bodies hold more than such a trade has.
MAX_BYTES: Final = 1024

_PATH = re.compile(
    r"/v1/portfolios/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/transactions"
)
# Codes that are the same in capitals.
_CODE = re.compile(r"[A-Z0-9.=_^-]{1,32}")
_TYPES: Final = {kind.value: kind for kind in (TransactionType.BUY, TransactionType.SELL)}
_FIGURES: Final = ("quantity", "price", "fee", "tax")
_NEEDED: Final = frozenset({"type", "stock_code", "quantity", "price"})
_KNOWN: Final = _NEEDED | frozenset(_FIGURES)
# What these say to a value depends on nothing else.
_FIELDS: Final = {name: TransactionBody._declared_fields[name] for name in _FIGURES}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A trade as it is asked for, with its request."""

    portfolio_id: UUID
    trade: Trade
    environ: Environ


class HotTrade(ShortWay[_Asked]):
    """It records purchases and sales that name a price and no time, where nothing stands in the way.

    Who asks for one effect of several requests, by an ``Idempotency-Key``, goes the long way. So does what is
    refused; nothing has happened then. That the session lives, and its user is who it was, the database is
    asked in the same step as for the portfolio: its entry in Redis may have run out, but not say otherwise.
    """

    method = "POST"
    path = ROUTE
    status = "201 Created"
    script = script("hot_trade")

    def is_here(self, environ: Environ) -> bool:
        return bool(
            environ["REQUEST_METHOD"] == self.method
            and environ["PATH_INFO"].endswith("/transactions")
            and _PATH.fullmatch(environ["PATH_INFO"])
        )

    def asked(self, environ: Environ) -> _Asked | None:
        length = environ.get("CONTENT_LENGTH") or ""
        if (
            environ.get("QUERY_STRING")
            or environ.get("CONTENT_TYPE") != "application/json"
            or "HTTP_IDEMPOTENCY_KEY" in environ
            or not (length.isascii() and length.isdigit() and 0 < int(length[:6]) <= MAX_BYTES)
            or not is_possible()
        ):
            return None
        raw: bytes = environ["wsgi.input"].read(int(length))
        # For Django, should it have to answer.
        environ["wsgi.input"] = io.BytesIO(raw)
        trade = _trade(raw) if len(raw) == int(length) else None
        if trade is None:
            return None
        return _Asked(UUID(environ["PATH_INFO"].split("/")[3]), trade, environ)

    def further(self, account: Account) -> tuple[Budget, ...] | None:
        if not account.budgets:
            return ()
        policy = account.row.transactions
        return None if policy is None else (limiter.transaction_budget(account.account, policy),)

    def counted(self, environ: Environ, account: Account, answer: Any) -> bool:
        budgets = self.further(account) or ()
        decision = limiter.decision(budgets, policy_header([one.policy for one in budgets]), answer[1:])
        environ[COUNTED_TRANSACTION] = (account.account, decision)
        return decision.allowed

    def body(self, asked: _Asked, answer: Any) -> Body | None:
        known = tokens.read(asked.environ["HTTP_AUTHORIZATION"][7:])
        account: Account | None = known.standing
        if account is None:
            return None
        now, asked_at = timezone.now(), time.monotonic()
        statements = PreparedStatements()
        try:
            traded = trade_record(
                session_id=known.claims.session_id,
                owner_id=account.user_id,
                portfolio_id=asked.portfolio_id,
                trade=asked.trade,
                now=now,
                statements=statements,
            )
            if traded is None:
                return None
            if traded.trader.written() != account.entry:
                # Counted by the limits of another tier, perhaps.
                asked.environ.pop(COUNTED, None)
                asked.environ.pop(COUNTED_TRANSACTION, None)
                return None
            statements.commit()
            known.alive_at = asked_at
            return self._committed(known, traded, is_remembered=bool(answer[0]))
        except OutcomeUnknown as error:
            # It is not for the long way to do it once more.
            asked.environ[UNANSWERED] = error.__cause__
            replace_dead_connections()
            return None
        except PortfoliosError:
            return None
        except (Error, PoolTimeout):
            replace_dead_connections()
            return None
        finally:
            statements.roll_back()
            close_old_connections()

    def _committed(self, known: KnownToken, traded: Traded, *, is_remembered: bool) -> Body:
        portfolio = traded.portfolio
        if not is_remembered:
            session_cache.remember_as(known.claims.session_id, traded.trader, traded.session_expires_at)
        tell(portfolio.pk, portfolio.owner_id)
        content = dumps_exact(recorded_reply(traded.recorded, portfolio))
        return Body(content, (("Content-Length", str(len(content))),))


def _trade(raw: bytes) -> Trade | None:
    """The trade that a body asks for; None of another transaction, and of what the view has to refuse."""
    try:
        given = loads_strict(raw)
        if not isinstance(given, dict):
            return None
        values = {name: value for name, value in given.items() if value is not None}
        kind, code = values.get("type"), values.get("stock_code")
        if (
            not _NEEDED <= values.keys() <= given.keys() <= _KNOWN
            or not isinstance(kind, str)
            or kind not in _TYPES
            or not isinstance(code, str)
            or _CODE.fullmatch(code) is None
        ):
            return None
        figures = {name: _FIELDS[name].to_internal_value(values[name]) for name in _FIGURES if name in values}
    except APIException:
        return None
    return Trade(_TYPES[kind], code, **figures)

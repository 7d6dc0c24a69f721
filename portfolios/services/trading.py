"""A purchase or sale of now in two round trips to the database: what it begins from, and what it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from accounts.session_cache import Standing
from portfolios.maths.cash import cash_effect
from portfolios.models import Holding, Portfolio
from portfolios.selectors.ledger import entry_of
from portfolios.selectors.rates import LOOK_BACK, day_of, rate_of
from portfolios.services.actions import KINDS
from portfolios.services.appending import append
from portfolios.services.prepared import PreparedStatements
from portfolios.services.projecting import ADDING, SUMS, add_cash, add_entry, lot_of
from portfolios.services.recording import Recorded
from portfolios.services.standing import due_action
from portfolios.types import Method, TransactionType
from stocks.models import Stock
from stocks.rates import COMMON
from stocks.types import FxRate

_PORTFOLIO: Final = ("id", "owner_id", "base_currency", "method", "records_cash", "last_sequence")
_STOCK: Final = ("id", "code", "kind", "currency")
_HOLDING: Final = ("id", "portfolio_id", "stock_id", *SUMS, "newest_at", "newest_sequence", "created_at")
_KINDS: Final = [kind.value for kind in KINDS]
#: The farthest zone's day begins so much before that of UTC.
_FARTHEST: Final = timedelta(hours=14)


def _select(**tables: tuple[str, ...]) -> str:
    """The beginning of a statement that reads these columns of these tables."""
    return "SELECT " + ", ".join(f"{table}.{name}" for table, names in tables.items() for name in names)


# The session is looked at before anything waits for the lock, as it is by any other request.
_LOCK: Final = (
    _select(portfolio=_PORTFOLIO, owner=("tier", "email"), session=("expires_at",))
    + """
  FROM portfolios_portfolio AS portfolio
  JOIN accounts_user AS owner ON owner.id = portfolio.owner_id AND owner.is_active
  JOIN accounts_session AS session ON session.user_id = owner.id
 WHERE portfolio.id = %s AND portfolio.archived_at IS NULL AND owner.id = %s
   AND session.id = %s AND session.revoked_at IS NULL AND session.expires_at > %s
   FOR NO KEY UPDATE OF portfolio
"""
)
# The portfolio is named twice.
_IS_DUE: Final = due_action(portfolio="%s", stock="stock.id")
_OF_STOCK: Final = """
  FROM stocks_stock AS stock
  LEFT JOIN portfolios_holding AS held ON held.stock_id = stock.id AND held.portfolio_id = %s
 WHERE stock.code = %s
"""
_STANDING: Final = f"{_select(stock=_STOCK, held=_HOLDING)}, {_IS_DUE} {_OF_STOCK}"
# As `standing`: a sale takes from them, and by the average method every row does.
_LOTS: Final = """
SELECT lot.sequence, (extract(epoch FROM lot.opened_at) * 1000000)::bigint, lot.quantity, lot.cost,
       lot.base_cost
  FROM stocks_stock AS stock
  JOIN portfolios_holding AS held ON held.stock_id = stock.id AND held.portfolio_id = %s
  JOIN portfolios_lot AS lot ON lot.holding_id = held.id
 WHERE stock.code = %s
   AND (NOT %s OR EXISTS (SELECT FROM portfolios_portfolio AS own WHERE own.id = %s AND own.method = %s))
 ORDER BY lot.opened_at, lot.sequence
"""
# Those of `stocks.rates.pairs_for`.
_RATES: Final = """
SELECT wanted.base, wanted.quote, found.rate, found.as_of, found.received_at, found.source
  FROM stocks_stock AS stock
  JOIN portfolios_portfolio AS own
    ON own.id = %s AND own.base_currency <> '' AND own.base_currency <> stock.currency
 CROSS JOIN LATERAL (
       VALUES (stock.currency, own.base_currency), (own.base_currency, stock.currency)
        UNION ALL
       SELECT common, one
         FROM unnest(%s::text[]) AS common, unnest(ARRAY[stock.currency, own.base_currency]) AS one
       ) AS wanted (base, quote)
 CROSS JOIN LATERAL (
       SELECT rate, as_of, received_at, source FROM stocks_fxrate AS fx
        WHERE fx.base = wanted.base AND fx.quote = wanted.quote AND fx.date BETWEEN %s AND %s
        ORDER BY fx.date DESC LIMIT 1) AS found
 WHERE stock.code = %s AND wanted.base <> wanted.quote
"""


@dataclass(frozen=True, slots=True)
class Trade:
    """A purchase or sale of now at a price that is given, of the stock with this very code."""

    type: TransactionType
    stock_code: str
    quantity: Decimal
    price: Decimal
    fee: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Traded:
    """A trade that was written, with its portfolio, and what the database said of the session."""

    recorded: Recorded
    portfolio: Portfolio
    trader: Standing
    session_expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Begun:
    """The locked portfolio and how it stands with the stock; the holding is None before the first row."""

    portfolio: Portfolio
    trader: Standing
    session_expires_at: datetime
    stock: Stock
    holding: Holding | None
    lots: list[Any]
    rates: Mapping[tuple[str, str], FxRate]


def trade_record(
    *,
    session_id: UUID,
    owner_id: UUID,
    portfolio_id: UUID,
    trade: Trade,
    now: datetime,
    statements: PreparedStatements,
) -> Traded | None:
    """Lock the portfolio and record a trade as ``recording.transaction_record`` does, with its portfolio.

    It is written when the statements are committed, and nobody is told of it yet. None where something is not
    as it mostly is: a session that is over, no such portfolio or stock, an action that is due, a sale of more
    than there is; ``transaction_record`` says what is wrong.
    """
    statements.add(_LOCK, portfolio_id, owner_id, session_id, now)
    begun = _begin(portfolio_id, trade, now, statements)
    if begun is None:
        return None
    portfolio, stock, holding = begun.portfolio, begun.stock, begun.holding
    # Not before a trade that another request recorded while this one waited for the lock.
    traded_at = now if holding is None else max(now, holding.newest_at)
    if day_of(traded_at) != day_of(now):
        return None
    if trade.type is TransactionType.SELL and (holding is None or holding.quantity < trade.quantity):
        return None
    if not portfolio.base_currency:
        portfolio.base_currency = stock.currency
    row = append(
        portfolio,
        now=now,
        statements=statements,
        type=trade.type.value,
        stock=stock,
        quantity=trade.quantity,
        price=trade.price,
        fee=trade.fee,
        tax=trade.tax,
        currency=stock.currency,
        fx_rate=rate_of(stock.currency, portfolio.base_currency, begun.rates),
        traded_at=traded_at,
    )
    entry = entry_of(row)
    add_cash(portfolio, row.currency, cash_effect(entry), statements=statements)
    holding = add_entry(portfolio, stock, entry, holding, lots=begun.lots, now=now, statements=statements)
    return Traded(Recorded(row, holding), portfolio, begun.trader, begun.session_expires_at)


def _begin(portfolio_id: UUID, trade: Trade, now: datetime, statements: PreparedStatements) -> _Begun | None:
    code, adding = trade.stock_code, trade.type in ADDING
    today, last = (now + _FARTHEST).date(), day_of(now)
    statements.add(_STANDING, _KINDS, today, portfolio_id, portfolio_id, portfolio_id, code)
    statements.add(_LOTS, portfolio_id, code, adding, portfolio_id, Method.AVERAGE.value)
    statements.add(_RATES, portfolio_id, list(COMMON), last - LOOK_BACK, last, code)
    own, standing, lots, rates = statements.exchange()
    if not own or not standing:
        return None
    *columns, tier, email, expires_at = own[0]
    *stood, is_due = standing[0]
    if is_due:
        return None
    stock = Stock.from_db("default", _STOCK, stood[: len(_STOCK)])
    if stock.kind == Stock.Kind.INDEX:
        return None
    held = stood[len(_STOCK) :]
    return _Begun(
        portfolio=Portfolio.from_db("default", _PORTFOLIO, columns),
        trader=Standing(columns[1], tier, email),
        session_expires_at=expires_at,
        stock=stock,
        holding=None if held[0] is None else Holding.from_db("default", _HOLDING, held),
        lots=[lot_of(lot) for lot in lots],
        rates={(rate[0], rate[1]): FxRate(*rate) for rate in rates},
    )

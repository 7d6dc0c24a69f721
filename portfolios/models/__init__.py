"""Tables of portfolios: the ledger, what is folded from it, and the keys of requests."""

from portfolios.models.idempotency import IdempotencyKey
from portfolios.models.ledger import Transaction
from portfolios.models.portfolios import Portfolio
from portfolios.models.projections import AppliedAction, CashBalance, Holding, Lot

__all__ = ["AppliedAction", "CashBalance", "Holding", "IdempotencyKey", "Lot", "Portfolio", "Transaction"]

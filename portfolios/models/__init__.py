"""Tables of portfolios: the ledger, what is folded from it."""

from portfolios.models.ledger import Transaction
from portfolios.models.portfolios import Portfolio
from portfolios.models.projections import AppliedAction, CashBalance, Holding, Lot

__all__ = ["AppliedAction", "CashBalance", "Holding", "Lot", "Portfolio", "Transaction"]

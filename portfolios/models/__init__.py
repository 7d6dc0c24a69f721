"""Tables of portfolios: the ledger, what is folded from it, files, and watchlists."""

from portfolios.models.imports import ImportRun
from portfolios.models.ledger import Transaction
from portfolios.models.portfolios import Portfolio
from portfolios.models.projections import AppliedAction, CashBalance, Holding, Lot
from portfolios.models.watchlists import Watchlist, WatchlistItem

__all__ = [
    "AppliedAction",
    "CashBalance",
    "Holding",
    "ImportRun",
    "Lot",
    "Portfolio",
    "Transaction",
    "Watchlist",
    "WatchlistItem",
]

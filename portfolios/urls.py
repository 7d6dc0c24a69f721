"""Routes of portfolios, below /v1/."""

from __future__ import annotations

from django.urls import path

from portfolios.views import (
    allocation,
    default,
    history,
    imports,
    income,
    performance,
    portfolios,
    transactions,
    watchlists,
)

_ONE = "portfolios/<uuid:portfolio_id>"
_ROW = f"{_ONE}/transactions/<uuid:transaction_id>"
_LIST = "watchlists/<uuid:watchlist_id>"

urlpatterns = [
    path("transactions", default.DefaultTransactionsView.as_view(), name="transactions"),
    path("holdings", default.DefaultHoldingsView.as_view(), name="holdings"),
    path("portfolio", default.DefaultPortfolioView.as_view(), name="portfolio-summary"),
    path("portfolios", portfolios.PortfolioListView.as_view(), name="portfolios"),
    path(_ONE, portfolios.PortfolioDetailView.as_view(), name="portfolio"),
    path(f"{_ONE}/lots", portfolios.LotsView.as_view(), name="portfolio-lots"),
    path(f"{_ONE}/performance", performance.PerformanceView.as_view(), name="portfolio-performance"),
    path(f"{_ONE}/history", history.HistoryView.as_view(), name="portfolio-history"),
    path(f"{_ONE}/allocation", allocation.AllocationView.as_view(), name="portfolio-allocation"),
    path(f"{_ONE}/income", income.IncomeView.as_view(), name="portfolio-income"),
    path(f"{_ONE}/holdings", transactions.HoldingsView.as_view(), name="portfolio-holdings"),
    path(f"{_ONE}/transactions", transactions.TransactionListView.as_view(), name="portfolio-transactions"),
    path(f"{_ONE}/transactions/import", imports.ImportView.as_view(), name="transactions-import"),
    path(f"{_ONE}/transactions/export", imports.ExportView.as_view(), name="transactions-export"),
    path(f"{_ONE}/transactions/imports", imports.ImportListView.as_view(), name="transactions-imports"),
    path(
        f"{_ONE}/transactions/imports/<uuid:import_id>/report",
        imports.ImportReportView.as_view(),
        name="transactions-import-report",
    ),
    path(_ROW, transactions.TransactionView.as_view(), name="portfolio-transaction"),
    path(f"{_ROW}/reversal", transactions.ReversalView.as_view(), name="transaction-reversal"),
    path(f"{_ROW}/replacement", transactions.ReplacementView.as_view(), name="transaction-replacement"),
    path("watchlists", watchlists.WatchlistListView.as_view(), name="watchlists"),
    path(_LIST, watchlists.WatchlistDetailView.as_view(), name="watchlist"),
    path(f"{_LIST}/items", watchlists.WatchlistItemsView.as_view(), name="watchlist-items"),
    path(f"{_LIST}/items/<str:stock_code>", watchlists.WatchlistItemView.as_view(), name="watchlist-item"),
]

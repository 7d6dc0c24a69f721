"""Routes of market data, below /v1/."""

from __future__ import annotations

from django.urls import path

from stocks.views import around, fundamentals, history, indicators, listing, market, quotes, reports

urlpatterns = [
    path("stocks", listing.StockListView.as_view(), name="stocks"),
    path("stocks/search", listing.StockSearchView.as_view(), name="stocks-search"),
    path("stocks/recent", listing.RecentStocksView.as_view(), name="stocks-recent"),
    path("stocks/<str:code>", listing.StockDetailView.as_view(), name="stock"),
    path("stocks/<str:code>/prices", history.StockPricesView.as_view(), name="stock-prices"),
    path("stocks/<str:code>/financials", fundamentals.StockFinancialsView.as_view(), name="stock-financials"),
    path("stocks/<str:code>/indicators", indicators.StockIndicatorsView.as_view(), name="stock-indicators"),
    path("stocks/<str:code>/news", reports.StockNewsView.as_view(), name="stock-news"),
    path("stocks/<str:code>/actions", around.StockActionsView.as_view(), name="stock-actions"),
    path("stocks/<str:code>/orderbook", around.StockOrderBookView.as_view(), name="stock-orderbook"),
    path("stocks/<str:code>/peers", around.StockPeersView.as_view(), name="stock-peers"),
    path("symbol/<str:symbol>/", quotes.SymbolView.as_view(), name="symbol"),
    path("symbols/", quotes.SymbolsView.as_view(), name="symbols"),
    path("market/quote", quotes.QuoteView.as_view(), name="market-quote"),
    path("market/quotes", quotes.QuotesView.as_view(), name="market-quotes"),
    path("market/company", reports.CompanyView.as_view(), name="market-company"),
    path("market/news", reports.MarketNewsView.as_view(), name="market-news"),
    path("market/forex", reports.ForexView.as_view(), name="market-forex"),
    path("market/crypto", reports.CryptoView.as_view(), name="market-crypto"),
    path("market/overview", market.OverviewView.as_view(), name="market-overview"),
    path("market/status", market.StatusView.as_view(), name="market-status"),
    path("market/calendar/<str:market>", market.CalendarView.as_view(), name="market-calendar"),
]

"""The tables of the stocks app."""

from stocks.models.bars import DailyBar
from stocks.models.dataset import Dataset, LoadedFile
from stocks.models.indicators import (
    IndicatorChunk,
    IndicatorRun,
    IndicatorState,
    LatestIndicators,
    MarketLevel,
    PackedBars,
    RecentIndicators,
)
from stocks.models.intraday import MinuteBar
from stocks.models.listing import Market, Stock
from stocks.models.operations import Fetched, JobRun, ProcessLease, QuarantinedTick
from stocks.models.quotes import Quote
from stocks.models.reports import CompanyProfile, CryptoQuote, FxRate, NewsArticle
from stocks.models.statements import CorporateAction, FundamentalSnapshot, Statement

__all__ = [
    "CompanyProfile",
    "CorporateAction",
    "CryptoQuote",
    "DailyBar",
    "Dataset",
    "Fetched",
    "FundamentalSnapshot",
    "FxRate",
    "IndicatorChunk",
    "IndicatorRun",
    "IndicatorState",
    "JobRun",
    "LatestIndicators",
    "LoadedFile",
    "Market",
    "MarketLevel",
    "MinuteBar",
    "NewsArticle",
    "PackedBars",
    "ProcessLease",
    "QuarantinedTick",
    "Quote",
    "RecentIndicators",
    "Statement",
    "Stock",
]

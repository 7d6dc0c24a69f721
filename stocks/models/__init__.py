"""The tables of the stocks app."""

from stocks.models.bars import DailyBar
from stocks.models.dataset import Dataset, LoadedFile
from stocks.models.indicators import LatestIndicators
from stocks.models.listing import Market, Stock
from stocks.models.quotes import Quote
from stocks.models.statements import CorporateAction, FundamentalSnapshot, Statement

__all__ = [
    "CorporateAction",
    "DailyBar",
    "Dataset",
    "FundamentalSnapshot",
    "LatestIndicators",
    "LoadedFile",
    "Market",
    "Quote",
    "Statement",
    "Stock",
]

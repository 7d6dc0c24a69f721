"""What can go wrong with market data. HTTP codes stand in one table, config/api/errors.py."""

from __future__ import annotations

from typing import Any


class StocksError(Exception):
    """Root of the tree: ``code`` is the envelope's ``error``, ``message`` a sentence for people."""

    code = "STOCKS_ERROR"
    message = "The request could not be carried out."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or self.message
        self.details = details
        super().__init__(self.message)


class StockNotFound(StocksError):
    code = "STOCK_NOT_FOUND"

    def __init__(self, stock_code: str) -> None:
        super().__init__(f"No stock has the code {stock_code!r}.", stock_code=stock_code)


class MarketNotFound(StocksError):
    code = "MARKET_NOT_FOUND"

    def __init__(self, market: str) -> None:
        super().__init__(f"There is no market {market!r}.", market=market)


class NoPrice(StocksError):
    code = "PRICE_NOT_AVAILABLE"

    def __init__(self, stock_code: str) -> None:
        super().__init__(f"No price of {stock_code!r} is known.", stock_code=stock_code)


class DataUnavailable(StocksError):
    """Nothing is stored, and no provider that has it answers now; ``reason`` is for people."""

    code = "DATA_SOURCE_UNAVAILABLE"

    def __init__(self, reason: str) -> None:
        super().__init__("No data source answers at the moment; try again shortly.", reason=reason)


class SandboxAndRealData(StocksError):
    """A load or provider would mix invented and real figures in one database."""

    code = "SANDBOX_AND_REAL_DATA"


class LoadRefused(StocksError):
    """A file cannot be loaded at all; the message is one line for the operator."""

    code = "LOAD_REFUSED"

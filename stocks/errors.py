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


class StockNotAsked(StockNotFound):
    """No stock is listed under a code, and providers are not asked about more unknown codes just now."""

    def __init__(self, stock_code: str, retry_after: int | None) -> None:
        StocksError.__init__(
            self,
            f"No stock is listed as {stock_code!r}, and too many unknown codes came to ask for it now.",
            stock_code=stock_code,
            retry_after=retry_after,
        )


class MarketNotFound(StocksError):
    code = "MARKET_NOT_FOUND"

    def __init__(self, market: str) -> None:
        super().__init__(f"There is no market {market!r}.", market=market)


class NoPrice(StocksError):
    code = "PRICE_NOT_AVAILABLE"

    def __init__(self, stock_code: str) -> None:
        super().__init__(f"No price of {stock_code!r} is known.", stock_code=stock_code)


class NoCompany(StocksError):
    code = "COMPANY_NOT_AVAILABLE"

    def __init__(self, stock_code: str) -> None:
        super().__init__(f"Nothing is known of the company of {stock_code!r}.", stock_code=stock_code)


class NoNews(StocksError):
    code = "NEWS_NOT_AVAILABLE"

    def __init__(self, stock_code: str | None) -> None:
        about = f" about {stock_code!r}" if stock_code else ""
        super().__init__(f"No news{about} are stored, and no provider brings any.", stock_code=stock_code)


class NoRates(StocksError):
    code = "FX_NOT_AVAILABLE"

    def __init__(self, base: str) -> None:
        super().__init__(f"No exchange rate of {base} is known.", base=base)


class NoCryptoPrice(StocksError):
    """No provider has it; with ``retry_after`` none was asked, for too many unknown names came at once."""

    code = "CRYPTO_NOT_AVAILABLE"

    def __init__(self, symbol: str, currency: str, retry_after: int | None = None) -> None:
        super().__init__(
            f"No price of {symbol!r} in {currency} is known.",
            symbol=symbol,
            currency=currency,
            **({} if retry_after is None else {"retry_after": retry_after}),
        )


class OrderBookNotAvailable(StocksError):
    """``reason`` is for people."""

    code = "ORDER_BOOK_NOT_AVAILABLE"

    def __init__(self, stock_code: str, reason: str) -> None:
        super().__init__(
            f"There is no order book of {stock_code!r}: {reason}.", stock_code=stock_code, reason=reason
        )


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

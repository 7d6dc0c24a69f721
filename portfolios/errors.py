"""What can go wrong with portfolios. HTTP codes stand in one table, config/api/errors.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


class PortfoliosError(Exception):
    """Root of the tree: ``code`` is the envelope's ``error``, ``message`` a sentence for people."""

    code = "PORTFOLIOS_ERROR"
    message = "The request could not be carried out."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or self.message
        self.details = details
        super().__init__(self.message)


class PortfolioNotFound(PortfoliosError):
    code = "PORTFOLIO_NOT_FOUND"
    message = "No such portfolio."


class PortfolioLimitReached(PortfoliosError):
    code = "PORTFOLIO_LIMIT_REACHED"
    message = "This account has as many portfolios as it may have; delete one first."


class TransactionNotFound(PortfoliosError):
    code = "TRANSACTION_NOT_FOUND"
    message = "No such transaction."


class InsufficientQuantity(PortfoliosError):
    """A row, the new one or a later one, would take more shares than there are at its place."""

    code = "INSUFFICIENT_QUANTITY"

    def __init__(self, stock_code: str, held: Decimal, requested: Decimal) -> None:
        super().__init__(
            f"Only {held.normalize():f} of {stock_code} would be held where {requested.normalize():f} leave.",
            stock_code=stock_code,
            held=held.normalize() + 0,
            requested=requested.normalize() + 0,
        )


class QuoteStale(PortfoliosError):
    """The market trades, and the newest price that is known is too old to trade at."""

    code = "QUOTE_STALE"

    def __init__(self, stock_code: str, as_of: Any) -> None:
        super().__init__(
            f"The last price of {stock_code} is too old to trade at; give a price, or retry.",
            stock_code=stock_code,
            as_of=as_of,
        )


class ExternalIdTaken(PortfoliosError):
    code = "EXTERNAL_ID_TAKEN"
    message = "A transaction of this portfolio has this external_id."


class AlreadyReversed(PortfoliosError):
    code = "ALREADY_REVERSED"
    message = "This transaction has been reversed, or is itself a reversal."


class ActionApplied(PortfoliosError):
    """A split, bonus issue or dividend that the portfolio has for that day already."""

    code = "ACTION_ALREADY_APPLIED"
    message = "This corporate action has been applied to the portfolio."


class CashNotRecorded(PortfoliosError):
    code = "CASH_NOT_RECORDED"
    message = "This portfolio records no cash, so nothing can be paid in or out."


class FileUnreadable(PortfoliosError):
    """What a file holds is no table of transactions; ``line`` and ``column`` say where, counted from 1."""

    code = "FILE_UNREADABLE"

    def __init__(self, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        where = "the file" if line is None else f"line {line}"
        if column is not None:
            where += f", column {column},"
        sentence = f"{where[0].upper()}{where[1:]} {reason}."
        super().__init__(sentence, line=line, column=column, reason=reason)


class FileTooLarge(PortfoliosError):
    code = "PAYLOAD_TOO_LARGE"


class ImportRefused(PortfoliosError):
    """A file of which at least one row cannot be taken, and so none is."""

    code = "IMPORT_REFUSED"
    message = "Rows of the file cannot be taken, so none was."


class ImportNotFound(PortfoliosError):
    code = "IMPORT_NOT_FOUND"
    message = "No such import, or its report is no longer kept."


class WatchlistNotFound(PortfoliosError):
    code = "WATCHLIST_NOT_FOUND"
    message = "No such watchlist."


class WatchlistItemNotFound(PortfoliosError):
    code = "WATCHLIST_ITEM_NOT_FOUND"
    message = "The watchlist has no such stock."


class WatchlistItemExists(PortfoliosError):
    code = "WATCHLIST_ITEM_EXISTS"
    message = "The watchlist has this stock already."


class WatchlistLimitReached(PortfoliosError):
    code = "WATCHLIST_LIMIT_REACHED"
    message = "This account has as many watchlists, or watches as many stocks, as it may; remove some first."

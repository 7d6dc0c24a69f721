"""The words of the ledger: what a row says, and which lots a sale takes. Knows no framework."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class TransactionType(StrEnum):
    """What a row of the ledger records."""

    BUY = "BUY"
    SELL = "SELL"
    DIVIDEND = "DIVIDEND"
    SPLIT = "SPLIT"
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    FEE = "FEE"
    TAX = "TAX"
    INTEREST = "INTEREST"
    BONUS = "BONUS"
    TRANSFER_IN = "TRANSFER_IN"
    TRANSFER_OUT = "TRANSFER_OUT"


class Method(StrEnum):
    """Which shares a sale takes: all alike at their average cost, the oldest, the newest, the dearest."""

    AVERAGE = "average"
    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"


class Entry(NamedTuple):
    """What one row of the ledger says; a tuple, because ledgers have very many of them.

    ``stock`` is the id of a stock, None for cash alone. ``price`` is per share, ``amount`` a sum of money;
    both, ``fee`` and ``tax`` are in ``currency``. Shares become ``ratio_to`` for each ``ratio_from``.
    ``fx_rate`` is units of the portfolio's base currency for one of ``currency`` on that day, None where
    nobody knew it. Rows take effect in the order of ``(traded_at, sequence)``.
    """

    sequence: int
    type: TransactionType
    traded_at: datetime
    currency: str
    stock: int | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    ratio_to: Decimal | None = None
    ratio_from: Decimal | None = None
    fx_rate: Decimal | None = None

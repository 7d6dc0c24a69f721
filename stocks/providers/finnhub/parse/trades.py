"""Messages of the stream."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from stocks.providers.errors import Malformed
from stocks.providers.finnhub.parse.times import of_milliseconds, refuse_the_future
from stocks.providers.json import loads, mapping, price, required, sequence, text


class Trade(NamedTuple):
    """One trade of the stream; ``symbol`` is theirs."""

    symbol: str
    price: Decimal
    at: datetime


class Frame(NamedTuple):
    """What one message of the stream says: trades in the order of their time, or an error in words.

    ``refused`` says why trades of it cannot be true, which are left out.
    """

    trades: tuple[Trade, ...] = ()
    error: str = ""
    refused: tuple[str, ...] = ()


def frame(message: bytes | str, *, now: datetime) -> Frame:
    """One message; raises Malformed where it is none of theirs. What is neither is empty, as a ping."""
    value = mapping(loads(message), "the message")
    kind = required(value.get("type"), "type")
    if kind == "error":
        return Frame(error=text(value.get("msg"), "msg") or "no reason given")
    if kind != "trade":
        return Frame()
    trades, refused = [], []
    for row in sequence(value.get("data"), "data"):
        try:
            trades.append(_trade(mapping(row, "trade"), now))
        except Malformed as error:
            refused.append(error.message)
    return Frame(tuple(sorted(trades, key=lambda trade: trade.at)), refused=tuple(refused))


def _trade(row: Mapping[str, Any], now: datetime) -> Trade:
    at = of_milliseconds(row.get("t"))
    refuse_the_future(at, now)
    return Trade(required(row.get("s"), "s"), price(row.get("p"), "p"), at)

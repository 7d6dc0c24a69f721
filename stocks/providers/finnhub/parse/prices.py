"""Latest prices of stocks and coins, and exchange rates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from stocks.providers.errors import Malformed
from stocks.providers.finnhub.parse.times import of_seconds, refuse_the_future
from stocks.providers.json import decimal, mapping, price, price_or_none, required, sequence, text
from stocks.types import FxRate, Tick


class Quote(NamedTuple):
    """A latest price and its day; a figure that they give as 0 is unknown."""

    price: Decimal
    as_of: datetime
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    previous_close: Decimal | None

    def tick(self, code: str, *, received_at: datetime, source: str) -> Tick:
        """As the price of a stock; they tell no volume with it."""
        return Tick(
            code=code,
            price=self.price,
            as_of=self.as_of,
            received_at=received_at,
            source=source,
            seq=int(received_at.timestamp() * 1_000_000),
            open=self.open,
            high=self.high,
            low=self.low,
            previous_close=self.previous_close,
        )


def quote(value: Any, *, now: datetime) -> Quote | None:
    """The latest price, None for the quote of zeros by which they answer about an unknown symbol.

    They do not repeat the symbol or say the currency. Raises Malformed for a price that cannot be one, and
    for a time that is missing, to come, or in another unit than seconds.
    """
    fields = mapping(value, "the quote")
    if any(name not in fields for name in ("c", "t")):
        raise Malformed("the quote lacks its price or its time")
    if not any(decimal(fields.get(name), name) for name in ("c", "h", "l", "o", "pc", "t")):
        return None
    as_of = of_seconds(fields["t"])
    refuse_the_future(as_of, now)
    return Quote(
        price=price(fields["c"], "c"),
        as_of=as_of,
        open=price_or_none(fields.get("o"), "o"),
        high=price_or_none(fields.get("h"), "h"),
        low=price_or_none(fields.get("l"), "l"),
        previous_close=price_or_none(fields.get("pc"), "pc"),
    )


def rates(value: Any, base: str, quotes: Iterable[str], *, now: datetime, source: str) -> list[FxRate]:
    """The latest rates of ``base`` into those of ``quotes`` that they know.

    They state no time, so ``as_of`` is when the answer came.
    """
    answered = mapping(value, "the rates")
    if required(answered.get("base"), "base") != base:
        raise Malformed("the answer is about another currency")
    known = mapping(answered.get("quote"), "the rates")
    return [
        FxRate(base, one, price(known[one], one), as_of=now, received_at=now, source=source)
        for one in dict.fromkeys(quotes)
        if known.get(one) is not None
    ]


def pairs(value: Any) -> dict[str, str]:
    """Their symbols of an exchange's pairs, by how they show them: BTC/USDT is BINANCE:BTCUSDT."""
    shown = "display symbol"
    rows = [mapping(one, "pair") for one in sequence(value, "the pairs")]
    return {text(row.get("displaySymbol"), shown): required(row.get("symbol"), "symbol") for row in rows}

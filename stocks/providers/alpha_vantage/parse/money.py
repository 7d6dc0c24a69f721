"""Exchange rates of currencies and prices of coins, which they answer alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from stocks.providers.errors import Malformed
from stocks.providers.json import day, mapping, price, required
from stocks.types import FxRate

_ZONES = {"UTC", "GMT"}
_END_OF_DAY = time(23, 59, 59)
_FUTURE = timedelta(seconds=5)


class Rate(NamedTuple):
    """What one unit buys, and since when."""

    rate: Decimal
    as_of: datetime


def rate(answer: Mapping[str, Any], base: str, quote: str, *, now: datetime) -> Rate | None:
    """The latest rate, None for an empty answer; raises Malformed for another pair or a time to come."""
    if not answer:
        return None
    row = mapping(answer.get("Realtime Currency Exchange Rate"), "the rate")
    pair = [required(row.get(name), "currency") for name in ("1. From_Currency Code", "3. To_Currency Code")]
    if pair != [base, quote]:
        raise Malformed("the answer is about another pair")
    if required(row.get("7. Time Zone"), "zone") not in _ZONES:
        raise Malformed("the time is of another zone")
    as_of = _moment(row.get("6. Last Refreshed"))
    if as_of > now + _FUTURE:
        raise Malformed("the time lies in the future")
    return Rate(price(row.get("5. Exchange Rate"), "rate"), as_of)


def daily_rates(
    answer: Mapping[str, Any], base: str, quote: str, start: date, end: date, *, now: datetime, source: str
) -> list[FxRate]:
    """The last rate of each day, oldest first, as of the day's end in UTC, or of ``now`` on a day that goes
    on; days to come are left out.
    """
    if not answer:
        return []
    meta = mapping(answer.get("Meta Data"), "meta")
    if [meta.get("2. From Symbol"), meta.get("3. To Symbol")] != [base, quote]:
        raise Malformed("the answer is about another pair")
    days = {
        day(written, "day"): mapping(row, "rate")
        for written, row in mapping(answer.get("Time Series FX (Daily)"), "series").items()
    }
    return [
        FxRate(
            base=base,
            quote=quote,
            rate=price(days[one].get("4. close"), "close"),
            as_of=min(datetime.combine(one, _END_OF_DAY, UTC), now),
            received_at=now,
            source=source,
        )
        for one in sorted(days)
        if start <= one <= end and one <= now.astimezone(UTC).date()
    ]


def _moment(value: Any) -> datetime:
    try:
        return datetime.strptime(required(value, "last refreshed"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed("last refreshed is no time") from None

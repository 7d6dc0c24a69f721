"""Replies about a portfolio that are worth keeping for five minutes.

A kept reply is found only under everything that it follows from: the number of rows of the ledger, the
method, the version of the stored bars, and the day. A new row, or new bars, therefore never meet an old
reply; what they leave behind runs out. Prices and exchange rates of today may be as old as the reply.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from accounts.redis import RedisAway, call
from portfolios.models import Portfolio
from stocks.dataset import data_version

KEPT_SECONDS: Final = 300
#: A longer reply is worked out each time: Redis serves nobody else while it moves one.
MOST_BYTES: Final = 1_000_000


def kept(
    portfolio: Portfolio, view: str, options: Mapping[str, Any], *, now: datetime, make: Callable[[], bytes]
) -> bytes:
    """The reply of ``view`` to ``options``, kept or made now; without Redis it is made each time.

    The portfolio comes as it was read before ``make`` reads anything else, so that what is made is never
    older than the key says.
    """
    key = _key(portfolio, view, options, now)
    try:
        found = call("GET", key)
    except RedisAway:
        return make()
    if found is not None:
        return bytes(found)
    made = make()
    if len(made) <= MOST_BYTES:
        # Where Redis goes away in between, the next request makes it again.
        with suppress(RedisAway):
            call("SET", key, made, "EX", KEPT_SECONDS)
    return made


def _key(portfolio: Portfolio, view: str, options: Mapping[str, Any], now: datetime) -> str:
    asked = json.dumps(options, sort_keys=True, default=str)
    state = (portfolio.method, portfolio.base_currency, data_version(), now.astimezone(UTC).date())
    digest = hashlib.sha256(f"{view}\n{asked}\n{state}".encode()).hexdigest()
    return f"portfolio:{portfolio.pk}:{portfolio.last_sequence}:{digest}"

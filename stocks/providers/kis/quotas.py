"""What KIS allows one app key to ask."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from stocks.providers.tools import Rate

#: A call may wait this long for its turn: the window is a second, so the next turn is never far.
PATIENCE_SECONDS = 2.0
#: A token a minute. Two requests may be a second closer on their clock than they were on ours.
TOKEN_RATES = (Rate(1, 61.0),)
#: Registrations of one WebSocket session; the price and the order book of one stock are two.
REGISTRATIONS = 41


def rates(url: str) -> Sequence[Rate]:
    """Calls a second, by the address: those of paper trading, ``openapivts``, allow a tenth."""
    host = urlsplit(url).hostname or ""
    return (Rate(2, 1.0),) if host.startswith("openapivts.") else (Rate(20, 1.0),)

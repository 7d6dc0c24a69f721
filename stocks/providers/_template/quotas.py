"""What a key of this service may spend, as its terms say; say where that is written."""

from __future__ import annotations

from stocks.providers.tools import Rate

#: All of them hold at once, over all processes that use the key.
RATES = (Rate(5, 1.0), Rate(500, 86_400.0))
#: A call waits at most this long for its turn; one that would wait longer is refused at once.
PATIENCE_SECONDS = 0.5

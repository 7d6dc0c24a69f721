"""What a free key may spend; a paid one may more, which nobody tells us."""

from __future__ import annotations

from stocks.providers.tools import Rate

RATES = (Rate(60, 60), Rate(30, 1))
#: A call waits this long for its turn.
PATIENCE_SECONDS = 1.0
#: Symbols that one connection may follow.
REGISTRATIONS = 50

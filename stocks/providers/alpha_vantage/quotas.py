"""What a free key may spend; a paid one may more, which nobody tells us."""

from __future__ import annotations

from stocks.providers.tools import Rate

RATES = (Rate(25, 86_400), Rate(1, 1))
#: A call waits this long for its turn: the statements of a stock are three calls in a row.
PATIENCE_SECONDS = 1.2

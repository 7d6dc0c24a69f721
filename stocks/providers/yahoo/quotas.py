"""How much is asked of Yahoo. It publishes no limit: these are ours, and far from what gets banned."""

from __future__ import annotations

from stocks.providers.tools import Rate

RATES = (Rate(2, 1.0), Rate(60, 60.0), Rate(1_500, 3_600.0))
#: Seconds that a call waits for its turn. The first quote of a process needs three, with cookie and crumb.
PATIENCE_SECONDS = 2.0

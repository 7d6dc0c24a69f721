"""A market's last session at a glance: which session that is, and how its stocks did in it.

Everything here is pure. All figures of one overview are of one session; a stock without a price of that
session is counted as missing and takes part in nothing else.
"""

from stocks.overview.figures import Figure, figure
from stocks.overview.standings import DayBar, SeenQuote, Standing, YearRange, last_session, session_before
from stocks.overview.summary import Breadth, Overview, Sector, overview

__all__ = [
    "Breadth",
    "DayBar",
    "Figure",
    "Overview",
    "Sector",
    "SeenQuote",
    "Standing",
    "YearRange",
    "figure",
    "last_session",
    "overview",
    "session_before",
]

"""Working out the latest indicators of the stored stocks and writing them down."""

from stocks.compute.service import Summary, compute_indicators

__all__ = ["Summary", "compute_indicators"]

"""Working out the latest indicators of the stored stocks and writing them down."""

from stocks.compute.service import Figures, Summary, compute_indicators, figures_as_of

__all__ = ["Figures", "Summary", "compute_indicators", "figures_as_of"]

"""Filling a database with the sandbox market, and keeping it up to the last finished session."""

from stocks.sandbox_fill.service import Summary, fill_sandbox

__all__ = ["Summary", "fill_sandbox"]

"""Staff pages of market data, one subject a module."""

from stocks.admin import companies, listing, loads, operations, prices

__all__ = ["companies", "listing", "loads", "operations", "prices"]

"""When a store is away: ``accounts.outages`` says it for every app."""

from accounts.outages import OUTAGES, PERHAPS, Backoff, is_outage

__all__ = ["OUTAGES", "PERHAPS", "Backoff", "is_outage"]

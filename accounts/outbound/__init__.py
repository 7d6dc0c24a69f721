"""Requests to addresses that somebody names: guarded, and bounded in time and size."""

"""Posting to addresses that users name: guarded, signed, bounded."""

"""What every test of screening begins with."""

from __future__ import annotations

from accounts.tests.conftest import alice, as_alice, as_charlie, charlie, client, refused, signed_in

__all__ = ["alice", "as_alice", "as_charlie", "charlie", "client", "refused", "signed_in"]

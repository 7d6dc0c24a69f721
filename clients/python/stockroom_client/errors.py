"""What the client raises."""

from __future__ import annotations


class StockroomError(Exception):
    """Root of the tree."""


class ConnectionEnded(StockroomError):
    """The connection has ended, and trying again cannot help.

    ``code`` is the close code (docs/realtime.md has the table), or the HTTP status of a refused handshake.
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}".rstrip())


class ProtocolError(StockroomError):
    """The server sent what the protocol does not know; the connection is begun anew."""

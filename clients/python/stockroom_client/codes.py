"""Which ends of a connection are worth another attempt."""

from __future__ import annotations

UNAUTHORIZED = 4401
#: What Python's client reports for a connection that ended without a close frame.
ABNORMAL = 1006

# Of the codes that the server closes with. 4401 is apart: a fresh token may help.
_AGAIN = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 4008, 4408, 4410, 4431, 4432})
_NEVER = frozenset({1002, 1003, 1007, 1008, 1009, 1010, 4400, 4401, 4430})


def may_reconnect(code: int) -> bool:
    """Whether the same connection may be tried again after a close with ``code``.

    A code that is not known is judged by its class: 44xx is the client's own fault, as 4xx is in HTTP.
    """
    if code in _AGAIN:
        return True
    return code not in _NEVER and not 4400 <= code < 4500


def may_retry_status(status: int) -> bool:
    """The same for a handshake that was answered with an HTTP status."""
    return status in (408, 425, 429) or status >= 500

"""Keeps tokens out of the servers' own log lines."""

from __future__ import annotations

import logging
import re

# uvicorn logs a WebSocket handshake with its whole query: "WebSocket /ws/stocks?token=…" [accepted]
_HANDSHAKE_QUERY = re.compile(r'(WebSocket [^\s?"]*)\?[^\s"]*')


class DropQueries(logging.Filter):
    """Cuts the query off the paths in the records of `uvicorn.error`, `uvicorn.access` and `uvicorn.asgi`.

    At level DEBUG and below these also quote what a client sends, its headers and frames: such records are
    dropped. To be attached to these loggers themselves, so that it holds whatever handlers they have.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "uvicorn.access" and isinstance(record.args, tuple) and len(record.args) == 5:
            # The access formatter takes its five arguments apart, so they stay five.
            address, method, path, version, status = record.args
            record.args = (address, method, str(path).partition("?")[0], version, status)
            return True
        if record.levelno <= logging.DEBUG:
            if record.name == "uvicorn.asgi" or str(record.msg).startswith("< "):
                return False
            # Of a handshake that is refused, the exception quotes what was wrong with it.
            record.exc_info = None
        message = record.getMessage()
        cut = _HANDSHAKE_QUERY.sub(r"\1", message)
        if cut != message:
            record.msg, record.args = cut, None
        return True

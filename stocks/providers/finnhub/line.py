"""Opens the connection of the stream, and keeps the key that stands in its address to itself.

Neither the address nor anything that quotes it is shown: the library's own log is switched off.
"""

from __future__ import annotations

import logging
import socket
from urllib.parse import quote

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.uri import parse_uri

from stocks.providers.errors import AuthFailed, Upstream
from stocks.providers.http import HIDDEN

OPEN_SECONDS = 5.0
CLOSE_SECONDS = 1.0
MAX_MESSAGE = 1024 * 1024

_silent = logging.Logger("finnhub websocket")
_silent.disabled = True


class Line:
    """Opens connections.

    Args:
        url: of the server, without the key.
        key: the key.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url}{'&' if '?' in url else '?'}token={quote(key, safe='')}"
        self._secrets = {key, quote(key, safe="")}

    def open(self) -> ClientConnection:
        """A new connection; raises AuthFailed where the key is refused, else Upstream."""
        try:
            address = parse_uri(self._url)
            # A connection over a socket of our own follows no redirect.
            raw = socket.create_connection((address.host, address.port), timeout=OPEN_SECONDS)
            raw.settimeout(None)
            return connect(
                self._url,
                sock=raw,
                proxy=None,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                max_size=MAX_MESSAGE,
                logger=_silent,
                legacy=True,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            if status in (401, 403):
                raise AuthFailed(f"finnhub: the stream refuses the key with HTTP {status}") from None
            raise Upstream(f"finnhub: the stream answers HTTP {status}") from None
        except (OSError, WebSocketException, ValueError) as error:
            raise Upstream(f"finnhub: the stream does not open ({type(error).__name__})") from None

    def redact(self, text: str) -> str:
        """``text`` without the key, as they may echo it."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

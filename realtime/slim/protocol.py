"""The WebSocket side of uvicorn: `uvicorn --ws realtime.slim.protocol:SlimProtocol`.

uvicorn makes one of these per handshake and gives it the request. It asks the ASGI application, and when that
accepts, a `Connection` takes its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from uvicorn.config import Config
from uvicorn.server import ServerState

from realtime.limits import configured
from realtime.slim import handshake
from realtime.slim.connection import Connection
from realtime.slim.errors import BadHandshake
from realtime.slim.exchange import Disconnected, Exchange
from realtime.slim.handshake import Request
from realtime.slim.house import House
from realtime.slim.parked import EXTENSION

logger = logging.getLogger("uvicorn.error")

# Bytes behind a request whose application has not answered yet; no client sends them before it is answered.
_MOST_EARLY = 64 * 1024

_houses: WeakKeyDictionary[ServerState, House] = WeakKeyDictionary()


def house_of(config: Config, server_state: ServerState) -> House:
    """What the connections of this server share, made at the first call."""
    house = _houses.get(server_state)
    if house is None:
        house = _houses[server_state] = House(
            loop=asyncio.get_running_loop(),
            limits=configured(),
            connections=server_state.connections,
            tasks=server_state.tasks,
            frame_bytes=config.ws_max_size,
            deflate=config.ws_per_message_deflate,
            stop_seconds=config.timeout_graceful_shutdown,
        )
    return house


class SlimProtocol(asyncio.Protocol):
    """One handshake."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._house = house_of(config, server_state)
        self._transport: asyncio.Transport
        self._request: Request | None = None
        self._exchange: Exchange | None = None
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._house.connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._early += data
        if self._request is not None or self._transport.is_closing():
            if len(self._early) > _MOST_EARLY:
                self._transport.abort()
            return
        found = handshake.split_head(self._early)
        if found is not None:
            self.head_received(found)

    def head_received(self, found: handshake.Head) -> None:
        """The head of the request has come; to be called once."""
        self._early = found.rest
        try:
            self._request = handshake.read_request(found.head)
        except BadHandshake as error:
            self._transport.write(handshake.refusal_of(error))
            self._transport.close()
            return
        exchange = self._exchange = Exchange(house=self._house, opening=self)
        scope = self._scope(self._request, exchange)
        self._house.start(_run(self._config.loaded_app, scope, exchange), exchange.ended)

    def connection_lost(self, exc: Exception | None) -> None:
        self._house.connections.discard(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.lost(1006, "")

    def shutdown(self) -> None:
        """The server stops before the application has answered."""
        self.refuse(503, (), b"")

    # --- What the application answers ---

    def accept(self, exchange: Exchange, message: dict[str, Any]) -> Connection:
        """Open the WebSocket; raises Disconnected, or ValueError for a header that cannot be written."""
        request = self._request
        if request is None or self._transport.is_closing():
            raise Disconnected
        answer = handshake.switching(
            request,
            deflate=self._house.deflate,
            headers=[*self._server_state.default_headers, *message.get("headers", ())],
            subprotocol=message.get("subprotocol"),
        )
        self._log("[accepted]")
        self._house.connections.discard(self)
        self._exchange = None
        self._transport.write(answer)
        connection = Connection(
            house=self._house,
            transport=self._transport,
            receiver=exchange,
            deflate=self._house.deflate and request.extensions is not None,
        )
        self._transport.set_protocol(connection)
        if self._early:
            connection.data_received(self._early)
        return connection

    def refuse(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer with HTTP; raises ValueError for a header that cannot be written."""
        if self._transport.is_closing():
            return
        self._log(str(status))
        self._transport.write(
            handshake.refusal(status, [*self._server_state.default_headers, *headers], body)
        )
        self._transport.close()

    def _log(self, outcome: str) -> None:
        # Never with the query: a token may be in it.
        if self._request is not None and logger.isEnabledFor(logging.INFO):
            peer = self._transport.get_extra_info("peername")
            address = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""
            path = self._request.path.decode("ascii")
            logger.info('%s - "WebSocket %s" %s', address, path, outcome)

    def _scope(self, request: Request, exchange: Exchange) -> dict[str, Any]:
        config, transport = self._config, self._transport
        path = request.path.decode("ascii")
        return {
            "type": "websocket",
            "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if transport.get_extra_info("sslcontext") else "ws",
            "server": _address(transport.get_extra_info("sockname")),
            "client": _address(transport.get_extra_info("peername")),
            "root_path": config.root_path,
            "path": config.root_path + unquote(path),
            "raw_path": config.root_path.encode("ascii") + request.path,
            "query_string": request.query,
            "headers": request.headers,
            "subprotocols": request.subprotocols,
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: exchange.park},
        }


async def _run(app: Any, scope: dict[str, Any], exchange: Exchange) -> None:
    await app(scope, exchange.receive, exchange.send)


def _address(socket_name: Any) -> tuple[Any, Any] | None:
    return socket_name[:2] if isinstance(socket_name, tuple) else None

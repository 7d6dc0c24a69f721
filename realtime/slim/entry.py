"""The HTTP side of uvicorn before it knows what comes: `uvicorn --http realtime.slim.entry:Entry`.

A WebSocket handshake goes straight to the WebSocket protocol, without the work of an HTTP parser that makes
the request, takes it apart and writes it down again. Everything else goes to uvicorn's own HTTP protocol. A
request whose head does not come to its end in time is answered with 408.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import ServerState

from realtime.slim import handshake
from realtime.slim.clock import NEVER
from realtime.slim.protocol import SlimProtocol, house_of


class Entry(asyncio.BufferedProtocol):
    """One connection whose first request has not come whole."""

    __slots__ = ("_app_state", "_config", "_head", "_house", "_server_state", "_transport", "due")

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
        self._head = bytearray()
        self.due = NEVER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._house.connections.add(self)
        self._house.clock.wake(self, self._house.handshake_ticks)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._house.buffer

    def buffer_updated(self, nbytes: int) -> None:
        searched = len(self._head)
        self._head += memoryview(self._house.buffer)[:nbytes]
        found = handshake.split_head(self._head, searched)
        if found is not None:
            websocket = self._config.ws_protocol_class
            if websocket is not None and handshake.asks_for_websocket(found.head):
                protocol = self._hand_to(websocket)
                if isinstance(protocol, SlimProtocol):
                    protocol.head_received(found)
                    return
            else:
                protocol = self._hand_to(AutoHTTPProtocol)
            protocol.data_received(bytes(self._head))
        elif not self._head[:1].isalpha() or len(self._head) > handshake.MAX_HEAD:
            # It refuses at once what is no request.
            self._hand_to(AutoHTTPProtocol).data_received(bytes(self._head))

    def _hand_to(self, protocol_class: Any) -> Any:
        self._leave()
        protocol = protocol_class(
            config=self._config, server_state=self._server_state, app_state=self._app_state
        )
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        return protocol

    def _leave(self) -> None:
        self._house.clock.forget(self)
        self._house.connections.discard(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()

    def on_due(self, now: int) -> None:
        """The head took too long."""
        if self._head:
            self._transport.write(handshake.refusal(408))
        self._transport.close()

    def shutdown(self) -> None:
        """The server stops."""
        self._transport.close()

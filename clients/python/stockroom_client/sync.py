"""The same without asyncio: a thread keeps the connection, a plain loop reads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

from stockroom_client.client import Stockroom
from stockroom_client.events import Event


def listen(url: str, **options: Any) -> Iterator[Event]:
    """The events of `Stockroom(url, **options)`, one after the other; raises ConnectionEnded as it does.

        for event in listen("ws://localhost:8000", token=token, rooms=["price:005930"]):
            ...

    While the loop body works, the thread goes on reading and keeps the newest per stock. Leaving the loop (or
    `close()` of the iterator) closes the connection.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stockroom-client", daemon=True)
    thread.start()

    def wait(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    try:
        client: Stockroom = wait(_started(url, options))
        try:
            while (event := wait(_next(client))) is not None:
                yield event
        finally:
            wait(client.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _started(url: str, options: dict[str, Any]) -> Stockroom:
    client = Stockroom(url, **options)
    client.start()
    return client


async def _next(client: Stockroom) -> Event | None:
    return await anext(client, None)

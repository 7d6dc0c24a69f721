"""The end of a process: its clients are told to come back, not all at once."""

from __future__ import annotations

import asyncio
import random

from realtime.hub import Hub
from realtime.protocol.codes import RESTARTING

# Whoever is told to come back comes back at once: so many a second one other process takes in with ease.
CLOSES_PER_SECOND = 1000
# However many there are, the process ends soon.
MOST_SECONDS = 10.0

_STEP_SECONDS = 0.05


async def drain(
    hub: Hub, *, per_second: float = CLOSES_PER_SECOND, most_seconds: float = MOST_SECONDS
) -> None:
    """Close every client with 1012, evenly over as many seconds as that takes."""
    clients = list(hub.clients)
    # Neighbours in time, such as the connections of one page, come back to different seconds.
    random.shuffle(clients)
    loop = asyncio.get_running_loop()
    seconds = min(len(clients) / per_second, most_seconds)
    began, done = loop.time(), 0
    while done < len(clients):
        passed = loop.time() - began
        due = len(clients) if passed >= seconds else int(len(clients) * passed / seconds)
        for client in clients[done:due]:
            hub.close(client, RESTARTING, RESTARTING.meaning)
        done = due
        if done < len(clients):
            await asyncio.sleep(_STEP_SECONDS)
    # Some may have come in through handshakes that had begun.
    for client in list(hub.clients):
        hub.close(client, RESTARTING, RESTARTING.meaning)

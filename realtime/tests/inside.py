"""What a web process of a test has open, told over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.urls import path

from realtime import hub as hubs


async def inside(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Its tasks beside the one that answers, and what its hub holds."""
    hub = hubs.current()
    body = {
        "tasks": len(asyncio.all_tasks()) - 1,
        "clients": len(hub.clients),
        "rooms": sorted(hub.rooms),
        "blocked": hub.counts.blocked,
        "deliveries": hub.counts.deliveries,
        "closed": hub.counts.closed,
    }
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


_inside: Any = inside
inside_urlpatterns = [path("inside", _inside)]

"""What Channels' documentation leads to: a consumer that joins a group and sends on what it is told.

STOCK_LAYER names the layer: `pubsub` or `core`. There are no tokens here, no snapshots and no positions.
"""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings

LAYERS = {
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "core": "channels_redis.core.RedisChannelLayer",
}
settings.configure(
    INSTALLED_APPS=["channels"],
    ALLOWED_HOSTS=["127.0.0.1"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": LAYERS[os.environ["STOCK_LAYER"]],
            # Its client of Redis has 100 connections at most by default, and the layer needs one a client.
            "CONFIG": {
                "hosts": [{"address": os.environ["REDIS_URL"], "max_connections": 100_000}],
                "prefix": "stock",
            },
        }
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402  (Django is set up first)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402


class PriceConsumer(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        self.group = self.scope["url_route"]["kwargs"]["group"]
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def price_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter(
    {"websocket": URLRouter([path("ws/<str:group>", PriceConsumer.as_asgi())])},
)

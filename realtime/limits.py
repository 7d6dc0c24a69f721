"""What one connection may use. Every figure can be set in `settings.REALTIME_LIMITS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds; ``rooms`` is the most rooms of one connection by tier."""

    rooms: Mapping[str, int]
    frame_bytes: int = 16 * 1024
    bad_frames: int = 5
    authenticate_seconds: float = 5.0
    heartbeat_seconds: int = 30

    # A client whose socket is full keeps the newest event per key up to this size, for this long.
    outbox_bytes: int = 64 * 1024
    send_seconds: float = 5.0
    # Of the slim protocol: a handshake or a message that has begun has this long to come to its end; a client
    # that is silent so long is sent a ping, and given up when it stays silent.
    handshake_seconds: float = 5.0
    message_seconds: float = 10.0
    ping_seconds: float = 20.0
    silence_seconds: float = 45.0

    # The close frame of a slow client waits this long behind what it did not read.
    farewell_seconds: float = 3.0
    # The kernel would hold up to 4 MB for a client that does not read; it doubles this figure.
    send_buffer_bytes: int = 64 * 1024

    # Fan-out gives way to incoming traffic after this; clients are served at most once per window.
    slice_seconds: float = 0.004
    window_seconds: float = 0.0
    batch_messages: int = 200

    # A room that Redis does not answer for in this time is refused.
    join_seconds: float = 5.0
    # Without Redis prices stand still: after this, clients are told so and closed.
    link_grace_seconds: float = 10.0

    def rooms_of(self, tier: str) -> int:
        """The most rooms for a tier; that of the smallest tier for one that the table does not know."""
        return self.rooms.get(tier, min(self.rooms.values()))


def configured() -> Limits:
    """The limits as the settings say now."""
    changes = getattr(settings, "REALTIME_LIMITS", {})
    return replace(Limits(rooms=settings.REALTIME_MAX_ROOMS), **changes)

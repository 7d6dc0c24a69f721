"""What one connection may use. Every figure can be set in `settings.REALTIME_LIMITS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds; ``rooms`` is the most rooms of one connection by tier, ``connections`` the most
    connections of one user, over all processes and doors. Where that is empty, nobody's are counted.
    """

    rooms: Mapping[str, int]
    connections: Mapping[str, int] = field(default_factory=dict)
    # Of one address (of IPv6: one /64), in one process: many people may stand behind one.
    connections_per_address: int = 1000
    frame_bytes: int = 16 * 1024
    bad_frames: int = 5
    authenticate_seconds: float = 5.0
    heartbeat_seconds: int = 30
    # Comments in a stream of events: proxies end what is silent for long.
    keep_alive_seconds: int = 15

    # Frames of a client: so many at once, then so many a second. A frame that names many rooms counts as one
    # for each fifty. Of those that come faster none is answered, and so many in a row close.
    frames_at_once: int = 60
    frames_per_second: float = 20.0
    frames_refused: int = 100

    # How long before the end of its token a client is told.
    warn_seconds: float = 60.0
    # A connection is closed at this age, or up to a tenth earlier, so that those opened together come back
    # one by one.
    max_age_seconds: float = 12 * 3600.0
    # A connection that its process did not renew for so long no longer counts as one of its user.
    lease_seconds: float = 60.0

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

    # A stream of events has no pong: the kernel drops a client that acknowledges nothing for so long.
    unacknowledged_seconds: float = 45.0

    # Fan-out gives way to incoming traffic after this; clients are served at most once per window.
    slice_seconds: float = 0.004
    window_seconds: float = 0.0
    batch_messages: int = 200

    # A room that nobody is in any more is followed so long.
    linger_seconds: float = 10.0
    # A room that Redis does not answer for in this time is refused.
    join_seconds: float = 5.0
    # Without Redis prices stand still: after this, clients are told so and closed.
    link_grace_seconds: float = 10.0

    # What is told of each tier, once it was asked for.
    _told: dict[str, dict[str, int | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def rooms_of(self, tier: str) -> int:
        """The most rooms for a tier; that of the smallest tier for one that the table does not know."""
        return self.rooms[tier] if tier in self.rooms else min(self.rooms.values())

    def connections_of(self, tier: str) -> int | None:
        """The most connections of a user of a tier, as `rooms_of`; None where they are not counted."""
        if tier in self.connections:
            return self.connections[tier]
        return min(self.connections.values()) if self.connections else None

    def told(self, tier: str) -> dict[str, int | None]:
        """What a client of a tier is told of them."""
        if tier not in self._told:
            self._told[tier] = {
                "rooms": self.rooms_of(tier),
                "connections": self.connections_of(tier),
                "frame_bytes": self.frame_bytes,
                "frames_per_minute": int(self.frames_per_second * 60),
            }
        return self._told[tier]


def configured() -> Limits:
    """The limits as the settings say now."""
    changes = getattr(settings, "REALTIME_LIMITS", {})
    connections = getattr(settings, "REALTIME_MAX_CONNECTIONS", {})
    return replace(Limits(rooms=settings.REALTIME_MAX_ROOMS, connections=connections), **changes)

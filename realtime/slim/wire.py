"""A frame of the hub as bytes of a WebSocket, built once for all clients that get it."""

from __future__ import annotations

from realtime.frame import Batch, Event, Frame
from realtime.slim.deflate import compress
from realtime.slim.frames import TEXT, build

# What is shorter gains too little.
COMPRESS_FROM = 256
# A reply is for one client alone, so it must be worth the work.
COMPRESS_REPLIES_FROM = 1024


def plain_wire(frame: Frame) -> bytes:
    """The frame uncompressed; kept as its ``wire``."""
    if frame.wire is None:
        frame.wire = build(TEXT, frame.body)
    return frame.wire


def compressed_wire(frame: Frame) -> bytes:
    """The frame for a client that takes compressed ones; kept as its ``deflated``."""
    if frame.deflated is None:
        shared = isinstance(frame, Event | Batch)
        frame.deflated = plain_wire(frame)
        if len(frame.body) >= (COMPRESS_FROM if shared else COMPRESS_REPLIES_FROM):
            small = build(TEXT, compress(frame.body), compressed=True)
            if len(small) < len(frame.deflated):
                frame.deflated = small
    return frame.deflated

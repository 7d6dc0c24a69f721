"""What can go wrong in realtime. Codes that clients see stand in one table, protocol/codes.py."""

from __future__ import annotations

from typing import Any, ClassVar

from realtime.protocol.codes import ROOM_FORBIDDEN, ROOM_UNKNOWN, Code


class RealtimeError(Exception):
    """Root of the tree: ``code`` names the error for programs, ``message`` is a sentence for people."""

    code = "REALTIME_ERROR"

    def __init__(self, message: str, /, **details: Any) -> None:
        self.message = message
        self.details = details
        super().__init__(message)


class RoomRefused(RealtimeError):
    """A room's owner does not let this user in. ``code`` is what the client's `error` frame names."""

    close_code: ClassVar[Code] = ROOM_FORBIDDEN

    def __init__(self, code: str, message: str, /, **details: Any) -> None:
        super().__init__(message, **details)
        self.code = code


class RoomUnknown(RoomRefused):
    """There is no such room: its stock, market or owner does not exist."""

    close_code = ROOM_UNKNOWN


class SignInRefused(RealtimeError):
    """The connection is closed with ``close_code``, for the reason that the message says."""

    def __init__(self, close_code: Code, message: str, /) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = close_code.name


class Unavailable(RealtimeError):
    """Redis or the database does not answer in time."""

    code = "UNAVAILABLE"

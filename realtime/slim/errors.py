"""What a client can do wrong on the wire."""

from __future__ import annotations

from realtime.protocol.codes import Code


class Broken(Exception):
    """The bytes are not what RFC 6455 or a limit allows: the connection is closed with ``code``."""

    def __init__(self, code: Code, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class BadHandshake(Exception):
    """The request cannot be upgraded: it is answered with an HTTP ``status`` and one sentence."""

    def __init__(self, status: int, sentence: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.status = status
        self.sentence = sentence
        self.headers = headers
        super().__init__(sentence)

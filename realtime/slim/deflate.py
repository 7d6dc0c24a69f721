"""permessage-deflate (RFC 7692), always without context takeover: no connection keeps a window.

So a message to many clients is compressed once, and an idle client costs nothing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

from realtime.protocol.codes import FRAME_TOO_BIG, PROTOCOL_ERROR
from realtime.slim.errors import BadHandshake, Broken

# 4 KiB of window: the messages of a batch are alike within a few hundred. Offers for less are declined.
WINDOW_BITS = 12
_LEVEL = 6
_MEMORY = 5

# Every message ends with an empty block, of which the last bytes are left out on the wire.
_TAIL = b"\x00\x00\xff\xff"
_INFLATE_BITS = -15

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = rf'{_WORD}(?:[ \t]*=[ \t]*(?:{_WORD}|"{_WORD}"))?'
_EXTENSION = rf"[ \t]*({_WORD})((?:[ \t]*;[ \t]*{_PARAMETER})*)[ \t]*"
_ONE_EXTENSION = re.compile(_EXTENSION)
_ONE_PARAMETER = re.compile(rf'({_WORD})(?:[ \t]*=[ \t]*"?({_WORD})"?)?')
_LIST = re.compile(rf"(?:[ \t]*,)*{_EXTENSION}(?:,(?:{_EXTENSION}|[ \t]*))*")
_BITS = frozenset(map(str, range(8, 16)))
_LONGEST_HEADER = 1024


def compress(body: bytes) -> bytes:
    """The payload of a compressed message."""
    deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, -WINDOW_BITS, _MEMORY)
    return (deflater.compress(body) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)


def inflate(payload: bytes, limit: int) -> bytes:
    """A message as it was; raises Broken where that is over ``limit`` bytes, or damaged."""
    inflater = zlib.decompressobj(_INFLATE_BITS)
    try:
        body = inflater.decompress(payload + _TAIL, limit + 1)
        # A sender may mark its last block as final and pad with an empty one.
        rest = inflater.unused_data
        if rest and zlib.decompressobj(_INFLATE_BITS).decompress(rest, 1):
            raise Broken(PROTOCOL_ERROR, "the compressed data has a second stream")
    except zlib.error:
        raise Broken(PROTOCOL_ERROR, "the data cannot be inflated") from None
    if len(body) > limit:
        raise Broken(FRAME_TOO_BIG, f"a message has at most {limit} bytes")
    return body


def accepted_offer(headers: Sequence[str]) -> str | None:
    """What to answer to `Sec-WebSocket-Extensions`: the first offer that can be met, None without one.

    Raises BadHandshake where a header does not follow the grammar.
    """
    for header in headers:
        for name, parameters in _extensions(header):
            if name == "permessage-deflate" and (answer := _answer(parameters)) is not None:
                return answer
    return None


def _extensions(header: str) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    if not header.strip(" \t"):
        return
    if len(header) > _LONGEST_HEADER or not _LIST.fullmatch(header):
        raise BadHandshake(400, "Sec-WebSocket-Extensions is malformed.")
    for part in header.split(","):
        if found := _ONE_EXTENSION.fullmatch(part):
            yield found[1], [(one[1], one[2]) for one in _ONE_PARAMETER.finditer(found[2])]


def _answer(parameters: list[tuple[str, str | None]]) -> str | None:
    """The parameters of the answer; None for an offer that is malformed or asks for a smaller window."""
    given = dict(parameters)
    if len(given) < len(parameters):
        return None
    answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    for name, value in parameters:
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                return None
        elif name == "client_max_window_bits":
            if value is not None and value not in _BITS:
                return None
        elif name == "server_max_window_bits" and value in _BITS:
            if int(value) < WINDOW_BITS:
                return None
            answer += f"; server_max_window_bits={value}"
        else:
            return None
    return answer

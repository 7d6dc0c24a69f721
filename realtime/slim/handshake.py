"""The opening handshake (RFC 6455, section 4): a request in, an answer out. No I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from realtime.slim.deflate import accepted_offer
from realtime.slim.errors import BadHandshake

MAX_HEAD = 64 * 1024

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_REQUEST_LINE = re.compile(rb"([!-~]+) (/[!-~]*) HTTP/1\.([01])")
_FIELD = rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t -~\x80-\xff]*)\r\n"
_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)
_ONE_FIELD = re.compile(_FIELD)
_FIELDS = re.compile(rb"(?:%b)*\r\n" % _FIELD)
_WEBSOCKET = re.compile(rb"\nupgrade:[ \t]*websocket[ \t]*\r?\n", re.IGNORECASE)
_CONNECTION = re.compile(rb"\nconnection:[^\n]*\bupgrade\b", re.IGNORECASE)
_END = re.compile(rb"\n\r?\n")
_FIELD_VALUE = re.compile(rb"[ \t!-~\x80-\xff]*")
_FIELD_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

Headers = Sequence[tuple[bytes, bytes]]


class Request(NamedTuple):
    """A request that may be upgraded. ``extensions`` is what to answer to the extensions that it offers."""

    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    accept: bytes
    extensions: str | None
    subprotocols: list[str]


class Head(NamedTuple):
    """The head of a request, its end included, and the bytes that came after it."""

    head: bytes
    rest: bytes


def split_head(data: bytes | bytearray, since: int = 0) -> Head | None:
    """Cut after the head; None while it has no end. ``since`` is how much was searched before."""
    end = _END.search(data, max(0, since - 3))
    return Head(bytes(data[: end.end()]), bytes(data[end.end() :])) if end else None


def asks_for_websocket(head: bytes) -> bool:
    """Whether the head of a request is, in its usual spelling, that of a WebSocket handshake."""
    return bool(_WEBSOCKET.search(head) and _CONNECTION.search(head))


def read_request(head: bytes) -> Request:
    """Check a handshake; raises BadHandshake."""
    line, _, fields = head.partition(b"\r\n")
    request = _REQUEST_LINE.fullmatch(line)
    if request is None:
        raise BadHandshake(400, "The request line is malformed.")
    if request[1] != b"GET":
        raise BadHandshake(405, "A handshake is a GET request.", ((b"allow", b"GET"),))
    if not _FIELDS.fullmatch(fields):
        raise BadHandshake(400, "A header is malformed.")
    headers = [(name.lower(), value.rstrip(b" \t")) for name, value in _ONE_FIELD.findall(fields)]
    known = _gathered(headers)
    _check(known, minor_version=request[3])
    path, _, query = request[2].partition(b"?")
    offers = [one.decode("latin-1") for one in known.get(b"sec-websocket-extensions", ())]
    return Request(
        path=path,
        query=query,
        headers=headers,
        accept=_accept(known[b"sec-websocket-key"][0]),
        extensions=accepted_offer(offers),
        subprotocols=[one.decode("latin-1") for one in _tokens(known, b"sec-websocket-protocol")],
    )


def switching(
    request: Request, *, deflate: bool, headers: Headers = (), subprotocol: str | None = None
) -> bytes:
    """The answer that opens the WebSocket; raises ValueError for a header that cannot be written."""
    lines = [_SWITCHING + request.accept]
    if deflate and request.extensions is not None:
        lines.append(_line(b"Sec-WebSocket-Extensions", request.extensions.encode()))
    if subprotocol is not None:
        lines.append(_written(b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))
    lines += [_line(name, value) for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def refusal(status: int, headers: Headers = (), body: bytes = b"") -> bytes:
    """An HTTP answer in place of a WebSocket, after which the connection ends; raises ValueError."""
    given = {name.lower() for name, _ in headers}
    more = [(b"Connection", b"close")] if b"connection" not in given else []
    if b"content-length" not in given:
        more.append((b"Content-Length", str(len(body)).encode()))
    return _response(status, [*headers, *more]) + body


def refusal_of(error: BadHandshake) -> bytes:
    """The answer to a request that cannot be upgraded."""
    plain = (b"Content-Type", b"text/plain; charset=utf-8")
    return refusal(error.status, (plain, *error.headers), error.sentence.encode())


def _response(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}".encode(), *(_written(name, value) for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _written(name: bytes, value: bytes) -> bytes:
    if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
        raise ValueError("a response header has a character that no header has")
    return name + b": " + value


# The same are written again and again: those of the server, and what extensions are answered with.
_line = lru_cache(maxsize=256)(_written)


def _gathered(headers: Headers) -> dict[bytes, list[bytes]]:
    known: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        known.setdefault(name, []).append(value)
    return known


def _check(known: dict[bytes, list[bytes]], *, minor_version: bytes) -> None:
    if minor_version != b"1" or len(known.get(b"host", ())) != 1:
        raise BadHandshake(400, "A handshake is HTTP/1.1 and names one host.")
    if b"websocket" not in _tokens(known, b"upgrade", lower=True):
        raise BadHandshake(426, "Only WebSocket is served here.", ((b"upgrade", b"websocket"),))
    if b"upgrade" not in _tokens(known, b"connection", lower=True):
        raise BadHandshake(400, "Connection names no upgrade.")
    if b"transfer-encoding" in known or known.get(b"content-length", [b"0"]) != [b"0"]:
        raise BadHandshake(400, "A handshake has no body.")
    if known.get(b"sec-websocket-version") != [b"13"]:
        raise BadHandshake(426, "The version is 13.", ((b"sec-websocket-version", b"13"),))
    keys = known.get(b"sec-websocket-key", ())
    if len(keys) != 1 or not _is_key(keys[0]):
        raise BadHandshake(400, "Sec-WebSocket-Key is 16 bytes in base64.")


def _tokens(known: dict[bytes, list[bytes]], name: bytes, *, lower: bool = False) -> list[bytes]:
    if name not in known:
        return []
    values = b",".join(known[name])
    parts = (part.strip(b" \t") for part in (values.lower() if lower else values).split(b","))
    return [part for part in parts if part]


def _is_key(key: bytes) -> bool:
    try:
        return len(key) == 24 and len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def _accept(key: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324  (RFC 6455 names it)

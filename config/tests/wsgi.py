"""Requests to a WSGI application as a server makes them."""

from __future__ import annotations

import io
from typing import Any


def call(
    application: Any, environ: dict[str, Any], *, token: str | None = None, raw: bytes = b""
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of a reply; a word of ``environ`` that is None is left out of the request."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        started[:] = [status, headers]

    full = {
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_ACCEPT": "*/*",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(raw),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    } | ({} if token is None else {"HTTP_AUTHORIZATION": f"Bearer {token}"})
    parts = application(
        {name: value for name, value in (full | environ).items() if value is not None}, start_response
    )
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = started
    return int(status.split()[0]), headers, body

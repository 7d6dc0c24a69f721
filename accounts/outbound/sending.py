"""One request to an address that somebody named: to a fixed address, bounded, no redirect followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curl_cffi import CurlOpt
from curl_cffi.requests.exceptions import RequestException

from accounts.outbound.guard import AddressRefused, is_literal, parse, resolve
from accounts.outbound.http import BoundedSession, reason


class NoAnswer(Exception):
    """No whole answer came within the bounds; the text says why, without the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``headers`` have names in lower case; ``body`` is inflated."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(
    method: str,
    url: str,
    *,
    seconds: float,
    max_bytes: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask the address once; raises AddressRefused, AddressUnknown and NoAnswer.

    No error holds the address or what came back. A redirect is an answer, and is not followed.
    """
    target = parse(url)
    address = resolve(target)
    options: dict[CurlOpt, Any] = {CurlOpt.PROXY: "", CurlOpt.FRESH_CONNECT: 1}
    if not is_literal(target.host):
        options[CurlOpt.RESOLVE] = [f"{target.host}:{target.port}:{address}"]
    with BoundedSession(seconds=seconds, max_bytes=max_bytes, curl_options=options) as session:
        try:
            response = session.request(method, target.url, data=body, headers=dict(headers or {}))
        except RequestException as error:
            raise NoAnswer(reason(error)) from None
    if response.primary_ip and response.primary_ip != address:
        raise AddressRefused("was answered by another one than was looked up")
    found = {name.lower(): value or "" for name, value in response.headers.items()}
    return Answer(int(response.status_code), found, response.content)

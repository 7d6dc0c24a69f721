"""One request to an endpoint: to a fixed address, bounded in time and size, no redirect followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from curl_cffi import CurlOpt
from curl_cffi.requests.exceptions import RequestException

from screening.webhooks.guard import AddressRefused, AddressUnknown, is_literal, parse, resolve
from stocks.providers.http import BoundedSession, reason, retry_after

SECONDS = 5.0
MAX_BYTES = 64 * 1024
GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt. ``status`` is the endpoint's, None where none came.

    ``error`` is empty where it was taken. A ``final`` one is not tried again. ``wait`` is how many seconds
    the endpoint asks for.
    """

    status: int | None = None
    error: str = ""
    final: bool = False
    wait: float | None = None


def post(url: str, body: bytes, headers: dict[str, str], *, now: float) -> Outcome:
    """Post a JSON body. ``now`` is in Unix seconds. No error holds the address or what came back."""
    try:
        target = parse(url)
        address = resolve(target)
    except AddressRefused as error:
        return Outcome(error=f"the address {error}", final=True)
    except AddressUnknown as error:
        return Outcome(error=str(error))
    options: dict[CurlOpt, Any] = {CurlOpt.PROXY: "", CurlOpt.FRESH_CONNECT: 1}
    if not is_literal(target.host):
        options[CurlOpt.RESOLVE] = [f"{target.host}:{target.port}:{address}"]
    session = BoundedSession(seconds=SECONDS, max_bytes=MAX_BYTES, curl_options=options)
    with session:
        try:
            response = session.request(
                "POST", target.url, data=body, headers={"Content-Type": "application/json", **headers}
            )
        except RequestException as error:
            return Outcome(error=reason(error))
    if response.primary_ip and response.primary_ip != address:
        return Outcome(error="another address answered than the one looked up", final=True)
    status = int(response.status_code)
    if 200 <= status < 300:
        return Outcome(status)
    if 300 <= status < 400:
        return Outcome(status, "a redirect, which is not followed")
    wait = retry_after(response.headers.get("Retry-After"), now=now)
    return Outcome(status, f"HTTP {status}", final=status == GONE, wait=wait)

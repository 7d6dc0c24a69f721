"""One request to an endpoint, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.outbound.guard import AddressRefused, AddressUnknown
from accounts.outbound.http import retry_after
from accounts.outbound.sending import NoAnswer, send

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
        answer = send(
            "POST",
            url,
            seconds=SECONDS,
            max_bytes=MAX_BYTES,
            body=body,
            headers={"Content-Type": "application/json", **headers},
        )
    except AddressRefused as error:
        return Outcome(error=f"the address {error}", final=True)
    except (AddressUnknown, NoAnswer) as error:
        return Outcome(error=str(error))
    if 200 <= answer.status < 300:
        return Outcome(answer.status)
    if 300 <= answer.status < 400:
        return Outcome(answer.status, "a redirect, which is not followed")
    wait = retry_after(answer.headers.get("retry-after"), now=now)
    return Outcome(answer.status, f"HTTP {answer.status}", final=answer.status == GONE, wait=wait)

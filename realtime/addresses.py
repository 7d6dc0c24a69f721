"""Where a request or a connection comes from, as far as it is to be counted."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

from django.conf import settings

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def client_address(peer: str, forwarded: str) -> str:
    """The address that a request is counted for, of IPv6 its /64; empty where it tells nothing.

    ``peer`` is the other end of the connection, ``forwarded`` what it says in `X-Forwarded-For`. A proxy of
    `settings.TRUSTED_PROXIES` is believed about whom it was asked by, and that one in turn if it is one of
    them too. Of anybody else the header is only a claim.
    """
    return _client_address(peer, forwarded, tuple(settings.TRUSTED_PROXIES) if forwarded else ())


@lru_cache(maxsize=4096)
def _client_address(peer: str, forwarded: str, proxies: _Networks) -> str:
    found = _parsed(peer)
    for hop in reversed(forwarded.split(",") if forwarded else []):
        # What comes through a socket of this machine has no address: only a proxy uses that.
        believed = bool(proxies) if found is None else any(found in network for network in proxies)
        before = _parsed(hop.strip())
        if not believed or before is None:
            break
        found = before
    return "" if found is None else _counted(found)


def counted_address(scope: dict[str, Any]) -> str:
    """The address that an ASGI handshake is counted for."""
    peer = scope.get("client")
    forwarded = b",".join([value for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"])
    return client_address(str(peer[0]) if peer else "", forwarded.decode("latin-1"))


def is_loopback(address: str) -> bool:
    """Whether a counted address is this machine: a proxy that was not named, or an operator."""
    return address.startswith("127.") or address == "::/64"


def _parsed(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _counted(address: _Address) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network(f"{address}/64", strict=False))
    return str(address)

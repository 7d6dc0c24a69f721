"""Where a connection comes from, as far as it is to be counted."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings


def counted_address(scope: dict[str, Any]) -> str:
    """The address of a handshake's client, of IPv6 its /64; empty where it tells nothing.

    `settings.TRUSTED_PROXY_COUNT` is how many proxies stand in front and add to `X-Forwarded-For`; without
    any, that header is a claim. A client on this machine is not counted: it is a proxy that was not named,
    or an operator.
    """
    peer = scope.get("client")
    hops = [str(peer[0])] if peer else []
    proxies: int = getattr(settings, "TRUSTED_PROXY_COUNT", 0)
    if proxies:
        forwarded = b",".join(value for name, value in scope.get("headers", []) if name == b"x-forwarded-for")
        hops = [hop for hop in forwarded.decode("latin-1").split(",") if hop.strip()] + hops
    return _counted(hops[-min(proxies + 1, len(hops))].strip()) if hops else ""


def _counted(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return "" if address.is_loopback else str(ipaddress.ip_network(f"{address}/64", strict=False))
        address = address.ipv4_mapped
    return "" if address.is_loopback else str(address)

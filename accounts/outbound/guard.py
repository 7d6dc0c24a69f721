"""Which addresses that somebody names are asked: public ones alone, looked up once and then held on to.

Somebody names an address and our server calls it, so it could be made to call what only it can reach: its own
ports, the network behind it, the metadata of its host. So the name is resolved here, every address that it
has must be public, and the request goes to one of these, whatever the name says a moment later. Redirects are
not followed.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL: Final = 500
# Letters, digits and hyphens between dots; a name of another script has to come in its ASCII form.
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_TARGET = re.compile(r"[!-~]*")
#: Public by their number, but gateways to, or names of, what is not.
_REFUSED: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24"),
        *("192.88.99.0/24", "198.18.0.0/15", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64"),
        *("2001::/23", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10"),
    )
)


class AddressRefused(Exception):
    """The address is none that a request may go to; the text says why, and not which."""


class AddressUnknown(Exception):
    """The name has no address now."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to go: an address taken apart and written anew, so that nobody reads it in another way."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse(url: str) -> Target:
    """The target of a URL; raises AddressRefused for what can be none.

    It is https, without a user or a fragment, and its host is a name or an address in its usual form. Where
    ``settings.WEBHOOK_ALLOW_LOCAL`` is set, http may go to a loopback address.
    """
    if len(url) > MAX_URL or not _TARGET.fullmatch(url):
        raise AddressRefused(f"must be at most {MAX_URL} printable ASCII characters without spaces")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise AddressRefused("is no URL") from None
    if parts.scheme != "https" and not (settings.WEBHOOK_ALLOW_LOCAL and parts.scheme == "http"):
        raise AddressRefused("must begin with https://")
    if "@" in parts.netloc or "\\" in url:
        raise AddressRefused("must not hold a user, a password or a backslash")
    if parts.fragment or port == 0:
        raise AddressRefused("must have neither a fragment nor port 0")
    # Numbers that are no address in its usual form, such as 2130706433 or 0x7f.1, are names to nobody.
    if not is_literal(host) and not (_HOST.fullmatch(host) and host.rpartition(".")[2][0].isalpha()):
        raise AddressRefused("has no host that can be asked")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def resolve(target: Target) -> str:
    """The one address to connect to; raises AddressRefused where any of the host's is not public.

    Raises AddressUnknown where there is none now. May wait for the name server.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressUnknown("the host has no address") from error
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not addresses:
        raise AddressUnknown("the host has no address")
    for address in addresses:
        if not is_allowed(address, target.scheme):
            raise AddressRefused("leads to an address that is not public")
    # IPv4 first: not every host that runs this has a way out by IPv6.
    return str(min(addresses, key=lambda address: address.version))


def is_allowed(address: Address, scheme: str = "https") -> bool:
    """Whether requests may go there: a public unicast address, in whichever notation."""
    inner = getattr(address, "ipv4_mapped", None)
    if inner is not None:
        address = inner
    if settings.WEBHOOK_ALLOW_LOCAL and address.is_loopback:
        return True
    return (
        scheme == "https"
        and address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and not any(address in network for network in _REFUSED if network.version == address.version)
    )


def is_literal(host: str) -> bool:
    """Whether the host of a target is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""Who may read the metrics, and the page itself."""

from __future__ import annotations

import hmac
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from config.api.errors import forbidden, reading_only
from config.metrics.collect import collect
from config.metrics.exposition import CONTENT_TYPE, render

#: Loopback and the private networks: `ipaddress.is_private` counts more, such as addresses of documentation.
_OURS = tuple(
    map(
        ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
    )
)


@reading_only
def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics as text; 403 for who may not read them."""
    if not may_read(request):
        response = forbidden(request)
    else:
        response = HttpResponse(render(collect(timezone.now())), content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def may_read(request: HttpRequest) -> bool:
    """With METRICS_TOKEN set, whoever brings it; otherwise only who asks from a private address.

    A proxy asks for others: then every address that it names in X-Forwarded-For must be private as well.
    """
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    forwarded = request.headers.get("X-Forwarded-For")
    hops = [] if forwarded is None else forwarded.split(",")
    return all(map(_is_private, [request.META.get("REMOTE_ADDR", ""), *hops]))


def _is_private(text: str) -> bool:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _OURS)

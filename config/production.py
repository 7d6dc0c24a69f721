"""What a production boot refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from django.core.exceptions import ImproperlyConfigured

from config.secrets import DEVELOPMENT_MARKER

MIN_SECRET_LENGTH = 50
# A gateway is waited for up to 23 seconds.
MIN_CLAIM_SECONDS = 30


def refuse_unsafe(
    *,
    debug: bool,
    secrets: Mapping[str, str],
    allowed_hosts: Sequence[str],
    database_url: str,
    redis_url: str,
    rate_limits: str,
    market_data: Sequence[str],
    webhook_allow_local: bool = False,
    free_gateway: bool = False,
    payment_claim_seconds: int = MIN_CLAIM_SECONDS,
    trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
) -> None:
    """Raise ImproperlyConfigured that names every unsafe setting at once, and none of their values."""
    problems = [f"{name} is not set" for name, value in secrets.items() if not value]
    problems += [
        f"{name} is shorter than {MIN_SECRET_LENGTH} characters"
        for name, value in secrets.items()
        if 0 < len(value) < MIN_SECRET_LENGTH
    ]
    problems += [
        f"{name} is a development secret" for name, value in secrets.items() if DEVELOPMENT_MARKER in value
    ]
    given = [value for value in secrets.values() if value]
    if len(set(given)) < len(given):
        problems.append("two secrets are the same")
    if debug:
        problems.append("DEBUG is on")
    if not allowed_hosts:
        problems.append("ALLOWED_HOSTS is not set")
    if any("*" in host for host in allowed_hosts):
        problems.append("ALLOWED_HOSTS holds a wildcard")
    if not database_url:
        problems.append("DATABASE_URL is not set")
    if not redis_url:
        problems.append("REDIS_URL is not set")
    if rate_limits != "on":
        problems.append("RATE_LIMITS is off")
    if "sandbox" in market_data:
        problems.append("MARKET_DATA is the sandbox, whose prices are invented")
    if webhook_allow_local:
        problems.append("WEBHOOK_ALLOW_LOCAL is on")
    if free_gateway:
        problems.append(
            "PAYMENT_GATEWAYS names the sandbox, which takes no money"
            " (PAYMENT_SANDBOX_IN_PRODUCTION=true asks for it)"
        )
    if payment_claim_seconds < MIN_CLAIM_SECONDS:
        problems.append(f"PAYMENT_CLAIM_SECONDS is less than {MIN_CLAIM_SECONDS}")
    if any(network.prefixlen == 0 for network in trusted_proxies):
        problems.append("TRUSTED_PROXIES trusts everybody")
    if problems:
        raise ImproperlyConfigured("refusing to start in production: " + "; ".join(problems))

"""The gateways that the settings name."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from accounts.billing.errors import GatewayNotAvailable
from accounts.billing.gateways.manual import NAME as MANUAL
from accounts.billing.gateways.manual import ManualGateway
from accounts.billing.gateways.protocol import Gateway
from accounts.billing.gateways.sandbox import SandboxGateway
from accounts.billing.gateways.stripe import StripeGateway

KNOWN = ("sandbox", "stripe")


def gateway_for_clients(name: str) -> Gateway:
    """The gateway of a name that a client gave; raises GatewayNotAvailable."""
    if name not in settings.PAYMENT_GATEWAYS:
        raise GatewayNotAvailable(gateways=list(settings.PAYMENT_GATEWAYS))
    return _gateways()[name]


def gateway_of(name: str) -> Gateway:
    """The gateway of a payment; raises GatewayNotAvailable where it was switched off meanwhile."""
    if name == MANUAL:
        return ManualGateway()
    return gateway_for_clients(name)


def check_gateways() -> None:
    """Raise ImproperlyConfigured for a gateway that is unknown or lacks its keys."""
    unknown = sorted(set(settings.PAYMENT_GATEWAYS) - set(KNOWN))
    if unknown:
        raise ImproperlyConfigured(f"PAYMENT_GATEWAYS names {', '.join(unknown)}; known: {', '.join(KNOWN)}")
    if "stripe" in settings.PAYMENT_GATEWAYS:
        missing = [
            name for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET") if not getattr(settings, name)
        ]
        if missing:
            raise ImproperlyConfigured(f"the gateway stripe needs {' and '.join(missing)}")


@lru_cache(maxsize=1)
def _gateways() -> dict[str, Gateway]:
    check_gateways()
    made: dict[str, Gateway] = {}
    if "sandbox" in settings.PAYMENT_GATEWAYS:
        made["sandbox"] = SandboxGateway()
    if "stripe" in settings.PAYMENT_GATEWAYS:
        made["stripe"] = StripeGateway(
            url=settings.STRIPE_URL,
            secret_key=settings.STRIPE_SECRET_KEY,
            webhook_secrets=settings.STRIPE_WEBHOOK_SECRET,
        )
    return made


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "PAYMENT_GATEWAYS" or setting.startswith("STRIPE_"):
        _gateways.cache_clear()


setting_changed.connect(_forget)

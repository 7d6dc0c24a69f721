"""What every test of the shop begins with: the cast, products, and a gateway that counts what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from accounts.billing.models import Product
from accounts.billing.tests.standin import WEBHOOK_SECRET, Page, StripeStandIn
from accounts.tests.conftest import (
    alice,
    alices_key,
    as_alice,
    as_charlie,
    charlie,
    client,
    refused,
    signed_in,
)

__all__ = ["alice", "alices_key", "as_alice", "as_charlie", "charlie", "client", "refused", "signed_in"]


@pytest.fixture
def products(db: None) -> dict[str, Product]:
    plans = [
        ("basic-month", "basic", 30, "9.00"),
        ("pro-month", "pro", 30, "29.00"),
        ("pro-year", "pro", 365, "290.00"),
    ]
    made = [
        Product(code=code, name=code, kind="plan", tier=tier, period_days=days, price=price, currency="USD")
        for code, tier, days, price in plans
    ]
    made.append(
        Product(code="history-pack", name="History", kind="data_pack", price=Decimal("49.5"), currency="USD")
    )
    made.append(Product(code="won-pack", name="Won", kind="data_pack", price=Decimal(12_000), currency="KRW"))
    made.append(Product(code="gone", name="Gone", kind="data_pack", price=1, currency="USD", active=False))
    Product.objects.bulk_create(made)
    return {one.code: one for one in Product.objects.all()}


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeStandIn]:
    """Stripe's API on 127.0.0.1, with which the gateway ``stripe`` speaks."""
    with StripeStandIn() as server:
        settings.PAYMENT_GATEWAYS = ["sandbox", "stripe"]
        settings.STRIPE_URL = server.url
        settings.STRIPE_SECRET_KEY = server.key
        settings.STRIPE_WEBHOOK_SECRET = [WEBHOOK_SECRET]
        yield server


@pytest.fixture
def page() -> Iterator[Page]:
    """A page on 127.0.0.1 with what a test writes on it."""
    with Page() as server:
        yield server

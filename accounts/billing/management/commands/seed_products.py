"""`manage.py seed_products`: plans to begin with. No data pack: nothing here asks for one (docs/shop.md)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.billing.models import Product

_PLANS = (
    ("basic-month", "Basic, a month", "basic", 30, "9.00"),
    ("basic-year", "Basic, a year", "basic", 365, "90.00"),
    ("pro-month", "Pro, a month", "pro", 30, "29.00"),
    ("pro-year", "Pro, a year", "pro", 365, "290.00"),
)


class Command(BaseCommand):
    help = "Adds plans of basic and pro, where nothing is sold yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="say nothing where products exist")

    def handle(self, *args: Any, if_empty: bool, **options: Any) -> None:
        if Product.objects.exists():
            if not if_empty:
                self.stdout.write("There are products already; nothing was changed.")
            return
        plans = [
            Product(
                code=code,
                name=name,
                kind=Product.Kind.PLAN,
                tier=tier,
                period_days=days,
                price=Decimal(price),
                currency="USD",
            )
            for code, name, tier, days, price in _PLANS
        ]
        Product.objects.bulk_create(plans)
        self.stdout.write(f"{len(plans)} products are sold now.")

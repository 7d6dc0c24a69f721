"""manage.py seed_products"""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from accounts.billing.models import Product

pytestmark = pytest.mark.django_db


def test_plans_are_sold_and_no_pack_that_nothing_asks_for():
    call_command("seed_products", stdout=StringIO())
    assert set(Product.objects.values_list("kind", flat=True)) == {"plan"}
    assert set(Product.objects.values_list("tier", flat=True)) == {"basic", "pro"}


def test_where_something_is_sold_nothing_is_added():
    call_command("seed_products", stdout=StringIO())
    Product.objects.filter(code="pro-year").delete()
    Product.objects.update(active=False)
    said = StringIO()
    call_command("seed_products", stdout=said)
    assert "already" in said.getvalue()
    assert Product.objects.count() == 3

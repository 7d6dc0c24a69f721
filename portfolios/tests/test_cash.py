"""What the ledger does to cash, without a database"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from portfolios.maths.cash import cash_balances, cash_effect
from portfolios.tests.ledger_cases import GOLDEN, entry


@pytest.mark.parametrize(
    ("row", "effect"),
    [
        (entry(1, "BUY", quantity="1.5", price=100, fee=2, tax=1), "-153"),
        (entry(1, "SELL", quantity="1.5", price=100, fee=2, tax=1), "147"),
        (entry(1, "DIVIDEND", amount=10, fee="0.5", tax="1.5"), "8"),
        (entry(1, "INTEREST", amount=10, tax=4), "6"),
        (entry(1, "DEPOSIT", amount=10), "10"),
        (entry(1, "WITHDRAW", amount=10), "-10"),
        (entry(1, "FEE", amount=10), "-10"),
        (entry(1, "TAX", amount=10), "-10"),
        (entry(1, "TRANSFER_IN", amount=10), "10"),
        (entry(1, "TRANSFER_OUT", amount=10), "-10"),
        (entry(1, "TRANSFER_IN", quantity=1, price=10), "0"),
        (entry(1, "TRANSFER_OUT", quantity=1, price=10), "0"),
        (entry(1, "SPLIT", ratio_to=2, ratio_from=1), "0"),
        (entry(1, "BONUS", quantity=2), "0"),
    ],
)
def test_each_type_moves_cash_its_own_way(row, effect):
    assert cash_effect(row) == Decimal(effect)


def test_currencies_are_kept_apart():
    rows = [
        entry(0, "DEPOSIT", amount=3000),
        *GOLDEN,
        entry(5, "DEPOSIT", amount=70000, currency="KRW"),
        entry(6, "DEPOSIT", amount=1, currency="EUR"),
        entry(7, "WITHDRAW", amount=1, currency="EUR"),
    ]
    # 3000 − 1005 − 1205 + 1195
    assert cash_balances(rows) == {"USD": Decimal(1985), "KRW": Decimal(70000)}


def test_a_product_of_all_digits_is_exact():
    quantity, price = "123456789012345678.0123456789", "999999999999.12345678"
    effect = cash_effect(entry(1, "BUY", quantity=quantity, price=price))
    assert Fraction(effect) == -Fraction(quantity) * Fraction(price)

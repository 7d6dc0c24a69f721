"""Decimal arithmetic that loses nothing: sums and products are exact, quotients are rounded in one place.

The columns hold at most 28 digits of a quantity and 20 of a price, so that no product comes near the
precision here. What a quotient leaves over stays with what remains, so that parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

ZERO: Final = Decimal(0)
#: Shares are counted to ten decimals, costs are kept to twenty.
QUANTITY_STEP: Final = Decimal(1).scaleb(-10)
COST_STEP: Final = Decimal(1).scaleb(-20)
#: The context itself, for a single operation.
EXACT: Final = Context(prec=110, rounding=ROUND_HALF_EVEN)


@contextmanager
def exactly() -> Iterator[None]:
    """Decimal arithmetic inside is that of this module."""
    with localcontext(EXACT):
        yield


def share_of(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """``whole × part / of`` to the step of costs; the whole itself where the part is all of it."""
    return whole if part == of else (whole * part / of).quantize(COST_STEP)

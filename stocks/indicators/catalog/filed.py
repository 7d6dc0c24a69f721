"""What the entries of the fundamental indicators share.

Every figure uses only what was filed on or before the date of the bar it is stated for, and
nothing filed more than 400 days before it. "ttm" is the sum of the last four quarters filed, or
the last annual statement where a stock files no complete run of quarters. A balance without
further words is that of the last period end filed. "where filed" marks a line that a company
without such a thing leaves out of its statements: it then counts as 0.
"""

from typing import Final

FILED: Final = "no statement of the last 400 days on file"
#: What a figure needs that sets amounts against the price.
PRICED: Final = "shares unknown; the statements are in another currency than the price"

DART: Final = "K-IFRS annual reports (DART)"
CFA: Final = "Robinson, Henry, Pirie & Broihahn, International Financial Statement Analysis (CFA Institute)"


def damodaran(chapter: int) -> str:
    """A chapter of the textbook that most multiples are taken from."""
    return f"Damodaran, Investment Valuation, 3rd ed. (2012), ch. {chapter}"


def null_when(*reasons: str) -> str:
    """The reasons of its own, and those that every figure of the statements has."""
    return "; ".join((*reasons, "an input is not filed", FILED))

"""What numbers say of what lines of portfolios are worth: see worth_compiled.py."""

from __future__ import annotations

from typing import Final

#: In place of a number that is not known.
UNKNOWN: Final = -1
#: The lowest bits of what ``unsure`` counts are lines with more digits than parts hold, the upper ones lines
#: that are not worked out at all.
ROUGH: Final = 2**32 - 1
UNFOUND: Final = 2**32
#: Upper bits of sums below this say that the sum is one of 64 bits.
MOST_UPPER: Final = 2**45
#: The parts of so many lines together are still a number of 64 bits.
MOST_LINES: Final = 9_000

"""What every test of stocks begins with."""

from __future__ import annotations

import pytest

from stocks import gate
from stocks.listed import listed


@pytest.fixture(autouse=True)
def _nothing_listed_yet() -> None:
    """The process remembers names; those of an earlier test are not in the database any more."""
    listed.forget()


@pytest.fixture(autouse=True)
def _gate_that_knows_nothing() -> None:
    """The gate of the process remembers prices; what an earlier test believed is no measure for this one."""
    gate._gate.cache_clear()

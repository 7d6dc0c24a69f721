"""What every test of stocks begins with."""

from __future__ import annotations

import pytest

from stocks import gate


@pytest.fixture(autouse=True)
def _gate_that_knows_nothing() -> None:
    """The gate of the process remembers prices; what an earlier test believed is no measure for this one."""
    gate._gate.cache_clear()

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """An empty state directory."""
    with tempfile.TemporaryDirectory(prefix="stockroom-state-") as directory:
        yield Path(directory)

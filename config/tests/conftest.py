import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """An empty state directory."""
    with tempfile.TemporaryDirectory(prefix="stockroom-state-") as directory:
        yield Path(directory)


@pytest.fixture
def queries():
    """How many statements the database got from the thread of the request."""

    class Counter:
        def __enter__(self):
            self.count = 0
            self._wrapped = connection.execute_wrapper(self._note)
            self._wrapped.__enter__()
            return self

        def __exit__(self, *args):
            self._wrapped.__exit__(*args)

        def _note(self, execute, *arguments):
            self.count += 1
            return execute(*arguments)

    return Counter

"""Real threads on the real database, each with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection, connections


def in_parallel(count: int, call: Callable[[int], Any]) -> list[Any]:
    """The replies of ``count`` calls that start together.

    A call that a busy machine answers with 503 is repeated, as its reply asks for.
    """
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        try:
            connection.ensure_connection()
            start.wait()
            while (reply := call(number)).status_code == 503:
                pass
            return reply
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))

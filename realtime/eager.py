"""Run a coroutine up to its first wait, without a task.

A send into a socket with room never waits, and most sends are such: a task for each would cost more than the
send itself.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Generator
from typing import Any


def start(awaitable: Awaitable[Any]) -> Awaitable[Any] | None:
    """Begin; None when it has finished, else what does the rest. Raises what the first step raises.

    What is no coroutine cannot be begun by hand and is returned whole.
    """
    if not isinstance(awaitable, types.CoroutineType):
        return awaitable
    try:
        waited_for = awaitable.send(None)
    except StopIteration:
        return None
    return _Rest(awaitable, waited_for)


class _Rest:
    __slots__ = ("_coroutine", "_waited_for")

    def __init__(self, coroutine: types.CoroutineType[Any, Any, Any], waited_for: Any) -> None:
        self._coroutine = coroutine
        self._waited_for = waited_for

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            # The task that awaits this now waits for what the first step waited for.
            yield self._waited_for
        except BaseException:
            self._coroutine.close()
            raise
        yield from self._coroutine.__await__()

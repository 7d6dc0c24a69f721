"""Where the event loop sends what may use the ORM."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, ParamSpec, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, close_old_connections

from realtime.errors import Unavailable

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

# Few: what runs here is short, and each thread may hold a database connection.
_pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="realtime")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that may use the ORM; its database connection is given back afterwards.

    Raises what it raises, and Unavailable when the database does not answer.
    """
    run = partial(_run, partial(function, *args, **kwargs))
    try:
        # What Channels has for this is made anew for each call, and takes longer than a short one itself.
        result: R = await asyncio.get_running_loop().run_in_executor(_pool, run)
    except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
        # An exhausted pool raises psycopg's error, which Django does not wrap.
        raise Unavailable("The database does not answer now.") from error
    return result


def _run(function: Callable[[], R]) -> R:
    close_old_connections()
    try:
        return function()
    finally:
        close_old_connections()


class Batches(Generic[T, R]):
    """Calls a function in a thread, each time with everything that came while the last call ran.

    ``function`` returns as many results as it is given items. ``done`` gets each item with its result, or
    with the error that the call ended in, on the loop's thread. ``most`` bounds the items of a call, and so
    how long a thread keeps the others waiting.
    """

    def __init__(
        self,
        function: Callable[[Sequence[T]], Sequence[R]],
        done: Callable[[T, R | Exception], None],
        *,
        most: int,
    ) -> None:
        self._function = function
        self._done = done
        self._most = most
        self._waiting: dict[T, None] = {}
        self._task: asyncio.Task[None] | None = None
        #: Whether a call is running, and how many have begun.
        self.busy = False
        self.calls = 0

    def put(self, item: T) -> None:
        """Have the item in the next call; one that waits already waits once."""
        self._waiting[item] = None
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def drop(self, item: T) -> None:
        """Not in the next call after all."""
        self._waiting.pop(item, None)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        try:
            # Who comes in the same turn of the loop comes along.
            await asyncio.sleep(0)
            while self._waiting:
                items = list(itertools.islice(self._waiting, self._most))
                for item in items:
                    del self._waiting[item]
                await self._call(items)
        finally:
            self._task = None

    async def _call(self, items: Sequence[T]) -> None:
        self.busy = True
        self.calls += 1
        results: Sequence[R | Exception]
        try:
            results = await in_thread(self._function, items)
        except Unavailable as error:
            results = [error] * len(items)
        except Exception as error:
            # Whoever waits must be told, whatever it was.
            logger.exception("a batch of %d failed", len(items))
            results = [error] * len(items)
        finally:
            self.busy = False
        for item, result in zip(items, results, strict=True):
            self._done(item, result)

"""Where the event loop sends what may use the ORM."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import psycopg
from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from realtime.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

# Few: what runs here is short, and each thread may hold a database connection.
_pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="realtime")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that may use the ORM; its database connection is given back afterwards.

    Raises what it raises, and Unavailable when the database does not answer.
    """
    run = database_sync_to_async(function, thread_sensitive=False, executor=_pool)
    try:
        result: R = await run(*args, **kwargs)
    except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
        # An exhausted pool raises psycopg's error, which Django does not wrap.
        raise Unavailable("The database does not answer now.") from error
    return result

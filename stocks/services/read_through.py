"""Data that is fetched when it is asked for: kept in the database, and brought up to date behind the reader.

What is old is shown as it is, marked stale, while one process fetches it anew; only what was never there is
waited for. That nobody has something is remembered too, so that a question without an answer costs one call.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from django.db import DatabaseError, connection

from stocks.errors import DataUnavailable
from stocks.models import Fetched
from stocks.providers.errors import NotFound, NotOffered, ProviderError
from stocks.providers.mesh.flight import fly

logger = logging.getLogger(__name__)

#: Seconds for which a failure keeps a refresh behind readers from being tried again.
AFTER_FAILURE = 30.0
#: Refreshes behind readers that may wait for a thread; more than these are left to later readers.
MAX_WAITING = 100

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="refresh")
_waiting: set[str] = set()
_failed: dict[str, float] = {}
_guard = Lock()


@dataclass(frozen=True, slots=True)
class Freshness:
    """When something was last fetched and from whom.

    ``stale``: it is older than it should be and is being fetched, or cannot be. ``missing``: nobody has it.
    """

    at: datetime | None
    source: str = ""
    stale: bool = False
    missing: bool = False


def ensure_fresh(
    name: str,
    *,
    have: bool,
    fresh_for: timedelta,
    missing_for: timedelta,
    refresh: Callable[[], str],
    now: datetime,
) -> Freshness:
    """See to it that what ``name`` stands for is in the database, and not older than ``fresh_for``.

    Args:
        name: at most 80 characters, the same for the same question.
        have: whether the database holds something to show meanwhile.
        fresh_for: for how long what was fetched needs no look.
        missing_for: for how long "nobody has it" is believed.
        refresh: asks the mesh, writes what came into the database and returns its source.
        now: the time of the request.

    Raises:
        DataUnavailable: there is nothing to show, and no provider answered.
        NotOffered: there is nothing to show, and no provider is configured for it.
    """
    row = Fetched.objects.filter(name=name).first()
    if row is not None:
        life = missing_for if row.missing else fresh_for
        if now - row.at < life:
            return Freshness(row.at, row.source, missing=row.missing)
    if have:
        behind(name, lambda: _refresh(name, refresh, now))
        return Freshness(row.at if row else None, row.source if row else "", stale=True)
    try:
        fly(name, lambda: _refresh(name, refresh, now))
    except NotFound:
        return Freshness(now, missing=True)
    except NotOffered:
        raise
    except ProviderError as error:
        raise DataUnavailable(error.message) from None
    row = Fetched.objects.filter(name=name).first()
    return Freshness(now) if row is None else Freshness(row.at, row.source, missing=row.missing)


def _refresh(name: str, refresh: Callable[[], str], now: datetime) -> None:
    # Whoever came second while the first was flying finds its work done.
    if Fetched.objects.filter(name=name, at__gt=now).exists():
        return
    try:
        source, missing = refresh(), False
    except NotFound:
        source, missing = "", True
    Fetched.objects.update_or_create(name=name, defaults={"at": now, "missing": missing, "source": source})
    if missing:
        raise NotFound(f"nobody has {name}")


def behind(name: str, refresh: Callable[[], None]) -> None:
    """Refresh in a thread of its own, once for as many readers as there are."""
    with _guard:
        if name in _waiting or len(_waiting) >= MAX_WAITING or _failed.get(name, 0.0) > time.monotonic():
            return
        _waiting.add(name)

    def run() -> None:
        try:
            fly(name, refresh)
        except ProviderError as error:
            logger.info("%s stays as it is: %s", name, error.message)
            _remember_failure(name)
        except DatabaseError as error:
            logger.warning("%s could not be stored: %s", name, type(error).__name__)
            _remember_failure(name)
        finally:
            connection.close()
            with _guard:
                _waiting.discard(name)

    _threads.submit(run)


def _remember_failure(name: str) -> None:
    now = time.monotonic()
    with _guard:
        for old in [one for one, until in _failed.items() if until <= now]:
            del _failed[old]
        _failed[name] = now + AFTER_FAILURE

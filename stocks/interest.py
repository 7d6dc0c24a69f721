"""Which stocks people care about now, the most urgent first."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from threading import Lock

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils.module_loading import import_string

from realtime.presence import occupied
from stocks.models import Stock
from stocks.outages import OUTAGES, is_outage
from stocks.types import StockKey

logger = logging.getLogger(__name__)

#: Seconds for which what is wanted is not asked for again.
KEPT_SECONDS = 1.0


def watched() -> list[str]:
    """Codes whose price or order book somebody watches over a socket."""
    return list(dict.fromkeys([*occupied("orderbook"), *occupied("price")]))


def urgent_codes() -> list[str]:
    """Codes in the order of ``settings.STOCK_INTEREST``, each once.

    The setting lists dotted names of callables that return codes, the most urgent first: an app above this
    one adds its own, such as the stocks that somebody holds.
    """
    sources: Iterable[Callable[[], Iterable[str]]] = map(import_string, settings.STOCK_INTEREST)
    return list(dict.fromkeys(code for source in sources for code in source()))


def keys_of(codes: Sequence[str]) -> list[StockKey]:
    """The listed stocks among ``codes``, in their order."""
    rows = Stock.objects.filter(code__in=codes, is_active=True).order_by()
    known = {code: StockKey(code, *rest) for code, *rest in rows.values_list("code", "market_id", "currency")}
    return [known[code] for code in codes if code in known]


class Wanted:
    """What streams shall follow: asked for at most once a second, whoever asks.

    While a store is away, the last answer stands.
    """

    def __init__(self) -> None:
        self._keys: Sequence[StockKey] = ()
        self._until = float("-inf")
        self._lock = Lock()

    def __call__(self) -> Sequence[StockKey]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._keys = self._ask()
                self._until = time.monotonic() + KEPT_SECONDS
            return self._keys

    def _ask(self) -> Sequence[StockKey]:
        try:
            return keys_of(urgent_codes())
        except OUTAGES as error:
            if not is_outage(error):
                raise
            logger.warning("what is wanted cannot be read: %s", type(error).__name__)
            if isinstance(error, OperationalError | InterfaceError):
                # A connection that was cut is of no use any more; the next question opens another.
                connection.close()
            return self._keys


wanted = Wanted()

"""The service behind the seam: one class whose methods are those of the protocols that it can keep.

A capability is had by having its methods; ``stocks/providers/protocol.py`` lists them, and what each owes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import ClassVar

from stocks.folds import why_refused
from stocks.providers._template import parse
from stocks.providers._template.client import Client
from stocks.providers._template.symbols import symbol
from stocks.providers.errors import NotFound
from stocks.types import Bar, StockKey, Tick

#: Stored as the source of every row; at most 16 letters.
NAME = "template"


class Template:
    """Quotes in batches of fifty, and daily bars.

    Args:
        client: makes the calls.
        now: the clock.
    """

    name = NAME
    quote_batch: ClassVar[int] = 50

    def __init__(self, client: Client, *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now

    def covers(self, key: StockKey) -> bool:
        return symbol(key) is not None

    def quotes(self, keys: Sequence[StockKey]) -> Sequence[Tick]:
        wanted = {spelled: key for key in keys if (spelled := symbol(key)) is not None}
        if not wanted:
            return []  # a call that can bring nothing is not made
        reply = self._client.prices(list(wanted))
        now = self._now()
        return [tick for tick in parse.ticks(reply, wanted, now) if why_refused(tick, now) is None]

    def daily_bars(self, key: StockKey, start: date, end: date) -> Sequence[Bar]:
        spelled = symbol(key)
        if spelled is None:
            return []
        try:
            return parse.bars(self._client.days(spelled, start, end), spelled, start, end)
        except NotFound:
            return []  # where a sequence is returned, nothing is an answer

"""A key that KIS issues, one for all processes: whoever finds none asks for it, and the others wait."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import orjson

from stocks.providers import json
from stocks.providers.errors import Malformed, RateLimited, Upstream
from stocks.providers.kis.parse.answers import Issued
from stocks.providers.tools import Tools

#: A key is replaced this long before its end, so that none ends on its way.
MARGIN_SECONDS = 600.0
#: Longer than one call may take, so that nobody asks while another still does.
LOCK_SECONDS = 15.0


class SharedKey:
    """A key kept in the shared store until it ends.

    ``issue`` is called by one process at a time, and only while the shared store answers: without it nobody
    could know of a key that was issued, and every process would ask for one of its own.
    """

    def __init__(self, tools: Tools, name: str, issue: Callable[[], Issued]) -> None:
        self._store = tools.store
        self._now = tools.now
        self._name = name
        self._issue = issue

    def get(self, *, refused: str | None = None) -> str:
        """The key; another one than ``refused``, which is forgotten by all.

        Raises what ``issue`` raises, and Upstream where the shared store does not answer.
        """
        if found := self._held(refused):
            return found
        try:
            with self._store.lock(self._name, seconds=LOCK_SECONDS):
                return self._held(refused) or self._issued(refused)
        except (RateLimited, Upstream):
            # Asked too soon, or too many wait for the lock: then somebody else has been given one by now.
            if found := self._held(refused):
                return found
            raise

    def _issued(self, refused: str | None) -> str:
        if refused is not None:
            self._store.drop(self._name)
        issued = self._issue()
        self._keep(issued)
        return issued.value

    def _held(self, refused: str | None) -> str | None:
        if (stored := self._store.get(self._name)) is None:
            return None
        try:
            entry = json.mapping(json.loads(stored), self._name)
            value = json.required(entry.get("value"), "value")
            until = json.price(entry.get("until"), "until")
        except Malformed:
            return None
        return value if value != refused and self._now().timestamp() < until else None

    def _keep(self, issued: Issued) -> None:
        seconds = max(issued.seconds - MARGIN_SECONDS, issued.seconds / 2)
        until = self._now() + timedelta(seconds=seconds)
        entry = {"value": issued.value, "until": int(until.timestamp())}
        self._store.put(self._name, orjson.dumps(entry), seconds=seconds)

"""Stocks that a search finds at a provider, because none is listed here that fits."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Final

import orjson

from stocks.models import Market, Stock
from stocks.providers.errors import ProviderError
from stocks.providers.mesh.flight import fly
from stocks.providers.mesh.mesh import mesh
from stocks.providers.mesh.shared import RedisStore
from stocks.providers.protocol import Capability
from stocks.services.discovery import is_code
from stocks.services.first_questions import NotNow, first_question
from stocks.texts import plain_text

#: For so long the same search is answered from what was found, or was not. Kept in Redis, and lost with it.
KEPT_SECONDS: Final = 3600.0
MOST: Final = 20
#: A shorter text is the beginning of one that somebody is still typing.
SHORTEST: Final = 2


def found_elsewhere(text: str) -> list[tuple[str, str]]:
    """Codes and names of stocks that fit and are not listed yet, the closest first.

    Each is on a market that is known here, so that asking for it by its code lists it. Empty where no
    provider searches or answers, and where too many searches of this kind came at once.
    """
    text = unicodedata.normalize("NFC", text.strip()).casefold()
    if len(text) < SHORTEST or not mesh().has(Capability.SEARCH):
        return []
    name = f"search:{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    kept = _kept(name)
    if kept is None:
        try:
            fly(name, lambda: _ask(name, text))
        except (ProviderError, NotNow):
            return []
        kept = _kept(name)
    return kept or []


def _ask(name: str, text: str) -> None:
    listings = first_question("searches", lambda: mesh().search(text)).value
    markets = set(Market.objects.values_list("code", flat=True))
    found = {
        one.code: plain_text(one.name, 200)
        for one in listings
        if is_code(one.code) and one.market in markets and one.name
    }
    listed = set(Stock.objects.filter(code__in=found).values_list("code", flat=True))
    rows = [(code, title) for code, title in found.items() if code not in listed][:MOST]
    RedisStore().put(name, orjson.dumps(rows), seconds=KEPT_SECONDS)


def _kept(name: str) -> list[tuple[str, str]] | None:
    value = RedisStore().get(name)
    return None if value is None else [(code, title) for code, title in orjson.loads(value)]

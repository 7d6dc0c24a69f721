"""Who is told that a ledger has changed: the process that revalues it, and its owner's streams of events.

After the commit, and only as a hint: nothing is lost where Redis takes none. The process looks at every
watched portfolio in turn, and a stream finds its rooms when it is opened again.
"""

from __future__ import annotations

import logging
from functools import partial
from itertools import chain
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.redis import RedisAway, Word, call_each
from realtime import control

logger = logging.getLogger(__name__)

CHANGES: Final = "portfolios:changes"
PORTFOLIO, WHOLE = "portfolio", "whole"
#: Older ones mean nothing to a process that was away: it begins with what is stored.
MOST_CHANGES: Final = 10_000


def tell_on_commit(portfolio_id: UUID, owner_id: UUID) -> None:
    """Tell both when the transaction ends well."""
    transaction.on_commit(partial(tell, portfolio_id, owner_id))


def ask_for_all(portfolio_id: UUID) -> None:
    """Have all of a portfolio told to its room once more."""
    _say(portfolio_id, {WHOLE: "1"})


def tell(portfolio_id: UUID, owner_id: UUID) -> None:
    """Tell both now, of what is committed."""
    _say(portfolio_id, {}, owner_id)


def _say(portfolio_id: UUID, more: dict[str, str], owner_id: UUID | None = None) -> None:
    fields = {PORTFOLIO: str(portfolio_id), **more}
    words: list[list[Word]] = [["XADD", CHANGES, "MAXLEN", "~", MOST_CHANGES, "*", *chain(*fields.items())]]
    if owner_id is not None:
        words.append(["PUBLISH", *control.of_rooms(owner_id)])
    try:
        # A trade waits for it, so that both go in one round trip.
        call_each(words)
    except RedisAway as error:
        logger.warning("the portfolio %s is told later: %s", portfolio_id, error)

"""Cached quotes go when a stock, a market or a quote is changed by hand: they are read again in a moment.

Feeds and loads write without these signals; they see to the cache themselves.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from stocks import quote_cache
from stocks.models import Market, Quote, Stock


@receiver(post_save, sender=Stock)
@receiver(post_save, sender=Market)
@receiver(post_delete, sender=Stock)
@receiver(post_delete, sender=Quote)
def changed_by_hand(created: bool = False, **_: Any) -> None:
    if not created:
        transaction.on_commit(quote_cache.forget_all)

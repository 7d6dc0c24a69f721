"""Make, change and delete watchlists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts.models import User
from portfolios.errors import (
    WatchlistItemExists,
    WatchlistItemNotFound,
    WatchlistLimitReached,
    WatchlistNotFound,
)
from portfolios.models import Watchlist, WatchlistItem
from portfolios.selectors.watchlists import watchlist_of
from stocks.models import Stock

#: The most lists of one account, and items in all of them together: as many as one question for quotes takes.
MAX_WATCHLISTS: Final = 50
MAX_ITEMS: Final = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """A stock as it is to stand in a list."""

    stock: Stock
    note: str = ""
    target_price: Decimal | None = None


@transaction.atomic
def watchlist_create(*, user: User, name: str, items: Sequence[Watched], now: datetime) -> Watchlist:
    """Make a list; raises WatchlistLimitReached, and WatchlistItemExists for a stock that comes twice."""
    _lock(user)
    if Watchlist.objects.filter(owner=user).count() >= MAX_WATCHLISTS:
        raise WatchlistLimitReached(limit=MAX_WATCHLISTS)
    watchlist = Watchlist.objects.create(owner=user, name=name, created_at=now, updated_at=now)
    _put(watchlist, items, now)
    _check_room(user)
    return watchlist_of(user, watchlist.pk)


@transaction.atomic
def watchlist_change(
    *, user: User, watchlist_id: UUID, name: str | None, items: Sequence[Watched] | None, now: datetime
) -> Watchlist:
    """Give a list another name, or other items in place of all that it has; raises WatchlistNotFound too.

    A stock that stays keeps the time at which it was added.
    """
    _lock(user)
    watchlist = _locked(user, watchlist_id)
    if name is not None:
        watchlist.name = name
    if items is not None:
        _put(watchlist, items, now)
        _check_room(user)
    _touch(watchlist, now)
    return watchlist_of(user, watchlist_id)


@transaction.atomic
def watchlist_delete(*, user: User, watchlist_id: UUID) -> None:
    """Delete a list; raises WatchlistNotFound."""
    _locked(user, watchlist_id).delete()


@transaction.atomic
def watchlist_add(
    *, user: User, watchlist_id: UUID, item: Watched, position: int | None, now: datetime
) -> Watchlist:
    """Add a stock at a place, the last one without any; raises as the others do."""
    _lock(user)
    watchlist = _locked(user, watchlist_id)
    rows = _rows(watchlist)
    if any(row.stock_id == item.stock.pk for row in rows):
        raise WatchlistItemExists(stock_code=item.stock.code)
    row = WatchlistItem(
        watchlist=watchlist,
        stock=item.stock,
        note=item.note,
        target_price=item.target_price,
        position=len(rows),
        added_at=now,
    )
    row.save()
    _move(rows, row, position)
    _check_room(user)
    _touch(watchlist, now)
    return watchlist_of(user, watchlist_id)


@transaction.atomic
def watchlist_item_change(
    *, user: User, watchlist_id: UUID, stock_code: str, changes: Mapping[str, Any], now: datetime
) -> Watchlist:
    """Change note, target_price or position of a stock; raises WatchlistItemNotFound too."""
    watchlist = _locked(user, watchlist_id)
    rows = _rows(watchlist)
    row = _row(rows, stock_code)
    rows.remove(row)
    for name in ("note", "target_price"):
        if name in changes:
            setattr(row, name, changes[name])
    row.save(update_fields=["note", "target_price"])
    _move(rows, row, changes.get("position", row.position))
    _touch(watchlist, now)
    return watchlist_of(user, watchlist_id)


@transaction.atomic
def watchlist_item_remove(*, user: User, watchlist_id: UUID, stock_code: str, now: datetime) -> None:
    """Take a stock off a list; raises WatchlistItemNotFound too."""
    watchlist = _locked(user, watchlist_id)
    rows = _rows(watchlist)
    row = _row(rows, stock_code)
    rows.remove(row)
    row.delete()
    _number(rows)
    _touch(watchlist, now)


def _lock(user: User) -> None:
    """The lock makes parallel calls count one after the other."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _locked(user: User, watchlist_id: UUID) -> Watchlist:
    own = Watchlist.objects.select_for_update(no_key=True).filter(owner=user, pk=watchlist_id)
    watchlist = own.first()
    if watchlist is None:
        raise WatchlistNotFound
    return watchlist


def _touch(watchlist: Watchlist, now: datetime) -> None:
    watchlist.updated_at = now
    watchlist.save(update_fields=["name", "updated_at"])


def _check_room(user: User) -> None:
    if WatchlistItem.objects.filter(watchlist__owner=user).count() > MAX_ITEMS:
        raise WatchlistLimitReached(items_limit=MAX_ITEMS)


def _rows(watchlist: Watchlist) -> list[WatchlistItem]:
    return list(watchlist.items.select_related("stock").order_by("position"))


def _row(rows: Sequence[WatchlistItem], stock_code: str) -> WatchlistItem:
    row = next((row for row in rows if row.stock.code.upper() == stock_code.upper()), None)
    if row is None:
        raise WatchlistItemNotFound(stock_code=stock_code)
    return row


def _move(rows: list[WatchlistItem], row: WatchlistItem, position: int | None) -> None:
    """Put a row among the others, which stand in order; beyond the last place is the last one."""
    rows.insert(len(rows) if position is None else position, row)
    _number(rows)


def _number(rows: Sequence[WatchlistItem]) -> None:
    moved = []
    for position, row in enumerate(rows):
        if row.position != position:
            row.position = position
            moved.append(row)
    WatchlistItem.objects.bulk_update(moved, ["position"])


def _put(watchlist: Watchlist, items: Sequence[Watched], now: datetime) -> None:
    """Make the items of a list these."""
    added = {row.stock_id: row.added_at for row in watchlist.items.all()}
    seen: set[int] = set()
    for item in items:
        if item.stock.pk in seen:
            raise WatchlistItemExists(
                f"{item.stock.code} is named twice; a list has each stock once.", stock_code=item.stock.code
            )
        seen.add(item.stock.pk)
    watchlist.items.all().delete()
    WatchlistItem.objects.bulk_create(
        WatchlistItem(
            watchlist=watchlist,
            stock=item.stock,
            note=item.note,
            target_price=item.target_price,
            position=position,
            added_at=added.get(item.stock.pk, now),
        )
        for position, item in enumerate(items)
    )

"""The position in one stock, folded from its rows of the ledger: lots, their cost, and what sales realized.

Fees and taxes of a purchase belong to its cost, those of a sale come off its proceeds, and dividends never
touch cost. A split changes the number of shares and not what they cost. The four methods read the same rows
and end with the same number of shares; only which cost leaves with a sale differs.

A fold can go on where an earlier one ended: a position, its lots included, is all that the next row needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from heapq import heapify, heappop, heappush, heapreplace

from portfolios.maths.exact import COST_STEP, QUANTITY_STEP, ZERO, exactly, share_of
from portfolios.types import Entry, Method, TransactionType

_UNIT = Context(prec=34, rounding=ROUND_HALF_EVEN)
_BUYS = frozenset({TransactionType.BUY, TransactionType.TRANSFER_IN})
_SALES = frozenset({TransactionType.SELL, TransactionType.TRANSFER_OUT})
_RATIOS = frozenset({TransactionType.SPLIT, TransactionType.BONUS})
# So many lots that are sold out may stand among the others until they are cleared away.
_MANY_SOLD_OUT = 64


class Oversell(Exception):
    """A row takes more shares than there are at its place: ``held`` there, and ``requested`` by it."""

    def __init__(self, sequence: int, held: Decimal, requested: Decimal) -> None:
        self.sequence, self.held, self.requested = sequence, held, requested
        super().__init__(f"row {sequence} takes {requested} of {held}")


@dataclass(slots=True)
class Lot:
    """Shares that came by one row, ``sequence``; of the average method, all shares as one lot.

    ``cost`` is in the stock's currency. ``base_cost`` is the same in the portfolio's base currency at the
    rates of the days on which it was paid, None where one of those is unknown.
    """

    sequence: int
    opened_at: datetime
    quantity: Decimal
    cost: Decimal
    base_cost: Decimal | None

    def unit_cost(self) -> Decimal:
        """What a share of it cost, only to be compared: the same figures always compare the same."""
        return _UNIT.divide(self.cost, self.quantity)


@dataclass(frozen=True, slots=True)
class Sale:
    """Shares that left: what came in for them after fees and taxes, and what they had cost.

    The figures in the base currency are None where a rate is unknown.
    """

    sequence: int
    sold_at: datetime
    quantity: Decimal
    proceeds: Decimal
    cost: Decimal
    base_proceeds: Decimal | None
    base_cost: Decimal | None

    @property
    def realized(self) -> Decimal:
        with exactly():
            return self.proceeds - self.cost


@dataclass(slots=True)
class Position:
    """What is held of a stock; ``realized`` is of all sales, ``income`` of dividends after tax.

    ``lots`` are in the order in which they were opened. ``sales`` are those of the rows folded into this very
    object, and so not of a position that was taken up again; none where ``keeps_sales`` is False.
    """

    method: Method
    lots: list[Lot] = field(default_factory=list)
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    base_cost: Decimal | None = ZERO
    realized: Decimal = ZERO
    base_realized: Decimal | None = ZERO
    income: Decimal = ZERO
    base_income: Decimal | None = ZERO
    sales: list[Sale] = field(default_factory=list)
    keeps_sales: bool = field(default=True, compare=False, repr=False)
    # While rows are taken, lots that are sold out stay where they are: this many, with no shares.
    _sold_out: int = field(default=0, init=False, compare=False, repr=False)
    # Where the first lot with shares is, of FIFO; the lots by unit cost, the dearest first, of HIFO.
    _first: int = field(default=0, init=False, compare=False, repr=False)
    _dearest: list[tuple[Decimal, int, Lot]] | None = field(
        default=None, init=False, compare=False, repr=False
    )

    def take(self, entries: Iterable[Entry]) -> Position:
        """Fold further rows, each after all before it; raises Oversell, and is worth nothing then."""
        with exactly():
            for entry in entries:
                self._take(entry)
        if self._sold_out:
            self._clear_away()
        return self

    def _take(self, entry: Entry) -> None:
        kind = entry.type
        if kind in _BUYS:
            assert entry.quantity is not None and entry.price is not None
            cost = entry.quantity * entry.price + entry.fee + entry.tax
            self._open(entry, entry.quantity, cost)
        elif kind in _SALES:
            self._close(entry)
        elif kind is TransactionType.DIVIDEND:
            assert entry.amount is not None
            income = entry.amount - entry.fee - entry.tax
            self.income += income
            self.base_income = _plus(self.base_income, in_base(income, entry))
        elif kind is TransactionType.BONUS and entry.quantity is not None:
            self._open(entry, entry.quantity, ZERO)
        elif kind in _RATIOS:
            assert entry.ratio_to is not None and entry.ratio_from is not None
            self._split(entry, entry.ratio_to, entry.ratio_from)

    def _open(self, entry: Entry, quantity: Decimal, cost: Decimal) -> None:
        base_cost = in_base(cost, entry) if cost else ZERO
        self.quantity += quantity
        self.cost += cost
        self.base_cost = _plus(self.base_cost, base_cost)
        if self.method is Method.AVERAGE and self.lots:
            pool = self.lots[0]
            pool.quantity, pool.cost, pool.base_cost = self.quantity, self.cost, self.base_cost
            return
        lot = Lot(entry.sequence, entry.traded_at, quantity, cost, base_cost)
        if self._dearest is not None:
            heappush(self._dearest, (-lot.unit_cost(), len(self.lots), lot))
        self.lots.append(lot)

    def _close(self, entry: Entry) -> None:
        wanted = entry.quantity
        assert wanted is not None
        if wanted > self.quantity:
            raise Oversell(entry.sequence, self.quantity, wanted)
        cost, base_cost = self._remove(wanted)
        # Shares that are moved elsewhere without a price leave at what they cost.
        if entry.price is None:
            proceeds, base_proceeds = cost, base_cost
        else:
            proceeds = wanted * entry.price - entry.fee - entry.tax
            base_proceeds = in_base(proceeds, entry)
        self._realize(entry, wanted, (proceeds, cost), (base_proceeds, base_cost))

    def _remove(self, wanted: Decimal) -> tuple[Decimal, Decimal | None]:
        """Take shares out of the lots; returns what they had cost."""
        cost, base_cost, left = ZERO, ZERO, wanted
        known = True
        while left:
            lot = self._next()
            part = min(left, lot.quantity)
            gone = share_of(lot.cost, part, lot.quantity)
            cost += gone
            if lot.base_cost is None:
                known = False
            else:
                base_gone = share_of(lot.base_cost, part, lot.quantity)
                base_cost += base_gone
                lot.base_cost -= base_gone
            lot.cost -= gone
            lot.quantity -= part
            left -= part
            self._took_from(lot)
        self.quantity -= wanted
        self.cost -= cost
        if self.base_cost is not None:
            self.base_cost -= base_cost
        elif not known:
            # The lots whose cost was not known may be gone by now.
            here = [lot for lot in self.lots if lot.quantity]
            rest = [lot.base_cost for lot in here if lot.base_cost is not None]
            self.base_cost = sum(rest, ZERO) if len(rest) == len(here) else None
        if self._sold_out > _MANY_SOLD_OUT and 2 * self._sold_out > len(self.lots):
            self._clear_away()
        return cost, base_cost if known else None

    def _next(self) -> Lot:
        """The lot that the next sale takes from."""
        if self.method is Method.LIFO:
            return self.lots[-1]
        if self.method is Method.HIFO:
            if self._dearest is None:
                # Of lots that cost the same the oldest.
                self._dearest = [(-lot.unit_cost(), at, lot) for at, lot in enumerate(self.lots)]
                heapify(self._dearest)
            return self._dearest[0][2]
        return self.lots[self._first]

    def _took_from(self, lot: Lot) -> None:
        """The lot of ``_next`` has fewer shares now, or none."""
        if self._dearest is not None:
            _, at, _ = self._dearest[0]
            if lot.quantity:
                # What is left of it may cost otherwise in the last place.
                heapreplace(self._dearest, (-lot.unit_cost(), at, lot))
            else:
                heappop(self._dearest)
                self._sold_out += 1
        elif not lot.quantity:
            if self.method is Method.FIFO:
                self._first += 1
                self._sold_out += 1
            else:
                # The newest, or the only one.
                self.lots.pop()

    def _clear_away(self) -> None:
        """Keep the lots that have shares."""
        self.lots = [lot for lot in self.lots if lot.quantity]
        self._sold_out, self._first, self._dearest = 0, 0, None

    def _split(self, entry: Entry, to: Decimal, per: Decimal) -> None:
        """Multiply the shares, rounded as a whole and never lot by lot, so that every method counts alike."""
        before = after = carried = ZERO
        carried_base: Decimal | None = ZERO
        kept: list[Lot] = []
        self._clear_away()
        for lot in self.lots:
            before += lot.quantity
            through = (before * to / per).quantize(QUANTITY_STEP)
            lot.quantity, after = through - after, through
            lot.cost += carried
            lot.base_cost = _plus(lot.base_cost, carried_base)
            carried, carried_base = ZERO, ZERO
            if lot.quantity:
                kept.append(lot)
            else:
                # Too few shares to be counted any more: the next lot bears their cost.
                carried, carried_base = lot.cost, lot.base_cost
        if kept:
            kept[-1].cost += carried
            kept[-1].base_cost = _plus(kept[-1].base_cost, carried_base)
        self.lots, self.quantity = kept, after
        if not kept and carried:
            self.cost, self.base_cost = ZERO, ZERO
            self._realize(entry, before, (ZERO, carried), (ZERO, carried_base))

    def _realize(
        self,
        entry: Entry,
        quantity: Decimal,
        local: tuple[Decimal, Decimal],
        base: tuple[Decimal | None, Decimal | None],
    ) -> None:
        """Note what shares brought in and what they had cost, in the stock's currency and in the base."""
        proceeds, cost = local
        base_proceeds, base_cost = base
        self.realized += proceeds - cost
        gained = None
        if base_proceeds is not None and base_cost is not None:
            gained = base_proceeds - base_cost
        self.base_realized = _plus(self.base_realized, gained)
        if self.keeps_sales:
            self.sales.append(
                Sale(
                    *(entry.sequence, entry.traded_at, quantity, proceeds, cost),
                    base_proceeds=base_proceeds,
                    base_cost=base_cost,
                )
            )


def fold(entries: Sequence[Entry], method: Method) -> Position:
    """The position after all ``entries`` of one stock, which come in order; raises Oversell."""
    return Position(method).take(entries)


def in_base(amount: Decimal, entry: Entry) -> Decimal | None:
    """An amount of a row in the base currency at the rate of its day, None where that is unknown."""
    return None if entry.fx_rate is None else (amount * entry.fx_rate).quantize(COST_STEP)


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other

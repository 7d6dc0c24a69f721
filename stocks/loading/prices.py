"""Price files: checked bars into the table of daily bars, joined to what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from stocks.loading import cells
from stocks.loading.bar_rules import COLUMNS, EARLIEST, check_bars
from stocks.loading.bar_table import BarTable, bar_text
from stocks.loading.history import UNKNOWN_CODE
from stocks.loading.joining import join, stored_rebases
from stocks.loading.kinds import Written
from stocks.loading.layouts import Layout
from stocks.loading.rows import DUPLICATE
from stocks.loading.seen import SeenDays
from stocks.loading.table import LINE, Batch, Refusal
from stocks.models import Market, Stock

LAYOUTS = (Layout("prices", {name: name for name in COLUMNS}, {}),)
MAX_NAMED = 20
_EPOCH = (EARLIEST - date(1970, 1, 1)).days
_SCHEMA = {"code": pl.String, "stock_id": pl.Int32, "place": pl.Int64}


class Checked(NamedTuple):
    """Bars ready to be written, and their COPY text.

    Where codes have to be added first, their ``stock_id`` is null and ``text`` is None.
    """

    bars: pl.DataFrame
    text: memoryview | None
    rounded: int


class Prices:
    """A load of daily bars.

    Args:
        source: what the rows name as their source.
        market: where codes that are not listed are added; None refuses them.
    """

    def __init__(self, *, source: str, market: Market | None = None) -> None:
        self._source = source
        self._market = market
        self._today = datetime.now(UTC).date()
        self._seen = SeenDays()
        self._rounded = 0
        self._added: dict[str, int] = {}

    def options(self) -> dict[str, Any]:
        return {"source": self._source, "create_missing": self._market.code if self._market else None}

    def begin(self) -> None:
        self._rebases = stored_rebases()
        self._table = BarTable(self._source, sorted(self._rebases))
        self._table.prepare()
        listed = Stock.objects.order_by("id").values_list("code", "id")
        rows = [(code, stock_id, place) for place, (code, stock_id) in enumerate(listed)]
        self._listed = pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def check(self, batch: Batch) -> tuple[Checked, list[Refusal]]:
        bars, refused, rounded = check_bars(batch.frame, self._today)
        bars, unknown = self._identified(bars)
        bars, repeated = self._without_repeated(bars)
        text = None if bars["stock_id"].null_count() else bar_text(bars, self._source)
        return Checked(bars, text, rounded), [*refused, *unknown, *repeated]

    def write(self, checked: Checked) -> Written:
        self._rounded += checked.rounded
        bars = checked.bars
        if checked.text is None:
            bars = self._with_added(bars)
        inserted, updated = self._table.write(bars, checked.text)
        return Written(inserted, updated, bars.height - inserted - updated)

    def finish(self) -> dict[str, Any]:
        joined = join(self._table, self._rebases, self._held, source=self._source)
        unjoined = self._listed.filter(pl.col("stock_id").is_in(joined.unjoined[:MAX_NAMED]))["code"]
        return {
            "rounded": self._rounded,
            "rebased": joined.changed,
            "unjoined": len(joined.unjoined),
            "unjoined_codes": unjoined.sort().to_list(),
            "stocks_added": len(self._added),
        }

    def close(self) -> None:
        self._seen.close()

    def _identified(self, bars: pl.DataFrame) -> tuple[pl.DataFrame, list[Refusal]]:
        """The bars with their stock's id (null where it is to be added) and place, and unknown codes."""
        found = bars.join(self._listed, on="code", how="left", maintain_order="left")
        unknown = found.filter(pl.col("place").is_null())
        if not unknown.height:
            return found, []
        if self._market and self._note(unknown["code"].unique(maintain_order=True).to_list()):
            return self._identified(bars)
        refused = [Refusal(line, UNKNOWN_CODE, UNKNOWN_CODE) for line in unknown[LINE]]
        return found.filter(pl.col("place").is_not_null()), refused

    def _note(self, codes: Sequence[str]) -> bool:
        """Give places to the codes that a stock may have; returns whether there were any."""
        first = self._listed.height
        good = [code for code in codes if cells.is_code(code)]
        rows = [(code, None, place) for place, code in enumerate(good, first)]
        self._listed = self._listed.vstack(pl.DataFrame(rows, schema=_SCHEMA, orient="row"))
        return bool(good)

    def _with_added(self, bars: pl.DataFrame) -> pl.DataFrame:
        """The bars with every stock's id; stocks that are not listed yet are added."""
        assert self._market is not None
        missing = bars.filter(pl.col("stock_id").is_null())["code"].unique(maintain_order=True)
        stocks = [
            Stock(
                code=code,
                name=code,
                market=self._market,
                currency=self._market.currency,
                source=self._source,
            )
            for code in missing
            if code not in self._added
        ]
        self._added |= {stock.code: stock.id for stock in Stock.objects.bulk_create(stocks)}
        ids = [self._added[code] for code in missing]
        added = pl.col("code").replace_strict(missing, ids, default=None, return_dtype=pl.Int32)
        return bars.with_columns(pl.coalesce("stock_id", added))

    def _without_repeated(self, bars: pl.DataFrame) -> tuple[pl.DataFrame, list[Refusal]]:
        days = bars["date"].to_physical().cast(pl.Int64) - _EPOCH
        lines = bars[LINE].cast(pl.Int64).to_numpy()
        before = self._seen.add(bars["place"].to_numpy(), days.to_numpy(), lines)
        if not before.any():
            return bars, []
        refused = [
            Refusal(int(line), f"duplicate of line {first}", DUPLICATE)
            for line, first in zip(lines[before > 0], before[before > 0], strict=True)
        ]
        return bars.filter(pl.Series(before == 0)), refused

    def _held(self, stock_id: int, days: Sequence[date]) -> list[bool]:
        place = self._listed.filter(pl.col("stock_id") == stock_id)["place"].item()
        since = np.array(days, "datetime64[D]").astype(np.int64) - _EPOCH
        held: list[bool] = self._seen.holds(np.full(len(days), place, np.int64), since).tolist()
        return held

"""Which rows of a price file are bars: the rules of the semantics, vectorised."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from stocks.loading.table import LINE, Refusal

EARLIEST = date(1900, 1, 1)
RANGE = ("open", "high", "low")
PRICES = (*RANGE, "close")
COLUMNS = ("code", "date", *PRICES, "volume")
FUTURE = "the date lies in the future"
PLACES = 8
MAX_PRICE = 10**12
# Wide enough for every finite price, and fine enough to see what eight decimals would drop.
_STORED = pl.Decimal(38, PLACES)
_FINE = pl.Decimal(38, 18)
# No shorter text has more than eight decimals, but for exponents.
_MAYBE_FINE_BYTES = 10


class Bars(NamedTuple):
    """Rows that are bars: code, day (Date), prices (text as COPY takes it), volume (Int64) and line.

    ``rounded`` counts rows with a price of more than eight decimals, kept half to even.
    """

    frame: pl.DataFrame
    refused: list[Refusal]
    rounded: int


def check_bars(text: pl.DataFrame, today: date) -> Bars:
    """Type the text columns of COLUMNS and tell bars from rows that are none.

    A day whose open, high and low are all 0 or all blank had no trades: the three become null. A price stays
    the text that the file holds, so that nothing lies between the file and the NUMERIC column.
    """
    frame, fine = _typed(text)
    is_bar = _is_bar(today, fine)
    good = frame.filter(is_bar)
    refused = frame.filter(~is_bar) if good.height < frame.height else None
    prices = [_price_text(name, fine=fine) for name in PRICES]
    rounded = good.select(pl.any_horizontal([_is_fine(name) for name in PRICES]).sum()).item() if fine else 0
    return Bars(
        good.select(
            LINE, "code", pl.col("date_value").alias("date"), *prices, pl.col("volume_value").alias("volume")
        ),
        [] if refused is None else _explained(refused, list(_reasons(today, fine))),
        rounded,
    )


def _typed(text: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    frame = text.with_columns(
        pl.col("date").str.to_date("%Y-%m-%d", strict=False).alias("date_value"),
        pl.col("volume").cast(pl.Int64, strict=False).alias("volume_value"),
        *(pl.col(name).cast(_STORED, strict=False).alias(f"{name}_value") for name in PRICES),
    )
    if frame["date_value"].null_count():
        compact = pl.col("date").str.to_date("%Y%m%d", strict=False)
        frame = frame.with_columns(pl.coalesce("date_value", compact).alias("date_value"))
    if frame["volume_value"].null_count():
        integral = pl.col("volume").str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
        frame = frame.with_columns(pl.coalesce("volume_value", integral).alias("volume_value"))
    maybe = [
        (pl.col(name).str.len_bytes() > _MAYBE_FINE_BYTES) | pl.col(name).str.contains("[eE]")
        for name in PRICES
    ]
    fine = bool(frame.select(pl.any_horizontal(maybe).any()).item())
    if fine:
        cells = [pl.col(name).cast(_FINE, strict=False).alias(f"{name}_fine") for name in PRICES]
        frame = frame.with_columns(cells)
    return frame, fine


def _is_bar(today: date, fine: bool) -> pl.Expr:
    """Whether a row is a bar, in as few comparisons as may be; ``_reasons`` says the same at length."""
    day, volume, close = _number("date"), _number("volume"), _number("close")
    open_, high, low = (_number(name) for name in RANGE)
    traded = (low > 0) & (low <= open_) & (low <= close) & (open_ <= high) & (close <= high)
    sound = (traded & (high < MAX_PRICE)).fill_null(False) | _is_idle()
    rule = (pl.col("code") != "") & (day >= EARLIEST) & (day <= _latest(today))
    rule &= (close > 0) & (close < MAX_PRICE) & (volume >= 0) & sound
    if fine:
        rule &= ~pl.any_horizontal([_is_too_fine(name) for name in PRICES])
    return rule.fill_null(False)


def _reasons(today: date, fine: bool) -> Iterator[tuple[pl.Expr, str | pl.Expr]]:
    """Conditions under which a row is refused, each with its reason, the telling ones first."""
    day, volume, close = _number("date"), _number("volume"), _number("close")
    yield _is_blank("code"), "the code is blank"
    yield _is_blank("date"), "the date is blank"
    yield day.is_null(), "the date is not a date"
    yield day < EARLIEST, f"the date is before {EARLIEST.year}"
    yield day > _latest(today), FUTURE
    yield from _price_rules("close")
    yield close <= 0, "the close is not above zero"
    yield _is_blank("volume"), "the volume is blank"
    yield volume.is_null(), "the volume is not a whole number"
    yield volume < 0, "the volume is negative"
    if fine:
        for name in PRICES:
            yield _is_too_fine(name), f"the {name} has more than {PLACES} decimals"
    idle = _is_idle()
    for name in RANGE:
        yield ~idle & _is_blank(name), f"the {name} is blank although others of the day are not"
        for condition, reason in _price_rules(name):
            yield ~idle & condition, reason
        yield ~idle & (_number(name) < 0), f"the {name} is negative"
        yield ~idle & (_number(name) == 0), f"the {name} is zero although others of the day are not"
    open_, high, low = (_number(name) for name in RANGE)
    yield ~idle & (high < low), "the high is below the low"
    yield ~idle & (high < open_), "the high is below the open"
    yield ~idle & (high < close), "the high is below the close"
    yield ~idle & (low > open_), "the low is above the open"
    yield ~idle & (low > close), "the low is above the close"


def _price_rules(name: str) -> Iterator[tuple[pl.Expr, str | pl.Expr]]:
    text, value = pl.col(name), _number(name)
    if name == "close":
        yield _is_blank(name), "the close is blank"
    unreadable = (
        pl.when(text.str.contains(r"^[+-]?\d{13}"))
        .then(pl.lit(f"the {name} is too large"))
        .when(text.str.contains(r"^(?i)[+-]?(nan|inf|infinity)$"))
        .then(pl.lit(f"the {name} is not finite"))
        .otherwise(pl.lit(f"the {name} is not a number"))
    )
    yield value.is_null(), unreadable
    yield value >= MAX_PRICE, f"the {name} is too large"


def _is_too_fine(name: str) -> pl.Expr:
    # From 1 upwards the ninth decimal is noise of binary arithmetic; below, it may be the price.
    return _is_fine(name) & (_number(name) < 1)


def _explained(refused: pl.DataFrame, rules: list[tuple[pl.Expr, str | pl.Expr]]) -> list[Refusal]:
    reasons = [
        pl.when(condition.fill_null(True)).then(pl.lit(reason) if isinstance(reason, str) else reason)
        for condition, reason in rules
    ]
    rows = refused.select(LINE, reason=pl.coalesce(*reasons, pl.lit("not a bar")))
    return [Refusal(line, reason, reason) for line, reason in rows.iter_rows()]


def _price_text(name: str, *, fine: bool) -> pl.Expr:
    text: pl.Expr = pl.col(name)
    if fine:
        text = pl.when(_is_fine(name)).then(_number(name).cast(pl.String)).otherwise(text)
    return text.alias(name) if name == "close" else pl.when(~_is_idle()).then(text).alias(name)


def _latest(today: date) -> date:
    # Where the exchange is, tomorrow may have begun.
    return today + timedelta(days=1)


def _number(name: str) -> pl.Expr:
    return pl.col(f"{name}_value")


def _is_blank(name: str) -> pl.Expr:
    return pl.col(name) == ""


def _is_idle() -> pl.Expr:
    """Whether the day had no trades."""
    zero = pl.all_horizontal([(_number(name) == 0).fill_null(False) for name in RANGE])
    return zero | pl.all_horizontal([_is_blank(name) for name in RANGE])


def _is_fine(name: str) -> pl.Expr:
    """Whether the price has more than eight decimals, zeros not counted."""
    return (pl.col(f"{name}_fine") != _number(name)).fill_null(False)

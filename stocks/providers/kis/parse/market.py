"""Prices, bars, order books and companies out of the answers of KIS.

Numbers come as texts. A price of 0 means that there is none: of a code that KIS does not know every field is
0 or empty, and of a stock that has not traded today open, high and low are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from stocks.providers import json
from stocks.providers.errors import Malformed, NotFound
from stocks.providers.kis.hours import price_time, session_moment
from stocks.providers.kis.parse.answers import NAME
from stocks.providers.kis.parse.values import LEVELS, day, hour, levels, microseconds, previous_close
from stocks.sessions import Schedule
from stocks.types import Bar, Company, Listing, OrderBook, StockKey, Tick

CURRENCY = "KRW"
#: ``hts_avls`` counts hundreds of millions of won.
MARKET_CAP_UNIT = 100_000_000

_HALTED = "58"
# The market itself, or the index of it that the stock belongs to; KRX100 and KRX300 span both.
_MARKETS = {
    "KOSPI": ("KOSPI", "코스피", "유가증권"),
    "KOSDAQ": ("KOSDAQ", "KSQ", "코스닥"),
    "KONEX": ("KONEX", "코넥스"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """Bars of one answer in any order, the number of its rows, empty ones included, and its oldest day."""

    bars: tuple[Bar, ...]
    rows: int
    oldest: date | None


def quote(body: Mapping[str, Any], code: str, sessions: Schedule, now: datetime) -> Tick | None:
    """The latest price; None where it cannot be one, as 0 cannot, or where it is another stock's."""
    output = json.mapping(body.get("output"), "output")
    try:
        price = json.price(output.get("stck_prpr"), "stck_prpr")
    except Malformed:
        return None
    if _other(output, code):
        return None
    opened = json.price_or_none(output.get("stck_oprc"), "stck_oprc")
    halted = output.get("iscd_stat_cls_code") == _HALTED or output.get("temp_stop_yn") == "Y"
    return Tick(
        code=code,
        price=price,
        as_of=price_time(sessions, now, traded=opened is not None, halted=halted),
        received_at=now,
        source=NAME,
        seq=microseconds(now),
        volume=json.count(output.get("acml_vol"), "acml_vol"),
        open=opened,
        high=json.price_or_none(output.get("stck_hgpr"), "stck_hgpr"),
        low=json.price_or_none(output.get("stck_lwpr"), "stck_lwpr"),
        previous_close=previous_close(price, output.get("prdy_vrss_sign"), output.get("prdy_vrss"))
        or json.price_or_none(output.get("stck_sdpr"), "stck_sdpr"),
    )


def bars(body: Mapping[str, Any], code: str) -> Page:
    """Daily bars as traded; a row that cannot be a bar is left out."""
    # For an unknown code the summary may be a list, or missing.
    summary = body.get("output1")
    if isinstance(summary, dict) and _other(summary, code):
        raise Malformed(f"{NAME}: bars of another stock than {code}")
    rows = [json.mapping(row, "a row") for row in json.sequence(body.get("output2"), "output2")]
    dated = [(day(row.get("stck_bsop_date")), row) for row in rows if row]
    found = [bar for at, row in dated if (bar := _bar(at, row)) is not None]
    return Page(tuple(found), len(rows), min((at for at, _ in dated), default=None))


def order_book(body: Mapping[str, Any], code: str, sessions: Schedule, now: datetime) -> OrderBook:
    """Both sides without the levels that nobody fills; raises NotFound where all are empty."""
    output = json.mapping(body.get("output1"), "output1")
    expected = body.get("output2")
    if isinstance(expected, dict) and _other(expected, code):
        raise Malformed(f"{NAME}: the order book of another stock than {code}")
    asks, bids = (
        levels([(output.get(f"{side}p{n}"), output.get(f"{side}p_rsqn{n}")) for n in range(1, LEVELS + 1)])
        for side in ("ask", "bid")
    )
    if not asks and not bids:
        raise NotFound(f"{NAME}: no order book of {code}")
    return OrderBook(
        code=code,
        asks=asks,
        bids=bids,
        as_of=session_moment(sessions, now, hour(output.get("aspr_acpt_hour"))),
        received_at=now,
        source=NAME,
        seq=microseconds(now),
    )


def company(
    body: Mapping[str, Any], chart: Mapping[str, Any], key: StockKey, listed: Tick, now: datetime
) -> Company:
    """Who stands behind a code: from the answers about its price and its bars; ``listed`` is that price."""
    output = json.mapping(body.get("output"), "output")
    summary = json.mapping(chart.get("output1"), "output1")
    if _other(summary, key.code):
        raise Malformed(f"{NAME}: the name of another stock than {key.code}")
    capitalization = json.count(output.get("hts_avls"), "hts_avls")
    return Company(
        listing=Listing(
            code=key.code,
            name=json.required(summary.get("hts_kor_isnm"), "hts_kor_isnm"),
            market=_market(json.text(output.get("rprs_mrkt_kor_name"), "rprs_mrkt_kor_name"), key),
            sector=json.text(output.get("bstp_kor_isnm"), "bstp_kor_isnm"),
            currency=CURRENCY,
            shares_outstanding=json.count(output.get("lstn_stcn"), "lstn_stcn") or None,
        ),
        source=NAME,
        received_at=now,
        as_of=listed.as_of,
        country="KR",
        market_cap=json.money(capitalization * MARKET_CAP_UNIT, "hts_avls") if capitalization else None,
    )


def _bar(at: date, row: Mapping[str, Any]) -> Bar | None:
    try:
        close = json.price(row.get("stck_clpr"), "stck_clpr")
        opened, high, low = (
            json.price_or_none(row.get(name), name) for name in ("stck_oprc", "stck_hgpr", "stck_lwpr")
        )
        volume = json.count(row.get("acml_vol"), "acml_vol")
    except Malformed:
        return None
    if volume is None:
        return None
    if not opened and not high and not low:
        return Bar(at, None, None, None, close, volume)
    if not opened or not high or not low or not low <= min(opened, close) <= max(opened, close) <= high:
        return None
    return Bar(at, opened, high, low, close, volume)


def _other(output: Mapping[str, Any], code: str) -> bool:
    """Whether an answer names another stock; of an unknown one the name is empty."""
    return json.text(output.get("stck_shrn_iscd"), "stck_shrn_iscd") not in ("", code)


def _market(written: str, key: StockKey) -> str:
    for market, starts in _MARKETS.items():
        if written.upper().startswith(starts):
            return market
    if key.market:
        return key.market
    raise Malformed(f"{NAME}: nothing says on which market {key.code} is listed")

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from stocks.folds import why_refused
from stocks.providers.errors import Malformed, NotFound
from stocks.providers.kis.parse import market
from stocks.providers.kis.parse.values import previous_close
from stocks.providers.kis.tests.standin import payload
from stocks.sessions import schedule
from stocks.types import Bar, Company, Level, OrderBook, StockKey, Tick

IN_SESSION = datetime(2026, 7, 24, 2, 52, 15, tzinfo=UTC)
AFTER_CLOSE = datetime(2026, 7, 24, 9, 0, tzinfo=UTC)
BEFORE_OPEN = datetime(2026, 7, 23, 23, 40, tzinfo=UTC)
SUNDAY = datetime(2026, 7, 26, 3, 0, tzinfo=UTC)
THURSDAY_CLOSE = datetime(2026, 7, 23, 6, 30, tzinfo=UTC)
FRIDAY_OPEN = datetime(2026, 7, 24, 0, 0, tzinfo=UTC)
FRIDAY_CLOSE = datetime(2026, 7, 24, 6, 30, tzinfo=UTC)
KEY = StockKey("005930", "KOSPI", "KRW")


def no_quote(**fields: Any) -> bool:
    body = payload("price.json")
    body["output"] |= fields
    return market.quote(body, "005930", schedule("XKRX"), IN_SESSION) is None


def quote(now: datetime = IN_SESSION, **fields: Any) -> Tick:
    body = payload("price.json")
    body["output"] |= fields
    tick = market.quote(body, "005930", schedule("XKRX"), now)
    assert tick is not None
    return tick


def book(now: datetime = IN_SESSION, **fields: Any) -> OrderBook:
    body = payload("book.json")
    body["output1"] |= fields
    return market.order_book(body, "005930", schedule("XKRX"), now)


def bars(*rows: Any, code: str = "005930") -> market.Page:
    body = payload("chart.json")
    return market.bars(body | {"output2": list(rows)}, code)


def row(**fields: Any) -> dict[str, Any]:
    return payload("chart.json")["output2"][0] | fields


def company(chart: dict | None = None, key: StockKey = KEY, **fields: Any) -> Company:
    body = payload("price.json")
    body["output"] |= fields
    listed = market.quote(body, "005930", schedule("XKRX"), IN_SESSION)
    assert listed is not None
    return market.company(body, chart or payload("chart.json"), key, listed, IN_SESSION)


def test_a_quote_is_read_to_every_field():
    assert quote() == Tick(
        code="005930",
        price=Decimal(250500),
        as_of=IN_SESSION,
        received_at=IN_SESSION,
        source="kis",
        seq=int(IN_SESSION.timestamp()) * 1_000_000,
        volume=11_701_513,
        open=Decimal(266000),
        high=Decimal(266000),
        low=Decimal(248500),
        previous_close=Decimal(270000),
    )


@pytest.mark.parametrize(
    ("sign", "change", "expected"),
    [
        ("1", "57500", 193000),
        ("2", "500", 250000),
        ("2", "-500", 250000),
        ("3", "0", 250500),
        ("4", "107500", 358000),
        ("5", "19500", 270000),
        ("5", "-19500", 270000),
    ],
)
def test_the_code_tells_the_sign_of_a_change(sign, change, expected):
    assert previous_close(Decimal(250500), sign, change) == expected
    assert quote(prdy_vrss_sign=sign, prdy_vrss=change, stck_sdpr="1").previous_close == expected


@pytest.mark.parametrize(
    ("sign", "change"), [("3", "500"), ("9", "500"), ("", "500"), ("5", ""), (None, None), ("2", "250500")]
)
def test_where_code_and_change_say_nothing_the_base_price_does(sign, change):
    assert quote(prdy_vrss_sign=sign, prdy_vrss=change).previous_close == 270000
    assert quote(prdy_vrss_sign=sign, prdy_vrss=change, stck_sdpr="0").previous_close is None


@pytest.mark.parametrize(
    "price", ["0", "", "-1", "NaN", "Infinity", "1e5", "12,000", "abc", None, "0.0", True]
)
def test_what_cannot_be_a_price_is_none(price):
    assert no_quote(stck_prpr=price)


def test_a_price_of_another_stock_is_none():
    assert no_quote(stck_shrn_iscd="000660")
    assert not no_quote(stck_shrn_iscd="")


@pytest.mark.parametrize("output", [None, [], "", 7])
def test_an_answer_without_its_part_is_malformed(output):
    with pytest.raises(Malformed):
        market.quote({"output": output}, "005930", schedule("XKRX"), IN_SESSION)
    with pytest.raises(Malformed):
        market.order_book({"output1": output}, "005930", schedule("XKRX"), IN_SESSION)
    with pytest.raises(Malformed):
        market.bars({"output1": {}, "output2": "rows"}, "005930")


@pytest.mark.parametrize("field", ["acml_vol", "stck_oprc", "stck_hgpr", "stck_lwpr", "prdy_vrss"])
@pytest.mark.parametrize("value", ["many", "NaN", [], {}, "9" * 60])
def test_another_field_that_is_no_number_is_malformed(field, value):
    with pytest.raises(Malformed):
        quote(**{field: value})


@pytest.mark.parametrize("sign", [[], {}, 5])
def test_a_sign_that_is_no_text_is_malformed(sign):
    with pytest.raises(Malformed):
        quote(prdy_vrss_sign=sign)


@pytest.mark.parametrize(
    ("now", "as_of"),
    [
        (IN_SESSION, IN_SESSION),
        (AFTER_CLOSE, FRIDAY_CLOSE),
        (SUNDAY, FRIDAY_CLOSE),
        (BEFORE_OPEN, THURSDAY_CLOSE),
        (FRIDAY_OPEN, FRIDAY_OPEN),
    ],
)
def test_a_price_is_of_now_in_a_session_and_of_the_last_close_otherwise(now, as_of):
    tick = quote(now)
    assert tick.as_of == as_of
    assert tick.received_at == now
    assert why_refused(tick, now) is None


def test_a_stock_that_has_not_traded_today_shows_the_price_of_the_last_close():
    untraded = quote(stck_oprc="0", stck_hgpr="0", stck_lwpr="0", acml_vol="0")
    assert untraded.as_of == THURSDAY_CLOSE
    assert (untraded.open, untraded.high, untraded.low) == (None, None, None)


@pytest.mark.parametrize("halt", [{"iscd_stat_cls_code": "58"}, {"temp_stop_yn": "Y"}])
def test_the_price_of_a_halted_stock_grows_stale(halt):
    assert quote(**halt).as_of == FRIDAY_OPEN
    assert schedule("XKRX").is_stale(quote(**halt).as_of, IN_SESSION)
    assert quote(**halt, stck_oprc="0").as_of == THURSDAY_CLOSE


def test_bars_are_read_with_their_halts_and_without_the_empty_rows():
    page = market.bars(payload("chart.json"), "005930")
    assert page.bars == (
        Bar(
            date(2026, 7, 23), Decimal(268500), Decimal(273000), Decimal(267500), Decimal(270000), 16_012_004
        ),
        Bar(date(2026, 7, 22), None, None, None, Decimal(268500), 0),
    )
    assert page.rows == 3
    assert page.oldest == date(2026, 7, 22)


@pytest.mark.parametrize(
    "fields",
    [
        {"stck_clpr": "0"},
        {"stck_clpr": ""},
        {"stck_clpr": "NaN"},
        {"stck_clpr": "-5"},
        {"acml_vol": ""},
        {"acml_vol": "-1"},
        {"stck_oprc": "0"},
        {"stck_lwpr": "999999"},
        {"stck_hgpr": "1"},
        {"stck_oprc": "x"},
    ],
)
def test_a_row_that_cannot_be_a_bar_is_left_out(fields):
    page = bars(row(), row(stck_bsop_date="20260721", **fields))
    assert [bar.date for bar in page.bars] == [date(2026, 7, 23)]
    assert page.oldest == date(2026, 7, 21)


@pytest.mark.parametrize("day", ["", "2026-07-23", "20261323", "2026072", "２０２６０７２３", None])
def test_a_row_without_its_day_is_malformed(day):
    with pytest.raises(Malformed):
        bars(row(stck_bsop_date=day))


def test_bars_of_another_stock_are_malformed():
    with pytest.raises(Malformed):
        bars(row(), code="000660")


@pytest.mark.parametrize("summary", [None, [], {}, {"stck_shrn_iscd": ""}])
def test_an_unknown_code_has_no_bars_whatever_its_summary_is(summary):
    assert market.bars({"output1": summary, "output2": []}, "999999") == market.Page((), 0, None)
    assert market.bars({"output1": summary, "output2": [{}, {}]}, "999999") == market.Page((), 2, None)


def test_an_order_book_is_read_without_its_empty_levels():
    read = book()
    assert read.asks[0] == Level(Decimal(250500), 8930)
    assert read.asks[8] == Level(Decimal(254500), 8930 + 8 * 1117)
    assert read.bids[0] == Level(Decimal(250000), 67892)
    assert (len(read.asks), len(read.bids)) == (9, 9)
    assert read.as_of == datetime(2026, 7, 24, 2, 52, 13, tzinfo=UTC)
    assert (read.code, read.source, read.received_at) == ("005930", "kis", IN_SESSION)
    assert why_refused(read, IN_SESSION) is None


def test_a_side_may_be_empty_and_both_are_no_book():
    no_asks = {f"askp{n}": "0" for n in range(1, 11)}
    one_sided = book(IN_SESSION, **no_asks)
    assert one_sided.asks == ()
    assert len(one_sided.bids) == 9
    with pytest.raises(NotFound):
        book(IN_SESSION, **no_asks, **{f"bidp{n}": "" for n in range(1, 11)})


@pytest.mark.parametrize(
    "fields",
    [
        {"askp1": "-250500"},
        {"askp_rsqn1": "-1"},
        {"askp_rsqn1": ""},
        {"bidp3": "NaN"},
        {"aspr_acpt_hour": ""},
        {"aspr_acpt_hour": "256000"},
        {"aspr_acpt_hour": "11:52:13"},
    ],
)
def test_an_order_book_that_cannot_be_true_is_malformed(fields):
    with pytest.raises(Malformed):
        book(**fields)


@pytest.mark.parametrize(
    ("now", "hour", "as_of"),
    [
        (AFTER_CLOSE, "160000", datetime(2026, 7, 24, 7, 0, tzinfo=UTC)),
        (SUNDAY, "160000", datetime(2026, 7, 24, 7, 0, tzinfo=UTC)),
        (BEFORE_OPEN, "160000", datetime(2026, 7, 23, 7, 0, tzinfo=UTC)),
        (BEFORE_OPEN, "083959", datetime(2026, 7, 23, 23, 39, 59, tzinfo=UTC)),
        (IN_SESSION, "115217", datetime(2026, 7, 24, 2, 52, 17, tzinfo=UTC)),
        (IN_SESSION, "153000", datetime(2026, 7, 23, 6, 30, tzinfo=UTC)),
    ],
)
def test_the_day_of_an_order_book_is_the_last_session_that_had_this_hour(now, hour, as_of):
    assert book(now, aspr_acpt_hour=hour).as_of == as_of


def test_a_company_is_read_from_both_answers():
    read = company()
    listing = read.listing
    assert (listing.code, listing.name, listing.market) == ("005930", "삼성전자", "KOSPI")
    assert (listing.sector, listing.currency) == ("전기·전자", "KRW")
    assert listing.shares_outstanding == 5_919_637_922
    assert read.market_cap == Decimal(1_482_869_300_000_000)
    assert (read.as_of, read.received_at, read.source) == (IN_SESSION, IN_SESSION, "kis")


@pytest.mark.parametrize(
    ("written", "market"),
    [
        ("KOSPI", "KOSPI"),
        ("KOSPI200", "KOSPI"),
        ("코스피", "KOSPI"),
        ("KOSDAQ", "KOSDAQ"),
        ("KSQ150", "KOSDAQ"),
        ("코스닥", "KOSDAQ"),
        ("KONEX", "KONEX"),
    ],
)
def test_a_market_is_also_known_by_its_index(written, market):
    assert company(key=StockKey("005930"), rprs_mrkt_kor_name=written).listing.market == market


@pytest.mark.parametrize("written", ["KRX300", "KRX100", ""])
def test_an_index_of_both_markets_says_nothing(written):
    assert company(rprs_mrkt_kor_name=written).listing.market == "KOSPI"
    with pytest.raises(Malformed):
        company(key=StockKey("005930"), rprs_mrkt_kor_name=written)


def test_what_a_company_does_not_say_is_unknown():
    read = company(hts_avls="0", lstn_stcn="", bstp_kor_isnm="")
    assert read.market_cap is None
    assert read.listing.shares_outstanding is None
    assert read.listing.sector == ""


def test_a_company_that_cannot_be_true_is_malformed():
    for chart in ({"output1": {"hts_kor_isnm": ""}}, {"output1": {"stck_shrn_iscd": "000660"}}, {}):
        with pytest.raises(Malformed):
            company(payload("chart.json") | chart if chart else {"output2": []})
    with pytest.raises(Malformed):
        company(hts_avls="100000000")

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from stocks.folds import why_refused
from stocks.providers.errors import Malformed
from stocks.providers.kis import frames
from stocks.providers.kis.frames import Ack, Channel, Data, Encrypted, Ping, WrongCount
from stocks.providers.kis.tests.standin import BOOK_FRAME, PRICE_FRAME, ack
from stocks.sessions import schedule
from stocks.types import Level, OrderBook, Tick

NOW = datetime(2026, 7, 24, 2, 52, 15, tzinfo=UTC)
PRICE_RECORD = PRICE_FRAME.split("|", 3)[3]
BOOK_RECORD = BOOK_FRAME.split("|", 3)[3]


def data(frame: str) -> Data:
    read = frames.read(frame)
    assert isinstance(read, Data)
    return read


def price_record(**fields: str) -> dict[str, str]:
    return dict(data(PRICE_FRAME).records[0]) | fields


def test_a_recorded_price_is_read_to_every_field():
    read = data(PRICE_FRAME)
    assert read.kind == "H0STCNT0"
    assert read.records == (
        {
            "MKSC_SHRN_ISCD": "005930",
            "STCK_CNTG_HOUR": "115214",
            "STCK_PRPR": "250500",
            "PRDY_VRSS_SIGN": "5",
            "PRDY_VRSS": "-19500",
            "PRDY_CTRT": "-7.22",
            "WGHN_AVRG_STCK_PRC": "257548.62",
            "STCK_OPRC": "266000",
            "STCK_HGPR": "266000",
            "STCK_LWPR": "248500",
            "ASKP1": "250500",
            "BIDP1": "250000",
            "CNTG_VOL": "2",
            "ACML_VOL": "11701513",
            "ACML_TR_PBMN": "3013709268750",
            "SELN_CNTG_CSNU": "113664",
            "SHNU_CNTG_CSNU": "103131",
            "NTBY_CNTG_CSNU": "-10533",
            "CTTR": "60.51",
            "SELN_CNTG_SMTN": "7129195",
            "SHNU_CNTG_SMTN": "4313943",
            "CCLD_DVSN": "1",
            "SHNU_RATE": "0.37",
            "PRDY_VOL_VRSS_ACML_VOL_RATE": "73.08",
            "OPRC_HOUR": "090025",
            "OPRC_VRSS_PRPR_SIGN": "5",
            "OPRC_VRSS_PRPR": "-15500",
            "HGPR_HOUR": "090025",
            "HGPR_VRSS_PRPR_SIGN": "5",
            "HGPR_VRSS_PRPR": "-16000",
            "LWPR_HOUR": "114825",
            "LWPR_VRSS_PRPR_SIGN": "2",
            "LWPR_VRSS_PRPR": "2000",
            "BSOP_DATE": "20260724",
            "NEW_MKOP_CLS_CODE": "20",
            "TRHT_YN": "N",
            "ASKP_RSQN1": "8930",
            "BIDP_RSQN1": "67892",
            "TOTAL_ASKP_RSQN": "101158",
            "TOTAL_BIDP_RSQN": "466092",
            "VOL_TNRT": "0.20",
            "PRDY_SMNS_HOUR_ACML_VOL": "8331745",
            "PRDY_SMNS_HOUR_ACML_VOL_RATE": "140.44",
            "HOUR_CLS_CODE": "0",
            "MRKT_TRTM_CLS_CODE": "",
            "VI_STND_PRC": "266000",
        },
    )


def test_a_recorded_price_is_a_tick():
    tick = frames.tick(price_record(), NOW, 7)
    assert tick == Tick(
        code="005930",
        price=Decimal(250500),
        as_of=datetime(2026, 7, 24, 2, 52, 14, tzinfo=UTC),
        received_at=NOW,
        source="kis",
        seq=7,
        volume=11_701_513,
        open=Decimal(266000),
        high=Decimal(266000),
        low=Decimal(248500),
        previous_close=Decimal(270000),
    )
    assert why_refused(tick, NOW) is None


def test_a_recorded_order_book_is_read_to_every_field():
    record = dict(data(BOOK_FRAME).records[0])
    levels = {name: [record.pop(f"{name}{n}") for n in range(1, 11)] for name in ("ASKP", "BIDP")}
    shares = {name: [record.pop(f"{name}{n}") for n in range(1, 11)] for name in ("ASKP_RSQN", "BIDP_RSQN")}
    assert levels["ASKP"] == [str(price) for price in range(77900, 78801, 100)]
    assert levels["BIDP"] == [str(price) for price in range(77800, 76899, -100)]
    assert " ".join(shares["ASKP_RSQN"]) == (
        "265881 424306 210852 183696 185249 115895 175905 61693 73772 63546"
    )
    assert " ".join(shares["BIDP_RSQN"]) == (
        "14941 219089 328178 246894 220916 131997 140399 127233 211404 214927"
    )
    assert record == {
        "MKSC_SHRN_ISCD": "005930",
        "BSOP_HOUR": "113019",
        "HOUR_CLS_CODE": "0",
        "TOTAL_ASKP_RSQN": "1760795",
        "TOTAL_BIDP_RSQN": "1855978",
        "OVTM_TOTAL_ASKP_RSQN": "0",
        "OVTM_TOTAL_BIDP_RSQN": "0",
        "ANTC_CNPR": "0",
        "ANTC_CNQN": "0",
        "ANTC_VOL": "344212",
        "ANTC_CNTG_VRSS": "-77200",
        "ANTC_CNTG_VRSS_SIGN": "5",
        "ANTC_CNTG_PRDY_CTRT": "-100.00",
        "ACML_VOL": "10358640",
        "TOTAL_ASKP_RSQN_ICDC": "0",
        "TOTAL_BIDP_RSQN_ICDC": "10",
        "OVTM_TOTAL_ASKP_ICDC": "0",
        "OVTM_TOTAL_BIDP_ICDC": "0",
        "STCK_DEAL_CLS_CODE": "0",
    }


def test_a_recorded_order_book_is_an_order_book_of_the_session():
    book = frames.book(data(BOOK_FRAME).records[0], schedule("XKRX"), NOW, 8)
    assert book == OrderBook(
        code="005930",
        asks=book.asks,
        bids=book.bids,
        as_of=datetime(2026, 7, 24, 2, 30, 19, tzinfo=UTC),
        received_at=NOW,
        source="kis",
        seq=8,
    )
    assert (len(book.asks), len(book.bids)) == (10, 10)
    assert book.asks[0] == Level(Decimal(77900), 265_881)
    assert book.asks[9] == Level(Decimal(78800), 63_546)
    assert book.bids[0] == Level(Decimal(77800), 14_941)
    assert book.bids[9] == Level(Decimal(76900), 214_927)
    assert why_refused(book, NOW) is None


@pytest.mark.parametrize("count", [2, 3, 20, 999])
@pytest.mark.parametrize(("kind", "record"), [("H0STCNT0", PRICE_RECORD), ("H0STASP0", BOOK_RECORD)])
def test_records_follow_each_other_without_a_mark(kind, record, count):
    each = [record.replace("005930", f"{number:06}", 1) for number in range(count)]
    read = data(f"0|{kind}|{count:03}|{'^'.join(each)}")
    assert [one["MKSC_SHRN_ISCD"] for one in read.records] == [f"{number:06}" for number in range(count)]
    assert len({tuple(one.values())[1:] for one in read.records}) == 1


@pytest.mark.parametrize(
    ("count", "fields"),
    [
        ("001", PRICE_RECORD + "^0"),
        ("001", PRICE_RECORD.rsplit("^", 1)[0]),
        ("002", PRICE_RECORD),
        ("001", f"{PRICE_RECORD}^{PRICE_RECORD}"),
        ("001", ""),
        ("000", PRICE_RECORD),
        ("000", ""),
        ("001", BOOK_RECORD),
    ],
)
def test_a_frame_of_the_wrong_count_is_refused(count, fields):
    with pytest.raises(WrongCount):
        frames.read(f"0|H0STCNT0|{count}|{fields}")


def test_an_encrypted_frame_is_refused_by_name():
    with pytest.raises(Encrypted):
        frames.read(f"1|H0STCNT0|001|{PRICE_RECORD}")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "0",
        "0|H0STCNT0|001",
        f"2|H0STCNT0|001|{PRICE_RECORD}",
        f"|H0STCNT0|001|{PRICE_RECORD}",
        f"0|H0STXXX0|001|{PRICE_RECORD}",
        f"0|H0STCNT0|one|{PRICE_RECORD}",
        f"0|H0STCNT0|-01|{PRICE_RECORD}",
        "{",
        "{}",
        "{" * 50_000,
        '{"header": {}}',
        '{"header": {"tr_id": "H0STCNT0"}, "body": []}',
        '{"header": {"tr_id": "H0STCNT0"}, "body": {"rt_cd": "0"}}',
        "<html>",
        PRICE_FRAME.encode(),
    ],
)
def test_anything_else_is_malformed(frame):
    with pytest.raises(Malformed):
        frames.read(frame)


@pytest.mark.parametrize(
    "fields",
    [
        {"STCK_PRPR": "0"},
        {"STCK_PRPR": ""},
        {"STCK_PRPR": "-250500"},
        {"STCK_PRPR": "NaN"},
        {"ACML_VOL": "-1"},
        {"STCK_CNTG_HOUR": "246060"},
        {"STCK_CNTG_HOUR": ""},
        {"BSOP_DATE": "20261301"},
        {"BSOP_DATE": ""},
        {"STCK_OPRC": "x"},
    ],
)
def test_a_price_that_cannot_be_true_is_malformed(fields):
    with pytest.raises(Malformed):
        frames.tick(price_record(**fields), NOW, 0)


def test_what_a_price_does_not_say_is_unknown():
    tick = frames.tick(price_record(STCK_OPRC="0", STCK_HGPR="", STCK_LWPR="0", ACML_VOL=""), NOW, 0)
    assert (tick.open, tick.high, tick.low, tick.volume) == (None, None, None, None)


def test_levels_with_price_0_are_left_out_of_a_book():
    record = dict(data(BOOK_FRAME).records[0]) | {f"ASKP{n}": "0" for n in range(1, 11)}
    book = frames.book(record, schedule("XKRX"), NOW, 0)
    assert book.asks == ()
    assert len(book.bids) == 10


def test_requests_and_their_answers_are_written_and_read():
    assert orjson.loads(frames.request("the-key", Channel("H0STASP0", "005930"), subscribe=True)) == {
        "header": {
            "approval_key": "the-key",
            "custtype": "P",
            "tr_type": "1",
            "content-type": "utf-8",
        },
        "body": {"input": {"tr_id": "H0STASP0", "tr_key": "005930"}},
    }
    ended = orjson.loads(frames.request("the-key", Channel("H0STASP0", "005930"), subscribe=False))
    assert ended["header"]["tr_type"] == "2"
    said = ack(("H0STASP0", "005930"), "OPSP0000", "SUBSCRIBE SUCCESS")
    assert frames.read(said) == Ack(Channel("H0STASP0", "005930"), "OPSP0000")
    nobody = ack(("(null)", ""), "OPSP8996", "ALREADY IN USE appkey", rt_cd="9")
    assert frames.read(nobody) == Ack(Channel("(null)", ""), "OPSP8996")


def test_a_ping_is_kept_as_it_came():
    text = '{"header": {"tr_id": "PINGPONG",  "datetime":"20260914093000"}}'
    assert frames.read(text) == Ping(text)

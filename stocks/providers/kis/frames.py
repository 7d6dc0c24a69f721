"""The frames of the KIS WebSocket, read and written; nothing here is sent or waited for.

Requests and their answers are JSON. Data are texts ``flag|kind|count|fields``, in which the records of one
frame follow each other without a mark between them: only the number of fields of the kind tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from stocks.providers import json
from stocks.providers.errors import Malformed
from stocks.providers.kis.hours import seoul, session_moment
from stocks.providers.kis.parse.answers import NAME
from stocks.providers.kis.parse.values import LEVELS, day, hour, levels, previous_close
from stocks.sessions import Schedule
from stocks.types import OrderBook, Tick

PRICES = "H0STCNT0"
BOOKS = "H0STASP0"
_PING = "PINGPONG"

_PRICE_FIELDS = tuple(
    """
    MKSC_SHRN_ISCD STCK_CNTG_HOUR STCK_PRPR PRDY_VRSS_SIGN PRDY_VRSS PRDY_CTRT WGHN_AVRG_STCK_PRC STCK_OPRC
    STCK_HGPR STCK_LWPR ASKP1 BIDP1 CNTG_VOL ACML_VOL ACML_TR_PBMN SELN_CNTG_CSNU SHNU_CNTG_CSNU
    NTBY_CNTG_CSNU CTTR SELN_CNTG_SMTN SHNU_CNTG_SMTN CCLD_DVSN SHNU_RATE PRDY_VOL_VRSS_ACML_VOL_RATE
    OPRC_HOUR OPRC_VRSS_PRPR_SIGN OPRC_VRSS_PRPR HGPR_HOUR HGPR_VRSS_PRPR_SIGN HGPR_VRSS_PRPR LWPR_HOUR
    LWPR_VRSS_PRPR_SIGN LWPR_VRSS_PRPR BSOP_DATE NEW_MKOP_CLS_CODE TRHT_YN ASKP_RSQN1 BIDP_RSQN1
    TOTAL_ASKP_RSQN TOTAL_BIDP_RSQN VOL_TNRT PRDY_SMNS_HOUR_ACML_VOL PRDY_SMNS_HOUR_ACML_VOL_RATE
    HOUR_CLS_CODE MRKT_TRTM_CLS_CODE VI_STND_PRC
    """.split()  # noqa: SIM905 (in the order and the form of their documentation)
)
_LEVELS = range(1, LEVELS + 1)
_BOOK_FIELDS = (
    *("MKSC_SHRN_ISCD", "BSOP_HOUR", "HOUR_CLS_CODE"),
    *(f"{name}{n}" for name in ("ASKP", "BIDP", "ASKP_RSQN", "BIDP_RSQN") for n in _LEVELS),
    *("TOTAL_ASKP_RSQN", "TOTAL_BIDP_RSQN", "OVTM_TOTAL_ASKP_RSQN", "OVTM_TOTAL_BIDP_RSQN"),
    *("ANTC_CNPR", "ANTC_CNQN", "ANTC_VOL", "ANTC_CNTG_VRSS", "ANTC_CNTG_VRSS_SIGN", "ANTC_CNTG_PRDY_CTRT"),
    *("ACML_VOL", "TOTAL_ASKP_RSQN_ICDC", "TOTAL_BIDP_RSQN_ICDC"),
    *("OVTM_TOTAL_ASKP_ICDC", "OVTM_TOTAL_BIDP_ICDC", "STCK_DEAL_CLS_CODE"),
)
#: The field that names the stock, in both kinds.
CODE = "MKSC_SHRN_ISCD"
_FIELDS = {PRICES: _PRICE_FIELDS, BOOKS: _BOOK_FIELDS}


class Encrypted(Malformed):
    """An encrypted data frame: those of market data never are, so it is not one that we asked for."""


class WrongCount(Malformed):
    """A data frame whose fields are not those of as many records as it says."""


class Channel(NamedTuple):
    """One registration: a kind of data about one stock."""

    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Sent back as it came."""

    text: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to a request; ``channel`` is that of the request where the server names it."""

    channel: Channel
    code: str


@dataclass(frozen=True, slots=True)
class Data:
    """Records of one kind, each with the names of its fields."""

    kind: str
    records: tuple[Mapping[str, str], ...]


def request(approval_key: str, channel: Channel, *, subscribe: bool) -> str:
    """The frame that registers a channel, or ends its registration."""
    return orjson.dumps(
        {
            "header": {
                "approval_key": approval_key,
                "custtype": "P",
                "tr_type": "1" if subscribe else "2",
                "content-type": "utf-8",
            },
            "body": {"input": {"tr_id": channel.kind, "tr_key": channel.code}},
        }
    ).decode()


def read(frame: str | bytes) -> Ping | Ack | Data:
    """What a frame says; raises Encrypted, WrongCount, or Malformed."""
    if isinstance(frame, bytes):
        raise Malformed(f"{NAME}: a binary frame")
    return _control(frame) if frame.startswith("{") else _data(frame)


def tick(record: Mapping[str, str], received_at: datetime, seq: int) -> Tick:
    """A trade as the tick after it; raises Malformed."""
    price = json.price(record["STCK_PRPR"], "STCK_PRPR")
    opened, high, low = (
        json.price_or_none(record[name], name) for name in ("STCK_OPRC", "STCK_HGPR", "STCK_LWPR")
    )
    return Tick(
        code=record[CODE],
        price=price,
        as_of=seoul(day(record["BSOP_DATE"]), hour(record["STCK_CNTG_HOUR"])),
        received_at=received_at,
        source=NAME,
        seq=seq,
        volume=json.count(record["ACML_VOL"], "ACML_VOL"),
        open=opened,
        high=high,
        low=low,
        previous_close=previous_close(price, record["PRDY_VRSS_SIGN"], record["PRDY_VRSS"]),
    )


def book(record: Mapping[str, str], sessions: Schedule, received_at: datetime, seq: int) -> OrderBook:
    """An order book, whose day is that of the running session, as the frame has none; raises Malformed."""
    asks, bids = (
        levels([(record[f"{side}P{n}"], record[f"{side}P_RSQN{n}"]) for n in _LEVELS])
        for side in ("ASK", "BID")
    )
    return OrderBook(
        code=record[CODE],
        asks=asks,
        bids=bids,
        as_of=session_moment(sessions, received_at, hour(record["BSOP_HOUR"])),
        received_at=received_at,
        source=NAME,
        seq=seq,
    )


def _control(frame: str) -> Ping | Ack:
    message = json.mapping(json.loads(frame), "a frame")
    header = json.mapping(message.get("header"), "header")
    kind = json.text(header.get("tr_id"), "tr_id")
    if kind == _PING:
        return Ping(frame)
    body = json.mapping(message.get("body"), "body")
    channel = Channel(kind, json.text(header.get("tr_key"), "tr_key"))
    return Ack(channel, json.required(body.get("msg_cd"), "msg_cd"))


def _data(frame: str) -> Data:
    parts: list[Any] = frame.split("|", 3)
    if len(parts) != 4:
        raise Malformed(f"{NAME}: a frame of no known form")
    flag, kind, written, text = parts
    if flag == "1":
        raise Encrypted(f"{NAME}: an encrypted frame")
    if flag != "0" or (names := _FIELDS.get(kind)) is None:
        raise Malformed(f"{NAME}: a frame of no known kind")
    count = json.count(written, "the count") or 0
    fields = text.split("^")
    width = len(names)
    if count == 0 or len(fields) != count * width:
        raise WrongCount(f"{NAME}: {len(fields)} fields for {count} records of {width}")
    return Data(
        kind,
        tuple(dict(zip(names, fields[at : at + width], strict=True)) for at in range(0, len(fields), width)),
    )

"""KIS on 127.0.0.1: its REST calls, the way it issues keys, and its WebSocket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from stocks.sessions import schedule
from stocks.tests.standin import Answer, Request, json_answer, websocket_stand_in

PAYLOADS = Path(__file__).parent / "payloads"
APP_KEY, APP_SECRET = "PSappkeyOfTheTests", "secretOfTheTests0123456789"
PRICE_FRAME = (PAYLOADS / "price_frame.txt").read_text().strip()
BOOK_FRAME = (PAYLOADS / "book_frame.txt").read_text().strip()
HALTED_DAY = date(2026, 3, 3)
TR_IDS = {
    "inquire-price": "FHKST01010100",
    "inquire-asking-price-exp-ccn": "FHKST01010200",
    "inquire-daily-itemchartprice": "FHKST03010100",
}
#: Code: name, market as KIS calls it, sector.
STOCKS = {
    "005930": ("삼성전자", "KOSPI200", "전기·전자"),
    "247540": ("에코프로비엠", "KSQ150", "일반전기전자"),
}


def payload(name: str) -> Any:
    return orjson.loads((PAYLOADS / name).read_bytes())


def refusal(code: str, words: str = "오류", status: int = 500) -> Answer:
    return json_answer({"rt_cd": "1", "msg_cd": code, "msg1": words}, status)


class KisServer:
    """The REST side. ``tokens`` are those that are good; ``issued`` are all that were ever given out."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.tokens: set[str] = set()
        self.issued: list[str] = []
        self.approvals: list[str] = []
        #: Where set, a token is refused that is asked for within a minute of the one before.
        self.once_a_minute = False
        self._issued_at: datetime | None = None
        self._issuing = threading.Lock()
        # Working the calendar out takes longer than a caller waits for an answer.
        self._days = sorted(schedule("XKRX").close_by_day, reverse=True)

    def answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "POST", "/oauth2/tokenP":
                return self._token(request.json)
            case "POST", "/oauth2/Approval":
                return self._approval(request.json)
            case "GET", path:
                return self._quotation(path.rsplit("/", 1)[-1], request)
        return Answer(status=404)

    def _token(self, body: Any) -> Answer:
        if body != {"grant_type": "client_credentials", "appkey": APP_KEY, "appsecret": APP_SECRET}:
            return json_answer(
                {"error_code": "EGW00103", "error_description": "유효하지 않은 AppKey입니다."}, 403
            )
        with self._issuing:
            now = self.now()
            too_soon = self._issued_at is not None and now - self._issued_at < timedelta(minutes=1)
            if self.once_a_minute and too_soon:
                return json_answer(
                    {
                        "error_code": "EGW00133",
                        "error_description": "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)",
                    },
                    403,
                )
            self._issued_at = now
            token = f"eyJ0eXAiOiJKV1Qi.token-{len(self.issued)}"
            self.issued.append(token)
            self.tokens.add(token)
        expires = (now + timedelta(seconds=86_400)).astimezone(ZoneInfo("Asia/Seoul"))
        return json_answer(
            {
                "access_token": token,
                "access_token_token_expired": f"{expires:%Y-%m-%d %H:%M:%S}",
                "token_type": "Bearer",
                "expires_in": 86400,
            }
        )

    def _approval(self, body: Any) -> Answer:
        if body != {"grant_type": "client_credentials", "appkey": APP_KEY, "secretkey": APP_SECRET}:
            return json_answer({"error_code": "EGW00103", "error_description": "…"}, 403)
        self.approvals.append(f"approval-{len(self.approvals)}")
        return json_answer({"approval_key": self.approvals[-1]})

    def _quotation(self, name: str, request: Request) -> Answer:
        headers = request.headers
        if (headers.get("appkey"), headers.get("appsecret")) != (APP_KEY, APP_SECRET):
            return refusal("EGW00103", "유효하지 않은 AppKey입니다.", 403)
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return refusal("EGW00123", "기간이 만료된 token 입니다.")
        if headers.get("custtype") != "P" or headers.get("tr_id") != TR_IDS.get(name):
            return refusal("OPSQ9999", "tr_id")
        query = request.query
        if query["FID_COND_MRKT_DIV_CODE"] != "J":
            return refusal("OPSQ2001", "ERROR INVALID FID_COND_MRKT_DIV_CODE")
        return json_answer(self._body(name, query["FID_INPUT_ISCD"], query))

    def _body(self, name: str, code: str, query: Any) -> Any:
        if name == "inquire-price":
            body = payload("price.json")
            if code in STOCKS:
                _, market, sector = STOCKS[code]
                body["output"] |= {"rprs_mrkt_kor_name": market, "bstp_kor_isnm": sector}
        elif name == "inquire-asking-price-exp-ccn":
            body = payload("book.json")
        else:
            body = payload("chart.json")
            body["output1"]["hts_kor_isnm"] = STOCKS.get(code, ("",))[0]
            body["output2"] = [*self._rows(query), {}] if code in STOCKS else []
        for part in body.values():
            if isinstance(part, dict):
                part |= _blank(part) if code not in STOCKS else {}
                if "stck_shrn_iscd" in part:
                    part["stck_shrn_iscd"] = code if code in STOCKS else ""
        return body

    def _rows(self, query: Any) -> list[dict[str, str]]:
        """The newest hundred days of those asked for, the newest first."""
        assert query["FID_PERIOD_DIV_CODE"] == "D"
        assert query["FID_ORG_ADJ_PRC"] == "1"
        first, last = query["FID_INPUT_DATE_1"], query["FID_INPUT_DATE_2"]
        return [_row(day) for day in self._days if first <= f"{day:%Y%m%d}" <= last][:100]


def _blank(part: dict[str, str]) -> dict[str, str]:
    """What is left of the fields of a code that KIS does not know."""
    return {name: "0" if value.strip("-").replace(".", "").isdigit() else "" for name, value in part.items()}


def _row(day: date) -> dict[str, str]:
    close = 70_000 + 100 * (day.toordinal() % 97)
    prices = (close - 200, close + 300, close - 400) if day != HALTED_DAY else (0, 0, 0)
    return {
        "stck_bsop_date": f"{day:%Y%m%d}",
        "stck_clpr": str(close),
        **dict(zip(("stck_oprc", "stck_hgpr", "stck_lwpr"), map(str, prices), strict=True)),
        "acml_vol": "0" if day == HALTED_DAY else str(10_000_000 + day.toordinal()),
        "acml_tr_pbmn": "0",
        "flng_cls_code": "00",
        "prtt_rate": "0.00",
        "mod_yn": "N",
        "prdy_vrss_sign": "3",
        "prdy_vrss": "0",
        "revl_issu_reas": "",
    }


class Session:
    """One WebSocket connection: what was asked on it, what it is registered for, and the pings it echoed."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.asked: list[tuple[str, str, str]] = []
        self.answers: list[str] = []
        self.registered: set[tuple[str, str]] = set()
        self.most = 0
        self.echoes: list[str] = []

    def say(self, *frames: str) -> None:
        for frame in frames:
            self.connection.send(frame)


class Feed:
    """The WebSocket side, which registers, refuses and pushes as KIS does.

    Every ``every`` seconds each registration is sent a frame about its stock, unless ``pushes`` is unset;
    ``limit`` is how many registrations a session may have, ``good_keys`` says which approval keys are good.
    """

    def __init__(self, *, limit: int = 41, every: float = 0.01, pushes: bool = True) -> None:
        self.limit = limit
        self.every = every
        self.pushes = pushes
        self.good_keys: Callable[[str], bool] = lambda _: True
        self.in_use = False
        #: Channels that are answered with this code.
        self.refused: dict[tuple[str, str], str] = {}
        self.silent_to: set[tuple[str, str]] = set()
        self.sessions: list[Session] = []
        self.paths: list[str] = []

    def has_sessions(self, count: int) -> bool:
        return len(self.sessions) == count

    def __call__(self, connection: ServerConnection) -> None:
        session = Session(connection)
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.sessions.append(session)
        due = time.monotonic()
        try:
            while True:
                with suppress(TimeoutError):
                    self._heard(session, str(connection.recv(timeout=self.every)))
                if self.pushes and time.monotonic() >= due:
                    due = time.monotonic() + self.every
                    session.say(*(frame_of(kind, code) for kind, code in sorted(session.registered)))
        except ConnectionClosed:
            return

    def _heard(self, session: Session, text: str) -> None:
        message = orjson.loads(text)
        header = message["header"]
        if header.get("tr_id") == "PINGPONG":
            session.echoes.append(text)
            return
        asked = message["body"]["input"]
        channel = (asked["tr_id"], asked["tr_key"])
        assert header["custtype"] == "P"
        assert header["content-type"] == "utf-8"
        session.asked.append((header["tr_type"], *channel))
        if self.in_use:
            session.say(ack(("(null)", ""), "OPSP8996", "ALREADY IN USE appkey", rt_cd="9"))
            session.connection.close()
        elif not self.good_keys(header["approval_key"]):
            session.say(ack(channel, "OPSP0011", "invalid approval : NOT FOUND", rt_cd="9"))
        elif channel not in self.silent_to:
            answer = self._answer(session, channel, header["tr_type"])
            session.answers.append(orjson.loads(answer)["body"]["msg_cd"])
            session.say(answer)

    def _answer(self, session: Session, channel: tuple[str, str], tr_type: str) -> str:
        if tr_type == "2":
            if channel not in session.registered:
                return ack(channel, "OPSP0003", "UNSUBSCRIBE ERROR(not found!)", rt_cd="1")
            session.registered.remove(channel)
            return ack(channel, "OPSP0001", "UNSUBSCRIBE SUCCESS")
        if channel in self.refused:
            return ack(channel, self.refused[channel], "ERROR", rt_cd="1")
        if channel in session.registered:
            return ack(channel, "OPSP0002", "ALREADY IN SUBSCRIBE", rt_cd="1")
        if len(session.registered) >= self.limit:
            return ack(channel, "OPSP0008", "MAX SUBSCRIBE OVER", rt_cd="1")
        session.registered.add(channel)
        session.most = max(session.most, len(session.registered))
        return ack(channel, "OPSP0000", "SUBSCRIBE SUCCESS")


def ack(channel: tuple[str, str], code: str, words: str, rt_cd: str = "0") -> str:
    kind, key = channel
    body: dict[str, Any] = {"rt_cd": rt_cd, "msg_cd": code, "msg1": words}
    if rt_cd == "0":
        body["output"] = {"iv": "0123456789abcdef", "key": "abcdefghijklmnopabcdefghijklmnop"}
    return orjson.dumps({"header": {"tr_id": kind, "tr_key": key, "encrypt": "N"}, "body": body}).decode()


def frame_of(kind: str, code: str) -> str:
    """The real frame of a kind, about another stock."""
    return (PRICE_FRAME if kind == "H0STCNT0" else BOOK_FRAME).replace("|005930^", f"|{code}^")


@contextmanager
def running(feed: Feed) -> Iterator[str]:
    """The address of the feed; its connections end with it."""
    with websocket_stand_in(feed) as url:
        try:
            yield url
        finally:
            for session in feed.sessions:
                session.connection.close()

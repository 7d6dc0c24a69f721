"""Raw calls to KIS: headers, the token, and the one retry where it is refused; bodies come back as sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from stocks.providers.errors import AuthFailed
from stocks.providers.http import HIDDEN, Gateway
from stocks.providers.kis.parse import answers
from stocks.providers.kis.parse.answers import NAME, Issued, TokenRefused
from stocks.providers.kis.quotas import PATIENCE_SECONDS, TOKEN_RATES, rates
from stocks.providers.kis.token import SharedKey
from stocks.providers.mesh.names import digest
from stocks.providers.tools import Tools

_QUOTATIONS = "/uapi/domestic-stock/v1/quotations"


class Client:
    """Calls with one app key.

    Every method returns the body of an answer that says success, and raises ProviderError: NotFound where KIS
    calls the code wrong, RateLimited past its quota or ours, AuthFailed where it refuses the keys.
    """

    def __init__(self, tools: Tools, *, app_key: str, app_secret: str, url: str) -> None:
        self._now = tools.now
        self._app_key = app_key
        self._app_secret = app_secret
        secrets = (app_key, app_secret)
        self._calls = Gateway(
            NAME, url, budget=tools.budget(NAME, app_key, rates(url), PATIENCE_SECONDS), secrets=secrets
        )
        # Issuing has a quota of its own, which leaves no time to wait for a turn.
        self._tokens = Gateway(
            NAME, url, budget=tools.budget(NAME, f"token {app_key}", TOKEN_RATES, 0.0), secrets=secrets
        )
        owner = digest(f"{url} {app_key}")
        self._token = SharedKey(tools, f"{NAME}:token:{owner}", self._issue_token)
        self._approval = SharedKey(tools, f"{NAME}:approval:{owner}", self._issue_approval)

    def price(self, code: str) -> Mapping[str, Any]:
        """The latest price of a stock with its day."""
        return self._get("inquire-price", "FHKST01010100", code)

    def order_book(self, code: str) -> Mapping[str, Any]:
        """The ten best levels of both sides."""
        return self._get("inquire-asking-price-exp-ccn", "FHKST01010200", code)

    def daily(self, code: str, start: date, end: date) -> Mapping[str, Any]:
        """At most a hundred daily bars, the newest of those asked for, as traded; and the name."""
        return self._get(
            "inquire-daily-itemchartprice",
            "FHKST03010100",
            code,
            FID_INPUT_DATE_1=f"{start:%Y%m%d}",
            FID_INPUT_DATE_2=f"{end:%Y%m%d}",
            FID_PERIOD_DIV_CODE="D",
            # 1 is raw here; of the older inquire-daily-price it is the adjusted one.
            FID_ORG_ADJ_PRC="1",
        )

    def token(self, *, refused: str | None = None) -> str:
        """The access token; another one than ``refused``."""
        return self._token.get(refused=refused)

    def approval_key(self, *, refused: str | None = None) -> str:
        """The key that opens the WebSocket; another one than ``refused``."""
        return self._approval.get(refused=refused)

    def _get(self, name: str, tr_id: str, code: str, **params: str) -> Mapping[str, Any]:
        token = self.token()
        try:
            return self._call(name, tr_id, code, params, token)
        except TokenRefused:
            token = self.token(refused=token)
        try:
            return self._call(name, tr_id, code, params, token)
        except TokenRefused as error:
            raise AuthFailed(error.message) from None

    def _call(
        self, name: str, tr_id: str, code: str, params: Mapping[str, str], token: str
    ) -> Mapping[str, Any]:
        reply = self._calls.get(
            f"{_QUOTATIONS}/{name}",
            {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": code, **params},
            {
                "content-type": "application/json; charset=utf-8",
                "authorization": f"Bearer {token}",
                "appkey": self._app_key,
                "appsecret": self._app_secret,
                "tr_id": tr_id,
                "tr_cont": "",
                "custtype": "P",
            },
        )
        return answers.market_data(reply, lambda text: self._calls.redact(text.replace(token, HIDDEN)))

    def _issue_token(self) -> Issued:
        reply = self._tokens.post(
            "/oauth2/tokenP",
            {
                "grant_type": "client_credentials",
                "appkey": self._app_key,
                "appsecret": self._app_secret,
            },
        )
        return answers.issued_token(reply, self._tokens.redact, self._now())

    def _issue_approval(self) -> Issued:
        reply = self._calls.post(
            "/oauth2/Approval",
            {
                "grant_type": "client_credentials",
                "appkey": self._app_key,
                # Here it is called otherwise than everywhere else.
                "secretkey": self._app_secret,
            },
        )
        return answers.issued_approval(reply, self._calls.redact)

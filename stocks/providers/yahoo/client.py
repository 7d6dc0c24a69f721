"""Calls to Yahoo's endpoints, each at the cost of one request once a crumb is there.

yfinance's ``YfData`` gets the cookie and the crumb, which quotes and summaries ask for; charts, searches and
time series do without, and so go on working while Yahoo hands out no crumbs. The rest of yfinance is left
aside: ``download()`` hides refusals, ``Ticker.history`` asks for a time zone first and answers in binary
floats, ``.info`` makes three calls, and searches and statements are kept for ever once asked. It would also
ask a second time for whatever Yahoo refuses with 4xx; here the session raises first.

Redirects are not needed: the host of the cookie sets it on its first reply, whatever the status, and the
crumb is a plain reply. Only the pages that ask Europeans for their consent redirect, and a program has none
to give: quotes and summaries then fail, and say why.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from curl_cffi.requests.exceptions import RequestException
from yfinance.data import YfData
from yfinance.exceptions import YFException, YFRateLimitError

from accounts.outbound.http import DEADLINE_SECONDS, BoundedSession, reason, retry_after
from stocks.providers.errors import RateLimited, Upstream
from stocks.providers.http import Budget, Param
from stocks.providers.yahoo.parse import replies

COOKIE_HOST = "fc.yahoo.com"
HOSTS = (COOKIE_HOST, "query1.finance.yahoo.com", "query2.finance.yahoo.com")
CRUMB_PATH = "/v1/test/getcrumb"
_QUERY1, _QUERY2 = "https://query1.finance.yahoo.com", "https://query2.finance.yahoo.com"
_LOCALE: dict[str, Param] = {"lang": "en-US", "region": "US"}

# At DEBUG it logs crumbs and addresses.
logging.getLogger("yfinance").setLevel(logging.WARNING)


class Crumbs(YfData):
    """yfinance's cookie and crumb for one session, which is where the cookie stays.

    yfinance keeps it in a file, which another process may have written long ago, and fetches it anew for
    every call where there is no such file.
    """

    def _load_cookie_curlCffi(self) -> bool:  # noqa: N802 (a name of yfinance)
        return False

    def _save_cookie_curlCffi(self) -> bool:  # noqa: N802 (a name of yfinance)
        self._cookie = True
        return True


class Session(BoundedSession):
    """A session that counts, bounds and judges every request, also those that yfinance makes by itself.

    Args:
        budget: asked before every request.
        base_url: asked in place of all of Yahoo's hosts; empty: they are.
    """

    def __init__(self, *, budget: Budget, base_url: str = "") -> None:
        super().__init__(before=self._address, impersonate="chrome")
        self._budget = budget
        self._base = base_url.rstrip("/")
        self._mine = threading.local()

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """All requests of this thread within it end after ``seconds`` in all."""
        self._mine.until = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._mine.until

    def request(self, method: Any, url: str, *arguments: Any, **options: Any) -> Any:
        left = getattr(self._mine, "until", time.monotonic() + DEADLINE_SECONDS) - time.monotonic()
        if left <= 0:
            raise Upstream("yahoo: no answer in time")
        options["timeout"] = left
        try:
            response = super().request(method, url, *arguments, **options)
        except RequestException as error:
            raise Upstream(f"yahoo: {reason(error)}") from None
        place = urlsplit(url)
        if place.hostname != COOKIE_HOST:
            wait = retry_after(response.headers.get("retry-after"), now=time.time())
            replies.refuse(response.status_code, response.content, wait)
            if place.path == CRUMB_PATH:
                replies.read_crumb(response.content)
        return response

    def _address(self, method: str, url: str) -> str:
        """Where a request goes; refuses hosts that are none of ours, and what the budget does not allow."""
        place = urlsplit(url)
        if place.scheme != "https" or place.hostname not in HOSTS:
            raise Upstream("yahoo: hands out no cookie without a page of consent, which is not answered")
        self._budget.take()
        if not self._base:
            return url
        return self._base + (place.path or "/") + (f"?{place.query}" if place.query else "")


class Client:
    """Yahoo's endpoints; each method returns decoded JSON and raises errors of the tree alone."""

    def __init__(self, *, budget: Budget, base_url: str = "", seconds: float = DEADLINE_SECONDS) -> None:
        self._session = Session(budget=budget, base_url=base_url)
        self._seconds = seconds
        self._renewing = threading.Lock()
        self._crumbs = self._fresh()

    def quotes(self, symbols: Sequence[str]) -> Any:
        """The latest prices of symbols; unknown ones are not in the reply."""
        url = f"{_QUERY1}/v7/finance/quote"
        return self._ask(url, {"symbols": ",".join(symbols), "formatted": "false", **_LOCALE}, crumb=True)

    def summary(self, symbol: str, modules: Sequence[str]) -> Any:
        """What Yahoo says about a company."""
        params = {"modules": ",".join(modules), "formatted": "false", "symbol": symbol, **_LOCALE}
        return self._ask(f"{_QUERY2}/v10/finance/quoteSummary/{quote(symbol, safe='')}", params, crumb=True)

    def chart(self, symbol: str, first: int, last: int) -> Any:
        """Daily rows and events between two times in seconds since 1970."""
        url = f"{_QUERY2}/v8/finance/chart/{quote(symbol, safe='')}"
        return self._ask(
            url,
            {
                "period1": first,
                "period2": last,
                "interval": "1d",
                "includePrePost": "false",
                "events": "div,splits",
            },
        )

    def series(self, symbol: str, types: Sequence[str], first: int, last: int) -> Any:
        """Figures of statements whose period ended between two times in seconds since 1970."""
        url = f"{_QUERY2}/ws/fundamentals-timeseries/v1/finance/timeseries/{quote(symbol, safe='')}"
        return self._ask(url, {"symbol": symbol, "type": ",".join(types), "period1": first, "period2": last})

    def search(self, text: str, *, quotes: int = 0, news: int = 0) -> Any:
        """At most so many stocks and so many articles that match a text."""
        return self._ask(
            f"{_QUERY2}/v1/finance/search",
            {
                "q": text,
                "quotesCount": quotes,
                "newsCount": news,
                "listsCount": 0,
                "enableFuzzyQuery": "false",
                **_LOCALE,
            },
        )

    def _ask(self, url: str, params: dict[str, Param], *, crumb: bool = False) -> Any:
        """One reply. A refused crumb is renewed once, also for what needs none as far as we know."""
        with self._session.deadline(self._seconds), _named_errors():
            used = self._crumbs
            try:
                get = used.get if crumb else self._session.get
                return replies.read(get(url, params=params).content)
            except replies.CrumbRefused:
                return replies.read(self._renewed(used).get(url, params=params).content)

    def _renewed(self, refused: Crumbs) -> Crumbs:
        """Others than ``refused``, which another thread may have got already."""
        with self._renewing:
            if self._crumbs is refused:
                self._session.cookies.clear()
                self._crumbs = self._fresh()
            return self._crumbs

    def _fresh(self) -> Crumbs:
        # Called past its metaclass, which would keep one object for the whole process.
        make: Callable[..., Crumbs] = type.__call__
        return make(Crumbs, session=self._session)


@contextmanager
def _named_errors() -> Iterator[None]:
    """What yfinance raises by itself, as an error of the tree without an address."""
    try:
        yield
    except YFRateLimitError:
        raise RateLimited("yahoo: too many requests") from None
    except (YFException, RequestException) as error:
        raise Upstream(f"yahoo: {type(error).__name__}") from None

"""Alpha Vantage as it documents itself: HTTP 200 whatever happens, every value a text."""

from __future__ import annotations

from pathlib import Path

from stocks.providers.json import loads
from stocks.tests.standin import Answer, Request, json_answer

KEY = "AVKEY0123456789X"
PAYLOADS = Path(__file__).parent / "payloads"
DOCUMENTATION = "https://www.alphavantage.co/documentation/"
PREMIUM_PLANS = "https://www.alphavantage.co/premium/"

#: Their sentences, and in which of their three keys each comes.
INVALID = {
    "Error Message": "Invalid API call. Please retry or visit the documentation "
    f"({DOCUMENTATION}) for TIME_SERIES_DAILY."
}
NO_KEY = {
    "Error Message": "the parameter apikey is invalid or missing. Please claim your free API key on "
    "(https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."
}
NO_FUNCTION = {"Error Message": "This API function (GLOBAL_QUOTES) does not exist."}
DAY = {
    "Information": f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests "
    f"per day. Please subscribe to any of the premium plans at {PREMIUM_PLANS} to instantly remove all daily "
    "rate limits."
}
BURST = {
    "Information": "Thank you for using Alpha Vantage! Please consider spreading out your free API requests "
    "more sparingly (1 request per second). You may subscribe to any of the premium plans at "
    f"{PREMIUM_PLANS} to lift the free key rate limit (25 requests per day), raise the per-second burst "
    "limit, and instantly unlock all premium endpoints."
}
PREMIUM = {
    "Information": "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any "
    f"of the premium plans at {PREMIUM_PLANS} to instantly unlock all premium endpoints"
}
FULL = {
    "Information": "Thank you for using Alpha Vantage! The outputsize=full parameter value is a premium "
    f"feature for the TIME_SERIES_DAILY endpoint. You may subscribe to a premium plan at {PREMIUM_PLANS}"
}
DEMO = {
    "Information": "The **demo** API key is for demo purposes only. Please claim your free API key at "
    "(https://www.alphavantage.co/support/#api-key) to explore our full API offerings."
}
NOTE = {
    "Note": "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and "
    f"500 calls per day. Please visit {PREMIUM_PLANS} if you would like to target a higher API call "
    "frequency."
}
NO_ARTICLES = {
    "Information": "No articles found. Please adjust the time range or refer to the API documentation "
    f"{DOCUMENTATION}#newsapi and try again."
}
INVALID_INPUTS = {
    "Information": "Invalid inputs. Please refer to the API documentation "
    f"{DOCUMENTATION}#newsapi and try again."
}

#: What each function says of a name that it does not know.
_UNKNOWN = {
    "GLOBAL_QUOTE": {"Global Quote": {}},
    "TIME_SERIES_DAILY": INVALID,
    "SPLITS": {},
    "DIVIDENDS": {},
    "OVERVIEW": {},
    "INCOME_STATEMENT": {},
    "BALANCE_SHEET": {},
    "CASH_FLOW": {},
    "SYMBOL_SEARCH": {"bestMatches": []},
    "NEWS_SENTIMENT": INVALID_INPUTS,
    "CURRENCY_EXCHANGE_RATE": INVALID,
    "FX_DAILY": INVALID,
}
_NAMES = ("symbol", "keywords", "tickers", "from_currency", "from_symbol", "to_currency", "to_symbol")


def answer(request: Request) -> Answer:
    """What they answer to a request."""
    function = request.query.get("function", "")
    if request.path != "/query" or function not in _UNKNOWN:
        return json_answer(NO_FUNCTION)
    if request.query.get("apikey") != KEY:
        return json_answer(NO_KEY)
    if request.query.get("outputsize") == "full":
        return json_answer(FULL)
    names = [request.query[name] for name in _NAMES if name in request.query]
    path = PAYLOADS / f"{'.'.join([function, *names])}.json"
    if not path.exists():
        return json_answer(_UNKNOWN[function])
    return Answer(path.read_bytes(), headers={"Content-Type": "application/json"})


def payload(name: str) -> dict:
    """A recorded answer, decoded as the adapter decodes it."""
    return loads((PAYLOADS / f"{name}.json").read_bytes())

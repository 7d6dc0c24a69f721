"""Replies of companies, news, exchange rates and coins that the API document shows."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

_ORIGIN = {
    "source": "sandbox",
    "as_of": "2025-11-12T21:00:00.000Z",
    "received_at": "2025-11-12T21:00:01.250Z",
    "delay_s": 1.25,
    "stale": False,
}
COMPANY = OpenApiExample(
    "A company",
    response_only=True,
    value={
        "symbol": "AAPL",
        "name": "Apple Inc.",
        "market": "NASDAQ",
        "currency": "USD",
        "sector": "Technology",
        "industry": "Consumer Electronics",
        "country": "US",
        "isin": None,
        "listed_on": None,
        "shares_outstanding": 15115823000,
        "market_cap": 2071925858610,
        "employees": 143083,
        "website": "https://sandbox.invalid/companies/AAPL",
        "logo": None,
        "description": "In the sandbox market its prices and figures are invented.",
        **_ORIGIN,
    },
)
NEWS = OpenApiExample(
    "One article",
    response_only=True,
    value={
        "symbol": "AAPL",
        "news": [
            {
                "id": 4711,
                "title": "[Invented] Apple Inc. moves its make-believe headquarters",
                "summary": "This article belongs to the sandbox market. Nothing in it has happened.",
                "url": "https://sandbox.invalid/news/AAPL/2025-11-0",
                "image": None,
                "publisher": "Sandbox Wire",
                "published_at": "2025-11-12T21:00:00.000Z",
                "symbols": ["AAPL"],
                **_ORIGIN,
            }
        ],
        "next_cursor": "MTc2Mjk4MTIwMDAwMDAwMC40NzEx",
        "refreshed_at": "2025-11-12T21:00:01.250Z",
        "stale": False,
    },
)
FOREX = OpenApiExample(
    "One given, one worked out, one unknown",
    response_only=True,
    value={
        "base": "EUR",
        "date": None,
        "rates": {
            "USD": {"rate": 1.06037158, "derived": False, **_ORIGIN},
            "KRW": {"rate": 1471.68, "derived": True, **_ORIGIN},
            "VUV": {
                "rate": None,
                "derived": False,
                "source": None,
                "as_of": None,
                "received_at": None,
                "delay_s": None,
                "stale": False,
            },
        },
        "warnings": ["No rate of EUR in VUV is known."],
    },
)
CRYPTO = OpenApiExample(
    "A coin",
    response_only=True,
    value={
        "symbol": "BTC",
        "currency": "USD",
        "price": 62951.69,
        "open": 62824.5,
        "high": 63211.04,
        "low": 62586.36,
        "previous_close": 62824.5,
        "change": 127.19,
        "change_pct": 0.2025,
        "volume": 852602.645,
        **_ORIGIN,
    },
)

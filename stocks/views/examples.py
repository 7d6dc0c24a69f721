"""Replies that the API document shows."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

STOCKS = OpenApiExample(
    "A page",
    response_only=True,
    value={
        "stocks": [
            {
                "code": "005930",
                "name": "삼성전자",
                "market": "KOSPI",
                "sector": "Technology",
                "industry": "Semiconductors",
            }
        ],
        "meta": {"page": 1, "per_page": 50, "total": 2400, "pages": 48},
    },
)
PRICED_STOCKS = OpenApiExample(
    "A stock",
    response_only=True,
    value={
        "symbol": "AAPL",
        "company_name": "Apple Inc.",
        "current_price": 255.7,
        "previous_close": {"Float64": 256.08, "Valid": True},
        "updated_at": "2025-09-23T16:35:36.564Z",
    },
)
STOCK = OpenApiExample(
    "A stock",
    response_only=True,
    value={
        "code": "005930",
        "name": "삼성전자",
        "market": "KOSPI",
        "segment": None,
        "kind": "equity",
        "sector": "Technology",
        "industry": "Semiconductors",
        "currency": "KRW",
        "isin": "KR7005930003",
        "listed_on": "1975-06-11",
        "shares_outstanding": 5969782550,
        "is_active": True,
        "source": "sandbox",
        "latest_price": {
            "close_price": 71000,
            "change_pct": 1.4286,
            "volume": 15234567,
            "market_cap": 423854561050000,
            "trade_date": "2024-11-08",
        },
        "indicators": {
            "per": 15.2,
            "pbr": 1.4,
            "roe": 12.5,
            "dividend_yield": 2.8,
            "quality_score": 85,
            "value_score": 72,
            "growth_score": 65,
        },
        "quote": {
            "price": 71100,
            "previous_close": 71000,
            "open": 71000,
            "high": 71300,
            "low": 70900,
            "volume": 1204511,
            "change": 100,
            "change_pct": 0.1408,
            "as_of": "2024-11-11T00:41:07.120Z",
            "received_at": "2024-11-11T00:41:07.180Z",
            "source": "sandbox",
            "delay_s": 0.06,
            "stale": False,
            "price_basis": "quote",
        },
    },
)
HISTORY = OpenApiExample(
    "Daily bars",
    response_only=True,
    media_type="application/json",
    value={
        "stock_code": "005930",
        "interval": "daily",
        "adjust": "split",
        "currency": "KRW",
        "source": "sandbox",
        "from_date": "2024-11-08",
        "to_date": "2024-11-08",
        "prices": [
            {
                "trade_date": "2024-11-08",
                "open": 70000,
                "high": 72000,
                "low": 69500,
                "close": 71000,
                "volume": 15234567,
            }
        ],
        "warnings": [],
    },
)
INTRADAY = OpenApiExample(
    "Bars of 5 minutes",
    response_only=True,
    media_type="application/json",
    value={
        "stock_code": "005930",
        "interval": "5m",
        "adjust": "split",
        "currency": "KRW",
        "source": "sandbox",
        "from_date": "2024-11-08",
        "to_date": "2024-11-08",
        "prices": [
            {
                "start": "2024-11-08T00:00:00.000Z",
                "open": 70000,
                "high": 70300,
                "low": 69900,
                "close": 70200,
                "volume": 412300,
            }
        ],
        "warnings": [],
    },
)
FINANCIALS = OpenApiExample(
    "A quarter",
    response_only=True,
    value={
        "stock_code": "005930",
        "period_type": "quarterly",
        "financials": [
            {
                "fiscal_year": 2024,
                "fiscal_quarter": 3,
                "report_date": "2024-10-31",
                "period_end": "2024-09-30",
                "currency": "KRW",
                "revenue": 67400000000000,
                "cost_of_revenue": None,
                "gross_profit": None,
                "sga_expense": None,
                "rnd_expense": None,
                "depreciation_amortization": None,
                "operating_profit": 12520000000000,
                "ebit": None,
                "interest_expense": None,
                "pretax_profit": None,
                "income_tax": None,
                "net_profit": 9180000000000,
                "total_assets": None,
                "current_assets": None,
                "cash": None,
                "short_term_investments": None,
                "receivables": None,
                "inventory": None,
                "ppe": None,
                "goodwill": None,
                "intangible_assets": None,
                "total_liabilities": None,
                "current_liabilities": None,
                "payables": None,
                "short_term_debt": None,
                "long_term_debt": None,
                "total_debt": None,
                "total_equity": 386281000000000,
                "retained_earnings": None,
                "preferred_equity": None,
                "minority_interest": None,
                "operating_cash_flow": None,
                "investing_cash_flow": None,
                "financing_cash_flow": None,
                "capital_expenditure": None,
                "dividends_paid": None,
                "share_repurchases": None,
                "share_issuance": None,
                "eps": 6250,
                "shares_outstanding": 5969782550,
                "roe": 12.5,
                "source": "sandbox",
            }
        ],
    },
)
QUOTE = OpenApiExample(
    "A price",
    response_only=True,
    value={
        "symbol": "AAPL",
        "c": 245.5,
        "d": 7.62,
        "dp": 3.2033,
        "h": 246.3,
        "l": 240.2106,
        "o": 241.225,
        "pc": 237.88,
        "t": 1758312000,
        "currency": "USD",
        "source": "sandbox",
        "as_of": "2025-09-19T20:00:00.000Z",
        "received_at": "2025-09-19T20:00:00.040Z",
        "delay_s": 0.04,
        "stale": False,
        "price_basis": "quote",
        "fallback": False,
    },
)
_SESSION = {
    "last_refreshed": "2022-07-29",
    "close_value": "130.7900",
    "open_value": "129.5200",
    "high_value": "131.0000",
    "low_value": "129.3100",
    "variation_between_last_two_days": 1.57,
}
SYMBOL = OpenApiExample("The last session", response_only=True, value=_SESSION)
SYMBOLS = OpenApiExample(
    "One found, one not",
    response_only=True,
    value={
        "symbols": {"IBM": _SESSION},
        "errors": {"XXX": {"error": "STOCK_NOT_FOUND", "message": "No stock has the code 'XXX'."}},
    },
)
_ROW = {
    "code": "005930",
    "name": "삼성전자",
    "sector": "Technology",
    "currency": "KRW",
    "price": 71000,
    "previous_close": 70000,
    "change": 1000,
    "change_pct": 1.4286,
    "volume": 15234567,
    "traded_value": 1081654257000,
    "as_of": "2024-11-08T06:30:00.000Z",
    "received_at": None,
    "source": "sandbox",
    "stale": False,
    "price_basis": "close",
}
OVERVIEW = OpenApiExample(
    "One market",
    response_only=True,
    value={
        "sandbox": True,
        "markets": [
            {
                "market": "KOSPI",
                "name": "KRX KOSPI Market",
                "currency": "KRW",
                "session": "2024-11-08",
                "previous_session": "2024-11-07",
                "running": False,
                "stale": False,
                "as_of": "2024-11-08T06:30:00.000Z",
                "computed_at": "2024-11-08T09:00:00.000Z",
                "sources": ["sandbox"],
                "closes": 790,
                "quotes": 0,
                "breadth": {
                    "advances": 552,
                    "declines": 209,
                    "unchanged": 27,
                    "halted": 2,
                    "unknown": 0,
                    "missing": 0,
                    "stocks": 790,
                    "lagging": 0,
                    "new_highs_52w": 18,
                    "new_lows_52w": 20,
                    "ranged": 786,
                },
                "volume": 15234567,
                "traded_value": 1081654257000,
                "movers": {"up": [_ROW], "down": []},
                "most_active": {"volume": [_ROW], "traded_value": [_ROW]},
                "sectors": [
                    {
                        "sector": "Technology",
                        "stocks": 94,
                        "advances": 80,
                        "declines": 12,
                        "average_change_pct": 1.7435,
                        "weighted_change_pct": 1.1327,
                        "weighted_stocks": 94,
                        "traded_value": 1540504114935,
                    }
                ],
                "warnings": [],
            }
        ],
    },
)
_SESSION_HOURS = {
    "date": "2024-11-29",
    "weekday": "Friday",
    "opens": "2024-11-29T14:30:00.000Z",
    "closes": "2024-11-29T18:00:00.000Z",
    "pause_begins": None,
    "pause_ends": None,
    "late_open": False,
    "early_close": True,
}
MARKET_STATUS = OpenApiExample(
    "After an early close",
    response_only=True,
    value={
        "now": "2024-11-29T19:00:00.000Z",
        "sandbox": False,
        "markets": [
            {
                "market": "NYSE",
                "name": "New York Stock Exchange",
                "mic": "XNYS",
                "country": "US",
                "timezone": "America/New_York",
                "local_time": "2024-11-29T14:00:00-05:00",
                "state": "closed",
                "reason": "early_close",
                "session": _SESSION_HOURS,
                "next_open": "2024-12-02T14:30:00.000Z",
                "next_close": "2024-12-02T21:00:00.000Z",
                "quote": {
                    "as_of": "2024-11-29T18:00:00.000Z",
                    "received_at": "2024-11-29T18:00:00.250Z",
                    "source": "finnhub",
                    "delay_s": 0.25,
                    "age_s": 3600,
                    "stale": False,
                },
            }
        ],
        "notes": [],
    },
)
CALENDAR = OpenApiExample(
    "Thanksgiving",
    response_only=True,
    value={
        "market": "NYSE",
        "name": "New York Stock Exchange",
        "timezone": "America/New_York",
        "calendar": "XNYS",
        "from_date": "2024-11-28",
        "to_date": "2024-11-29",
        "known_from": "2006-11-27",
        "known_to": "2027-11-26",
        "complete": True,
        "sessions": [_SESSION_HOURS],
        "holidays": [{"date": "2024-11-28", "weekday": "Thursday"}],
        "warnings": [],
    },
)
ACTIONS = OpenApiExample(
    "A split",
    response_only=True,
    value={
        "stock_code": "AAPL",
        "actions": [
            {
                "kind": "split",
                "ex_date": "2020-08-31",
                "ratio": 4,
                "amount": None,
                "currency": None,
                "effective": True,
                "of_company": True,
                "meaning": "Each share became `ratio` shares.",
                "source": "yahoo",
            }
        ],
    },
)
ORDER_BOOK = OpenApiExample(
    "One level a side",
    response_only=True,
    value={
        "stock_code": "005930",
        "currency": "KRW",
        "asks": [{"price": 71100, "volume": 1200, "total": 1200}],
        "bids": [{"price": 71000, "volume": 1800, "total": 1800}],
        "total_ask_volume": 1200,
        "total_bid_volume": 1800,
        "spread": 100,
        "spread_pct": 0.1408,
        "mid": 71050,
        "imbalance": 0.2,
        "as_of": "2024-11-08T03:00:00.000Z",
        "received_at": "2024-11-08T03:00:00.120Z",
        "source": "kis",
        "delay_s": 0.12,
        "stale": False,
        "origin": "stream",
    },
)
SERIES = OpenApiExample(
    "rsi(14),sma(20)",
    response_only=True,
    value={
        "code": "005930",
        "currency": "KRW",
        "dates": ["2024-11-07", "2024-11-08"],
        "series": {"rsi(14)": [48.21, 55.07], "sma(20)": [None, 70150]},
    },
)

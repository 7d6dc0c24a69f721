"""Requests and replies that the API document shows."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

EXAMPLES = [
    OpenApiExample(
        "Cheap and profitable",
        request_only=True,
        value={
            "market": "KOSPI",
            "filters": {
                "per": {"min": 0, "max": 15},
                "pbr": {"min": 0, "max": 1.5},
                "roe": {"min": 10},
                "dividend_yield": {"min": 3},
                "quality_score": {"min": 70},
            },
            "sort_by": "market_cap",
            "order": "desc",
            "page": 1,
            "per_page": 50,
        },
    ),
    OpenApiExample(
        "Fell by 5 % or more today",
        request_only=True,
        value={"filters": {"change_1d": {"max": -5}}, "sort_by": "change_1d", "order": "asc"},
    ),
    OpenApiExample(
        "A page of stocks",
        response_only=True,
        value={
            "stocks": [
                {
                    "code": "005930",
                    "name": "삼성전자",
                    "market": "KOSPI",
                    "currency": "KRW",
                    "trade_date": "2024-11-08",
                    "close_price": 71000,
                    "per": 15.2,
                    "pbr": 1.4,
                    "roe": 12.5,
                    "dividend_yield": 2.8,
                    "quality_score": 85,
                    "market_cap": 423854561050000,
                }
            ],
            "meta": {
                "page": 1,
                "per_page": 50,
                "total": 123,
                "pages": 3,
                "query_time_ms": 6,
                "warnings": [],
            },
        },
    ),
]

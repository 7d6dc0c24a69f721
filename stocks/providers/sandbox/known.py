"""Stocks that people look for first, under their own names. Their prices and figures are invented."""

from __future__ import annotations

from dataclasses import dataclass

TECH, FINANCE, HEALTH = "Technology", "Financial Services", "Healthcare"
CYCLICAL, DEFENSIVE, INDUSTRIAL = "Consumer Cyclical", "Consumer Defensive", "Industrials"
MATERIALS, ENERGY, UTILITIES = "Basic Materials", "Energy", "Utilities"
COMMUNICATION, ESTATE = "Communication Services", "Real Estate"


@dataclass(frozen=True, slots=True)
class Known:
    """``price`` is the middle of its invented walk, in the currency's major unit."""

    code: str
    name: str
    market: str
    sector: str
    industry: str
    price: int
    shares: int


@dataclass(frozen=True, slots=True)
class KnownIndex:
    code: str
    name: str
    market: str
    level: int


STOCKS = (
    Known("005930", "삼성전자", "KOSPI", TECH, "Semiconductors", 71_000, 5_919_637_922),
    Known("000660", "SK하이닉스", "KOSPI", TECH, "Semiconductors", 182_000, 728_002_365),
    Known("373220", "LG에너지솔루션", "KOSPI", INDUSTRIAL, "Electrical Equipment", 380_000, 234_000_000),
    Known("207940", "삼성바이오로직스", "KOSPI", HEALTH, "Biotechnology", 980_000, 71_174_000),
    Known("005380", "현대차", "KOSPI", CYCLICAL, "Auto Manufacturers", 230_000, 209_416_191),
    Known("000270", "기아", "KOSPI", CYCLICAL, "Auto Manufacturers", 100_000, 397_672_632),
    Known("068270", "셀트리온", "KOSPI", HEALTH, "Drug Manufacturers", 180_000, 217_000_000),
    Known("035420", "NAVER", "KOSPI", COMMUNICATION, "Internet Content", 190_000, 158_437_008),
    Known("035720", "카카오", "KOSPI", COMMUNICATION, "Internet Content", 42_000, 443_000_000),
    Known("005490", "POSCO홀딩스", "KOSPI", MATERIALS, "Steel", 350_000, 82_624_377),
    Known("051910", "LG화학", "KOSPI", MATERIALS, "Chemicals", 320_000, 70_592_343),
    Known("006400", "삼성SDI", "KOSPI", INDUSTRIAL, "Electrical Equipment", 330_000, 68_764_530),
    Known("105560", "KB금융", "KOSPI", FINANCE, "Banks", 85_000, 393_528_423),
    Known("055550", "신한지주", "KOSPI", FINANCE, "Banks", 52_000, 503_445_843),
    Known("012330", "현대모비스", "KOSPI", CYCLICAL, "Auto Parts", 240_000, 93_000_000),
    Known("066570", "LG전자", "KOSPI", TECH, "Consumer Electronics", 95_000, 163_647_814),
    Known("028260", "삼성물산", "KOSPI", INDUSTRIAL, "Conglomerates", 130_000, 178_000_000),
    Known("017670", "SK텔레콤", "KOSPI", COMMUNICATION, "Telecom Services", 55_000, 214_790_053),
    Known("015760", "한국전력", "KOSPI", UTILITIES, "Electric Utilities", 22_000, 641_964_077),
    Known("033780", "KT&G", "KOSPI", DEFENSIVE, "Tobacco", 105_000, 124_600_000),
    Known("247540", "에코프로비엠", "KOSDAQ", INDUSTRIAL, "Electrical Equipment", 170_000, 97_801_344),
    Known("086520", "에코프로", "KOSDAQ", INDUSTRIAL, "Electrical Equipment", 85_000, 133_138_340),
    Known("196170", "알테오젠", "KOSDAQ", HEALTH, "Biotechnology", 300_000, 53_317_000),
    Known("028300", "HLB", "KOSDAQ", HEALTH, "Biotechnology", 70_000, 131_300_000),
    Known("263750", "펄어비스", "KOSDAQ", COMMUNICATION, "Games", 38_000, 64_247_855),
    Known("293490", "카카오게임즈", "KOSDAQ", COMMUNICATION, "Games", 17_000, 82_600_000),
    Known("AAPL", "Apple Inc.", "NASDAQ", TECH, "Consumer Electronics", 230, 15_115_823_000),
    Known("MSFT", "Microsoft Corporation", "NASDAQ", TECH, "Software", 430, 7_433_000_000),
    Known("NVDA", "NVIDIA Corporation", "NASDAQ", TECH, "Semiconductors", 135, 24_530_000_000),
    Known("GOOGL", "Alphabet Inc.", "NASDAQ", COMMUNICATION, "Internet Content", 175, 12_240_000_000),
    Known("AMZN", "Amazon.com, Inc.", "NASDAQ", CYCLICAL, "Internet Retail", 200, 10_510_000_000),
    Known("META", "Meta Platforms, Inc.", "NASDAQ", COMMUNICATION, "Internet Content", 560, 2_530_000_000),
    Known("TSLA", "Tesla, Inc.", "NASDAQ", CYCLICAL, "Auto Manufacturers", 250, 3_210_000_000),
    Known("AVGO", "Broadcom Inc.", "NASDAQ", TECH, "Semiconductors", 175, 4_680_000_000),
    Known("COST", "Costco Wholesale Corporation", "NASDAQ", DEFENSIVE, "Discount Stores", 900, 443_700_000),
    Known("NFLX", "Netflix, Inc.", "NASDAQ", COMMUNICATION, "Entertainment", 740, 427_700_000),
    Known("AMD", "Advanced Micro Devices, Inc.", "NASDAQ", TECH, "Semiconductors", 140, 1_623_000_000),
    Known("INTC", "Intel Corporation", "NASDAQ", TECH, "Semiconductors", 24, 4_313_000_000),
    Known(
        "IBM", "International Business Machines Corporation", "NYSE", TECH, "IT Services", 215, 924_600_000
    ),
    Known("JPM", "JPMorgan Chase & Co.", "NYSE", FINANCE, "Banks", 235, 2_815_000_000),
    Known("BAC", "Bank of America Corporation", "NYSE", FINANCE, "Banks", 44, 7_670_000_000),
    Known("V", "Visa Inc.", "NYSE", FINANCE, "Credit Services", 300, 1_950_000_000),
    Known("JNJ", "Johnson & Johnson", "NYSE", HEALTH, "Drug Manufacturers", 158, 2_407_000_000),
    Known("PFE", "Pfizer Inc.", "NYSE", HEALTH, "Drug Manufacturers", 27, 5_667_000_000),
    Known("WMT", "Walmart Inc.", "NYSE", DEFENSIVE, "Discount Stores", 85, 8_038_000_000),
    Known("KO", "The Coca-Cola Company", "NYSE", DEFENSIVE, "Beverages", 64, 4_308_000_000),
    Known("PG", "The Procter & Gamble Company", "NYSE", DEFENSIVE, "Household Products", 168, 2_355_000_000),
    Known("DIS", "The Walt Disney Company", "NYSE", COMMUNICATION, "Entertainment", 105, 1_811_000_000),
    Known("XOM", "Exxon Mobil Corporation", "NYSE", ENERGY, "Oil & Gas", 118, 4_395_000_000),
    Known("RELIANCE.NS", "Reliance Industries Limited", "NSE", ENERGY, "Oil & Gas", 1_300, 13_532_000_000),
    Known("TCS.NS", "Tata Consultancy Services Limited", "NSE", TECH, "IT Services", 3_060, 3_618_000_000),
    Known("HDFCBANK.NS", "HDFC Bank Limited", "NSE", FINANCE, "Banks", 960, 15_300_000_000),
    Known("INFY.NS", "Infosys Limited", "NSE", TECH, "IT Services", 1_500, 4_154_000_000),
    Known("ICICIBANK.NS", "ICICI Bank Limited", "NSE", FINANCE, "Banks", 1_380, 7_130_000_000),
    Known(
        "HINDUNILVR.NS",
        "Hindustan Unilever Limited",
        "NSE",
        DEFENSIVE,
        "Household Products",
        2_500,
        2_350_000_000,
    ),
    Known("ITC.NS", "ITC Limited", "NSE", DEFENSIVE, "Tobacco", 410, 12_520_000_000),
    Known("SBIN.NS", "State Bank of India", "NSE", FINANCE, "Banks", 850, 8_925_000_000),
    Known(
        "BHARTIARTL.NS",
        "Bharti Airtel Limited",
        "NSE",
        COMMUNICATION,
        "Telecom Services",
        1_900,
        5_990_000_000,
    ),
    Known(
        "LT.NS",
        "Larsen & Toubro Limited",
        "NSE",
        INDUSTRIAL,
        "Engineering & Construction",
        3_600,
        1_375_000_000,
    ),
    Known(
        "SUNPHARMA.NS",
        "Sun Pharmaceutical Industries Limited",
        "NSE",
        HEALTH,
        "Drug Manufacturers",
        1_630,
        2_399_000_000,
    ),
)

INDICES = (
    KnownIndex("^KS11", "KOSPI Composite Index", "KOSPI", 2_700),
    KnownIndex("^KQ11", "KOSDAQ Composite Index", "KOSDAQ", 820),
    KnownIndex("^IXIC", "NASDAQ Composite", "NASDAQ", 18_500),
    KnownIndex("^NSEI", "NIFTY 50", "NSE", 25_100),
)

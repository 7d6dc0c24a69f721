"""Invented companies: names that say so, and codes that no exchange gives out.

Korea gives no share a code that begins with 8, and the tickers of the others end in a pair of letters that
keeps them apart from listed ones.
"""

from __future__ import annotations

from stocks.providers.sandbox import known

#: Sectors with their industries, each with the words that end a company's name in English and in Korean.
INDUSTRIES: tuple[tuple[str, str, str, str], ...] = (
    (known.TECH, "Semiconductors", "Semiconductors", "반도체"),
    (known.TECH, "Software", "Software", "소프트"),
    (known.TECH, "Electronic Components", "Components", "전자"),
    (known.TECH, "IT Services", "Systems", "시스템즈"),
    (known.FINANCE, "Banks", "Bancorp", "은행"),
    (known.FINANCE, "Insurance", "Insurance", "보험"),
    (known.FINANCE, "Capital Markets", "Capital", "증권"),
    (known.HEALTH, "Drug Manufacturers", "Pharma", "제약"),
    (known.HEALTH, "Biotechnology", "Biosciences", "바이오"),
    (known.HEALTH, "Medical Devices", "Medical", "메디칼"),
    (known.CYCLICAL, "Auto Parts", "Motive", "오토텍"),
    (known.CYCLICAL, "Apparel", "Apparel", "패션"),
    (known.CYCLICAL, "Leisure", "Leisure", "리조트"),
    (known.DEFENSIVE, "Packaged Foods", "Foods", "식품"),
    (known.DEFENSIVE, "Household Products", "Home Products", "생활건강"),
    (known.INDUSTRIAL, "Machinery", "Machinery", "기계"),
    (known.INDUSTRIAL, "Electrical Equipment", "Electric", "일렉트릭"),
    (known.INDUSTRIAL, "Engineering & Construction", "Engineering", "건설"),
    (known.INDUSTRIAL, "Shipping", "Shipping", "해운"),
    (known.MATERIALS, "Chemicals", "Chemicals", "화학"),
    (known.MATERIALS, "Steel", "Steel", "철강"),
    (known.ENERGY, "Oil & Gas", "Energy", "에너지"),
    (known.UTILITIES, "Electric Utilities", "Power", "전력"),
    (known.COMMUNICATION, "Telecom Services", "Telecom", "통신"),
    (known.COMMUNICATION, "Games", "Games", "게임즈"),
    (known.ESTATE, "Real Estate Services", "Estates", "리츠"),
)

_ENGLISH = """
    Alder Bram Calde Dorn Elden Farro Galen Hart Ister Jorva Kesler Lund Marrow Nether Orrin Pellan Quill
    Rowan Selwy Thorn Ulver Vanter Wilder Yarrow Zephyr Brindle Cobal Drift Ember Fenwi
    Glimmer Hollow Inver Juniper Kindle Larch
"""
#: No two begin with the same two letters, nor two heads with the same three: tickers are made of them.
_ENGLISH_ENDS = """
    moor vale holt mere field gate wick stead ridge haven brook crest dale fell ford hurst mark nook peak quay
    rock shore thorpe ward wood yard land cliff leigh
"""
_HANGUL = """
    가람 나리 다올 라솔 마루 보담 새론 아람 자올 차미 타래 파랑 하늬 고운 노을 도담 루미 모아 봄내 소담
    오름 조은 초롱 토리 푸름 한별 갈매 누리 달내 미리 별솔 산들 온새 지음 참빛 큰솔 해늘 예솔 여울 은가
"""
_HANGUL_ENDS = """
    결 울 찬 터 람 빈 솔 담 온 휘 별 든 맥 새 준 나 벌 훈 연 길 수 랑 엘 원 진 한 호 림 뫼 샘 란 강 지 문
    우 탄 보 율 성 비 라 예 인 휴 명 온누 미르
"""
_HEADS, _TAILS = _ENGLISH.split(), _ENGLISH_ENDS.split()
_KOREAN_HEADS, _KOREAN_TAILS = _HANGUL.split(), _HANGUL_ENDS.split()
_ENDINGS = {"NASDAQ": "ZQ", "NYSE": "ZY", "NSE": "ZX"}
_FIRST_KOREAN_CODE = {"KOSPI": 800_010, "KOSDAQ": 850_010}


def korean(market: str, number: int, ending: str) -> tuple[str, str]:
    """Code and name of the invented company ``number`` (from 0) of KOSPI or KOSDAQ."""
    # The two markets walk through the same pairs from different ends, so that no name comes twice.
    pairs = len(_KOREAN_HEADS) * len(_KOREAN_TAILS)
    at = number if market == "KOSPI" else pairs - 1 - number
    head, tail = _KOREAN_HEADS[at % len(_KOREAN_HEADS)], _KOREAN_TAILS[at // len(_KOREAN_HEADS)]
    return str(_FIRST_KOREAN_CODE[market] + 10 * number), f"{head}{tail}{ending} (가상)"


def western(market: str, number: int, ending: str) -> tuple[str, str]:
    """Code and name of the invented company ``number`` (from 0) of NASDAQ, NYSE or NSE."""
    offset = {"NASDAQ": 0, "NYSE": 430, "NSE": 720}[market]
    at = number + offset
    head, tail = _HEADS[at % len(_HEADS)], _TAILS[at // len(_HEADS)]
    ticker = f"{head[:3]}{tail[:2]}{_ENDINGS[market]}".upper()
    return f"{ticker}.NS" if market == "NSE" else ticker, f"{head}{tail} {ending} (fictional)"

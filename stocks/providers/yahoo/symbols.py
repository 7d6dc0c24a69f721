"""Our codes in Yahoo's spelling and back.

Korean codes carry the suffix of their board (``005930.KS``), share classes a hyphen (``BRK-B`` for
``BRK.B``); codes of the NSE (``TCS.NS``) and indices (``^NSEI``) are spelled alike by both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stocks.types import StockKey

_SUFFIXES = {"KOSPI": ".KS", "KOSDAQ": ".KQ"}
_UNITED_STATES = ("NASDAQ", "NYSE", "US")
_KOREAN = re.compile(r"[0-9][0-9A-Z]{5}")
_SPELLED = re.compile(r"\^?[A-Z0-9][A-Z0-9.&-]{0,30}")


class Place(NamedTuple):
    """One of our markets, and the currency of its prices."""

    market: str
    currency: str


_KOSPI, _KOSDAQ, _NSE = Place("KOSPI", "KRW"), Place("KOSDAQ", "KRW"), Place("NSE", "INR")
_NASDAQ, _NYSE, _US = Place("NASDAQ", "USD"), Place("NYSE", "USD"), Place("US", "USD")

#: Yahoo's exchange codes. American indices have no venue, and neither have listings on Cboe that we know.
PLACES = {
    **dict.fromkeys(("NMS", "NGM", "NCM", "NAS"), _NASDAQ),
    **dict.fromkeys(("NYQ", "NYS", "ASE", "PCX"), _NYSE),
    **dict.fromkeys(("BTS", "SNP", "DJI", "NIM"), _US),
    "KSC": _KOSPI,
    "KOE": _KOSDAQ,
    "NSI": _NSE,
}


def spellings(key: StockKey) -> tuple[str, ...]:
    """Yahoo's symbols for a stock, the likeliest first; none where it certainly has none."""
    code = key.code
    if not _SPELLED.fullmatch(code):
        return ()
    if code.startswith("^"):
        return (code,)
    if suffix := _SUFFIXES.get(key.market):
        return (code + suffix,) if _KOREAN.fullmatch(code) else ()
    if key.market == "NSE":
        return (code,) if code.endswith(".NS") else (code + ".NS",)
    if key.market in _UNITED_STATES:
        return (code.replace(".", "-"),)
    if key.market:
        return ()
    if _KOREAN.fullmatch(code):
        return (code + ".KS", code + ".KQ")
    return (code,) if code.endswith(".NS") else (code.replace(".", "-"),)


def code(symbol: str) -> str | None:
    """Our code of a symbol, None where it belongs to no market of ours; coins and currencies do not."""
    stem, dot, suffix = symbol.partition(".")
    if symbol.startswith("^"):
        return symbol
    if dot and suffix in ("KS", "KQ"):
        return stem if _KOREAN.fullmatch(stem) else None
    if dot and suffix == "NS":
        return symbol
    if dot or "=" in symbol or symbol.endswith(("-USD", "-EUR", "-KRW")) or not _SPELLED.fullmatch(symbol):
        return None
    return symbol.replace("-", ".")


def currency_pair(base: str, quote: str) -> tuple[str, ...]:
    """The symbol of an exchange rate; those of the dollar have a second, shorter one in replies."""
    symbol = f"{base}{quote}=X"
    return (symbol, f"{quote}=X") if base == "USD" else (symbol,)


def coin(symbol: str, currency: str) -> str:
    """The symbol of a coin's price."""
    return f"{symbol}-{currency}"

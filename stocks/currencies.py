"""The currencies that amounts may be in, by their ISO 4217 codes."""

from __future__ import annotations

from typing import Final

#: Those of our markets and the ones that are traded most: asked of providers all at once.
MAJOR: Final = (
    *("USD", "EUR", "JPY", "GBP", "CNY", "KRW", "INR", "CHF"),
    *("CAD", "AUD", "HKD", "SGD", "TWD", "SEK", "NZD"),
)

# Money that people pay with; no metals, funds or test codes. BGN was legal tender until the end of 2025.
_CODES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
    LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK
    PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
    TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CODES: Final = frozenset(_CODES.split())


def is_currency(code: str) -> bool:
    """Whether ``code``, in capitals, names a currency."""
    return code in CODES

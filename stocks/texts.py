"""Texts and addresses as strangers send them, made fit to store and to show."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_ENTITY_ROUNDS = 3
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Parameters that say where a reader came from and nothing about what there is to read.
_TRACKING = frozenset(
    {
        *("fbclid", "gclid", "dclid", "msclkid", "yclid", "twclid", "igshid", "mc_cid", "mc_eid"),
        *(".tsrc", "guccounter", "guce_referrer", "guce_referrer_sig", "soc_src", "soc_trk", "ncid"),
    }
)
_TRACKING_PREFIX = "utm_"


def plain_text(text: str, longest: int) -> str:
    """One line of text for people: no markup, no control characters, at most ``longest`` characters."""
    for _ in range(_ENTITY_ROUNDS):
        unescaped = html.unescape(text)
        if unescaped == text:
            break
        text = unescaped
    text = unicodedata.normalize("NFC", _TAG.sub(" ", text))
    kept = (
        " " if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") else character
        for character in text
    )
    return " ".join("".join(kept).split())[:longest].rstrip()


def web_address(text: str, longest: int) -> str:
    """An http(s) address in one spelling, so that two of the same page are equal; "" for anything else.

    Scheme and host are in small letters; the fragment, the scheme's own port and parameters that only track
    readers are left out. One with a user name, or longer than ``longest``, is none.
    """
    text = text.strip()
    if not text.isprintable() or " " in text or "\\" in text:
        return ""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    address = SplitResult(scheme, place, parts.path or "/", _without_tracking(parts.query), "").geturl()
    return address if len(address) <= longest else ""


def address_digest(address: str) -> bytes:
    """What the same address is known by."""
    return hashlib.sha256(address.encode()).digest()


def _without_tracking(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _tracks(name.lower())]
    # Written anew only where something went, for a server may care how its parameters are spelled.
    return query if len(kept) == len(pairs) else urlencode(kept)


def _tracks(name: str) -> bool:
    return name in _TRACKING or name.startswith(_TRACKING_PREFIX)

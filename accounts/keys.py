"""The text of an API key: ``sk_<id>_<secret>_<checksum>``.

The id is public and found in the database; the secret is stored only as an HMAC under a pepper that the
database does not hold; the checksum lets a mistyped or invented key be refused without any query.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import zlib

from django.conf import settings

from accounts.errors import InvalidApiKey

_ID_ALPHABET = string.ascii_lowercase + string.digits
_FORM = re.compile(r"(sk_[a-z0-9]{12})_[A-Za-z0-9_-]{43}_([0-9a-f]{8})")


def api_key_generate() -> str:
    """A fresh key whose secret has 256 bits."""
    public = "".join(secrets.choice(_ID_ALPHABET) for _ in range(12))
    body = f"sk_{public}_{secrets.token_urlsafe(32)}"
    return f"{body}_{_checksum(body)}"


def api_key_prefix(key: str) -> str:
    """The public part of a well-formed key; raises InvalidApiKey where form or checksum is wrong."""
    match = _FORM.fullmatch(key)
    if match is None or not hmac.compare_digest(_checksum(key[:-9]), match[2]):
        raise InvalidApiKey
    return match[1]


def api_key_digest(key: str) -> bytes:
    """HMAC-SHA-256 of the whole key under the server's pepper: 32 bytes."""
    return hmac.digest(settings.API_KEY_PEPPER.encode(), key.encode(), "sha256")


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"

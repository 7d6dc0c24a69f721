"""Access tokens whose signature was checked before: the check costs more than all else of a short request.

Kept per process under the SHA-256 of the token, so that no list of tokens lies in memory, and only until the
token expires. That its session still lives is not known here (see ``accounts.session_cache``).
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from django.conf import settings

from accounts.tokens import AccessClaims, access_token_read

#: Tokens of one generation; two generations are kept.
GENERATION = 10_000


class KnownToken:
    """A checked token, and what was last found out about its session.

    ``alive_at`` is when the database was last asked and said that the session lives, by the monotonic clock;
    ``standing`` belongs to whoever reads the entries of ``accounts.session_cache``.
    """

    __slots__ = ("alive_at", "claims", "expires", "standing")

    def __init__(self, claims: AccessClaims) -> None:
        self.claims = claims
        self.expires = claims.expires_at.timestamp()
        self.alive_at = float("-inf")
        self.standing: Any = None


class TokenCache:
    """Checked tokens; at most twice ``generation`` of them, the oldest are forgotten first."""

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._young: dict[bytes, KnownToken] = {}
        self._old: dict[bytes, KnownToken] = {}
        self._signing_key = ""

    def read(self, token: str) -> KnownToken:
        """The checked token; raises InvalidToken as `access_token_read` does."""
        if self._signing_key != settings.JWT_SIGNING_KEY:
            # What another key has signed is no longer ours.
            self._young, self._old = {}, {}
            self._signing_key = settings.JWT_SIGNING_KEY
        name = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        known = self._young.get(name)
        if known is None and (known := self._old.get(name)) is not None:
            self._keep(name, known)
        if known is not None and time.time() < known.expires:
            return known
        known = KnownToken(access_token_read(token))
        self._keep(name, known)
        return known

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _keep(self, name: bytes, known: KnownToken) -> None:
        self._young[name] = known
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, {}


tokens = TokenCache()

"""Who may open a connection that stays open, and who may keep it: always many in one step.

One question to Redis decides about all whose session or key was confirmed a short while ago, and one to the
database about all others.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import psycopg
from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.utils import timezone

from accounts import connection_cache, tickets
from accounts.connection_cache import CONFIRMED_SECONDS, Entry, key_name, session_name
from accounts.cookies import CookiePrincipal, recheck_cookies
from accounts.errors import InvalidToken, TicketsUnavailable
from accounts.keys import api_key_digest, api_key_prefix
from accounts.models import Scope
from accounts.principal import Principal
from accounts.redis import RedisAway
from accounts.selectors import api_keys_alive, sessions_alive, users_active
from accounts.services.keys import api_keys_record_use
from accounts.services.tickets import tickets_redeem
from accounts.tickets import Maker
from accounts.tokens import access_token_read
from accounts.tombstones import LONGEST_LIFE

logger = logging.getLogger(__name__)

#: A principal; None for somebody who is refused; an error where the database could not say.
Finding = Principal | Exception | None


@dataclass(frozen=True, slots=True)
class _Proof:
    """What a token proves, if what it belongs to is alive: a session's user, or the digest of a key."""

    credential: str
    user_id: UUID | None = None
    expires_at: datetime | None = None
    digest: bytes = b""

    def principal(self, entry: Entry) -> Principal | None:
        if self.user_id is None:
            if not hmac.compare_digest(self.digest, entry.digest):
                return None
        elif self.user_id != entry.user_id:
            return None
        if entry.ends is not None and entry.ends <= timezone.now():
            return None
        return Principal(
            user_id=entry.user_id,
            email=entry.email,
            tier=entry.tier,
            expires_at=entry.ends if self.user_id is None else self.expires_at,
            credential=self.credential,
        )


def authenticate_tokens(tokens: Sequence[str]) -> list[Finding]:
    """Who each access token, API key or ticket stands for; None where it is refused."""
    redeemed = iter(_redeemed([token for token in tokens if token.startswith(tickets.PREFIX)]))
    proofs = [next(redeemed) if token.startswith(tickets.PREFIX) else _proof(token) for token in tokens]
    standings = _standings(
        [proof.credential for proof in proofs if isinstance(proof, _Proof)], age=LONGEST_LIFE
    )
    result: list[Finding] = []
    for proof in proofs:
        found = standings.get(proof.credential) if isinstance(proof, _Proof) else proof
        if isinstance(proof, _Proof) and isinstance(found, Entry):
            result.append(proof.principal(found))
        else:
            result.append(found if isinstance(found, Exception) else None)
    return result


def recheck_principals(principals: Sequence[Principal]) -> list[Finding]:
    """The same users as they are now; None for one whose session or key has ended.

    One without a credential of ours is known by the user alone.
    """
    credentials = [one.credential for one in principals if one.credential]
    standings = _standings(credentials, age=CONFIRMED_SECONDS)
    others = [one for one in principals if not one.credential and not isinstance(one, CookiePrincipal)]
    users = _users({one.user_id for one in others})
    cookies = iter(recheck_cookies([one for one in principals if isinstance(one, CookiePrincipal)]))
    return [
        next(cookies)
        if isinstance(one, CookiePrincipal)
        else _again(one, standings.get(one.credential) if one.credential else users.get(one.user_id))
        for one in principals
    ]


def _again(before: Principal, found: Entry | Exception | None) -> Finding:
    if not isinstance(found, Entry):
        return found
    now = timezone.now()
    if found.user_id != before.user_id or (found.ends is not None and found.ends <= now):
        return None
    expires_at = found.ends if found.digest else before.expires_at
    return replace(before, tier=found.tier, email=found.email, expires_at=expires_at)


def _proof(token: str) -> _Proof | None:
    try:
        if token.startswith("sk_"):
            return _Proof(key_name(api_key_prefix(token)), digest=api_key_digest(token))
        # Read once in the life of a connection, and that of ten thousand: not worth remembering.
        claims = access_token_read(token)
    except InvalidToken:
        return None
    return _Proof(session_name(claims.session_id), claims.user_id, claims.expires_at)


def _redeemed(given: Sequence[str]) -> list[_Proof | Exception | None]:
    """What tickets prove: that which made them. A ticket that is given twice proves it once."""
    try:
        makers = tickets_redeem(tickets=given)
    except TicketsUnavailable as error:
        return [error] * len(given)
    return [None if maker is None else _of_maker(maker) for maker in makers]


def _of_maker(maker: Maker) -> _Proof:
    if maker.session_id is None:
        return _Proof(key_name(maker.key_prefix), maker.user_id, maker.expires_at)
    return _Proof(session_name(maker.session_id), maker.user_id, maker.expires_at)


def _standings(credentials: Iterable[str], *, age: float) -> dict[str, Entry | Exception]:
    """What is known of the credentials; the database is asked where it last was over ``age`` seconds ago.

    One that is not alive is left out.
    """
    asked = list(dict.fromkeys(credentials))
    standings: dict[str, Entry | Exception] = {}
    try:
        standings.update(connection_cache.find(asked, age=age))
    except RedisAway as error:
        logger.info("the database is asked about %d credentials: %s", len(asked), error)
    missing = [name for name in asked if name not in standings]
    if not missing:
        return standings
    try:
        found = _ask_database(missing)
    except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
        # An exhausted pool raises psycopg's error, which Django does not wrap.
        return standings | dict.fromkeys(missing, error)
    try:
        connection_cache.remember(found)
    except RedisAway as error:
        logger.info("%d credentials are not remembered: %s", len(found), error)
    return standings | found


def _ask_database(credentials: Iterable[str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    asked_at, now = time.time(), timezone.now()
    sessions, keys = [], []
    for name in credentials:
        _, kind, rest = name.split(":", 2)
        if kind == "session":
            sessions.append(UUID(rest))
        else:
            keys.append(rest)
    if sessions:
        rows = sessions_alive(now=now).filter(pk__in=sessions).order_by()
        for pk, ends, user_id, tier, email in rows.values_list(
            "pk", "expires_at", "user_id", "user__tier", "user__email"
        ):
            found[session_name(pk)] = Entry(asked_at, user_id, tier, email, ends)
    if keys:
        used = []
        may_stream = Q(prefix__in=keys, scopes__contains=[Scope.STREAM])
        rows_of_keys = api_keys_alive(now=now).filter(may_stream).order_by()
        for pk, prefix, key_ends, digest, user_id, tier, email in rows_of_keys.values_list(
            *("pk", "prefix", "expires_at", "digest", "user_id", "user__tier", "user__email")
        ):
            found[key_name(prefix)] = Entry(asked_at, user_id, tier, email, key_ends, bytes(digest))
            used.append(pk)
        if used:
            api_keys_record_use(ids=used, now=now)
    return found


def _users(ids: set[UUID]) -> dict[UUID, Entry | Exception]:
    if not ids:
        return {}
    asked_at = time.time()
    try:
        rows = list(users_active().filter(pk__in=ids).order_by().values_list("pk", "tier", "email"))
    except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
        return dict.fromkeys(ids, error)
    return {pk: Entry(asked_at, pk, tier, email, None) for pk, tier, email in rows}

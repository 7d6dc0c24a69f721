"""Where the connections of a process sign in and are looked at again: always many in one step.

Tokens that arrive while others are being checked are the next batch: one thread and one question for all of
them, so that ten thousand clients who come back at once cost some hundred questions.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, cast
from uuid import UUID

import redis

from realtime import budgets, control, leases
from realtime.addresses import is_loopback
from realtime.authentication import Finding, Principal, authenticate, recheck
from realtime.budgets import Limited, Verdict
from realtime.client import Client
from realtime.errors import SignInRefused, Unavailable
from realtime.leases import Claim, Lease
from realtime.limits import Limits
from realtime.opening import SWITCHED
from realtime.protocol.codes import CONNECTION_LIMIT, UNAUTHORIZED, Code
from realtime.threads import Batches

if TYPE_CHECKING:
    from realtime.session import Session

logger = logging.getLogger(__name__)

# The loop waits for a thread that computes, at each frame that it sends, so a batch is bounded by what all of
# its clients may wait: a few milliseconds.
_SIGN_INS, _RECHECKS = 100, 60
# After Redis did not answer, connections are counted in this process alone for so long.
_PAUSE_SECONDS = 1.0


class _SignIn:
    """A token that waits to be checked; ``principal`` stands in place of one that was proved elsewhere.

    ``counted`` says whether it was counted for its address, which one that was proved elsewhere was there.
    """

    __slots__ = ("answer", "counted", "principal", "replaces", "session", "token", "verdict")

    def __init__(self, session: Session, token: str, principal: Principal | None, replaces: str) -> None:
        self.session = session
        self.token = token
        self.principal = principal
        self.replaces = replaces
        self.counted = principal is not None
        self.verdict: Verdict | None = None
        self.answer: asyncio.Future[Principal] = asyncio.get_running_loop().create_future()


class _Frame:
    """A frame that waits to be counted."""

    __slots__ = ("answer", "principal")

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.answer: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()


#: What was found, and whether the user may have this connection; None where Redis could not be asked.
_Verdict = tuple[Finding, bool | None]
#: Who was looked at again, and what was found.
_Second = tuple[Principal, Finding]


class Desk:
    """Knows who is connected here. ``close`` ends a connection with a code and a reason."""

    def __init__(self, *, limits: Limits, close: Callable[[Client, Code, str], None]) -> None:
        self._limits = limits
        self._close = close
        self._of_user: dict[UUID, list[Session]] = {}
        self._addresses: dict[str, int] = {}
        self._sign_ins: Batches[_SignIn, _Verdict] = Batches(self._check, self._checked, most=_SIGN_INS)
        self._rechecks: Batches[Session, _Second] = Batches(self._recheck, self._rechecked, most=_RECHECKS)
        self._budgets = budgets.configured()
        self._frames: Batches[_Frame, Verdict | None] = Batches(self._count_frames, _counted, most=_RECHECKS)
        self._releases: Batches[Lease, None] = Batches(
            self._release, lambda lease, result: None, most=_RECHECKS
        )
        # Of whom (of None: of all) something was told while tokens were being checked, and in which call:
        # what that call has read may be from before the change.
        self._told: set[UUID | None] = set()
        self._told_in = 0
        self._no_redis_until = 0.0

    async def stop(self) -> None:
        for batches in (self._sign_ins, self._rechecks, self._frames, self._releases):
            await batches.stop()

    # --- Coming and going ---

    def enter(self, session: Session, address: str) -> bool:
        """Count a connection for its address; False where that has as many as it may.

        Of this machine itself none is counted.
        """
        session.address = address
        if address and not is_loopback(address):
            count = self._addresses.get(address, 0)
            if count >= self._limits.connections_per_address:
                session.address = ""
                return False
            self._addresses[address] = count + 1
        return True

    async def count(self, principal: Principal) -> Verdict | None:
        """Count a frame of the user as a request; None where it is not limited."""
        if self._budgets is None:
            return None
        frame = _Frame(principal)
        self._frames.put(frame)
        return await frame.answer

    async def sign_in(
        self, session: Session, token: str, *, principal: Principal | None = None, replaces: str = ""
    ) -> Principal:
        """Who the token stands for; raises SignInRefused or Unavailable.

        The first one of a connection makes it one of the user's; with ``principal`` nothing is left to be
        proved. ``replaces`` is the session of an earlier connection of the same user, which is closed.
        """
        one = _SignIn(session, token, principal, replaces)
        self._sign_ins.put(one)
        return await one.answer

    def leave(self, client: Client) -> None:
        """The connection is gone. Does no harm twice."""
        session = client.session
        if session is None:
            return
        # The client itself left before anything was known of it.
        session.opened(SWITCHED)
        # Nothing that has ended holds on to another.
        client.session = None
        self._rechecks.drop(session)
        if session.address in self._addresses:
            self._addresses[session.address] -= 1
            if not self._addresses[session.address]:
                del self._addresses[session.address]
        if session.principal is not None:
            user_id = session.principal.user_id
            others = self._of_user[user_id]
            others.remove(session)
            if not others:
                del self._of_user[user_id]
            self._give_back(Lease(user_id, session.id))

    def _check(self, asked: Sequence[_SignIn]) -> list[_Verdict]:
        """Runs in a thread."""
        findings: dict[_SignIn, Finding] = {}
        self._refuse_spent(asked, findings)
        # In the order in which they came: of two that there is room for one of, the first is let in.
        let_in = [one for one in asked if one not in findings]
        proved = iter(authenticate([one.token for one in let_in if one.principal is None]))
        for one in let_in:
            findings[one] = next(proved) if one.principal is None else one.principal
        self._count(let_in, findings)
        claims: dict[_SignIn, Claim] = {}
        for one in let_in:
            found = findings[one]
            if found is None or isinstance(found, Exception) or one.session.principal is not None:
                continue
            most = self._limits.connections_of(found.tier)
            if most is not None and not _has_ended(found):
                claims[one] = Claim(Lease(found.user_id, one.session.id), most, one.replaces)
        granted = self._claim(list(claims.values()))
        if granted is None:
            return [(findings[one], None) for one in asked]
        allowed = dict(zip(claims, granted, strict=True))
        return [(findings[one], allowed.get(one, True)) for one in asked]

    def _refuse_spent(self, asked: Sequence[_SignIn], findings: dict[_SignIn, Finding]) -> None:
        """Who comes from an address that is known to have nothing left is not even asked who it is."""
        if self._budgets is None:
            return
        unknown = [one for one in asked if not one.counted]
        verdicts = self._budgets.spent([one.session.address for one in unknown])
        for one, verdict in zip(unknown, verdicts, strict=True):
            one.counted = verdict is not None
        _refuse(unknown, verdicts, findings)

    def _count(self, asked: Sequence[_SignIn], findings: dict[_SignIn, Finding]) -> None:
        """Count users and strangers as such, and all of them for their addresses."""
        if self._budgets is None:
            return
        known: list[tuple[_SignIn, Principal]] = []
        strangers, others = [], []
        for one in asked:
            found = findings[one]
            if found is None:
                strangers.append(one)
            elif isinstance(found, Exception) or _has_ended(found):
                others.append(one)
            else:
                known.append((one, found))
        if others := [one for one in others if not one.counted]:
            _refuse(others, self._budgets.addresses([one.session.address for one in others]), findings)
        if strangers:
            addresses = [one.session.address for one in strangers]
            verdicts = self._budgets.strangers(addresses, [one.counted for one in strangers])
            _refuse(strangers, verdicts, findings)
        verdicts = self._budgets.users(
            [who for _, who in known], ["" if one.counted else one.session.address for one, _ in known]
        )
        for (one, _), verdict in zip(known, verdicts, strict=True):
            one.verdict = verdict
        _refuse([one for one, _ in known], verdicts, findings)

    def _count_frames(self, frames: Sequence[_Frame]) -> Sequence[Verdict | None]:
        """Runs in a thread."""
        assert self._budgets is not None
        return self._budgets.users([one.principal for one in frames])

    def _claim(self, claims: Sequence[Claim]) -> list[bool] | None:
        if claims and time.monotonic() < self._no_redis_until:
            return None
        try:
            return leases.claim(claims, seconds=self._limits.lease_seconds)
        except redis.RedisError as error:
            self._no_redis_until = time.monotonic() + _PAUSE_SECONDS
            logger.warning("connections are counted here alone: %s", type(error).__name__)
            return None

    def _checked(self, one: _SignIn, result: _Verdict | Exception) -> None:
        try:
            principal = self._admit(one, result)
        except Exception as error:
            # Whatever it was, it is that of who waits.
            if not one.answer.done():
                one.answer.set_exception(error)
        else:
            if not one.answer.done():
                one.answer.set_result(principal)

    def _admit(self, one: _SignIn, result: _Verdict | Exception) -> Principal:
        if isinstance(result, Exception):
            raise result
        found, allowed = result
        if isinstance(found, Limited):
            raise found
        if isinstance(found, Exception):
            raise Unavailable("The token cannot be checked now.") from found
        if found is None:
            raise SignInRefused(UNAUTHORIZED, "the token is invalid or has expired")
        session = one.session
        is_first = session.principal is None
        if _has_ended(found) or (is_first and (session.client.closed or one.answer.done())):
            if is_first:
                # It came too late, or has left meanwhile: what it was given goes to the next.
                self._give_back(Lease(found.user_id, session.id))
            raise SignInRefused(UNAUTHORIZED, "the token is invalid or has expired")
        if is_first:
            if allowed is None:
                allowed = self._has_room(found, one.replaces)
            if not allowed:
                raise SignInRefused(CONNECTION_LIMIT, "this user has as many connections as the tier allows")
            session.principal = found
            session.verdict = one.verdict if session.client.transport.door == "sse" else None
            self._of_user.setdefault(found.user_id, []).append(session)
        if self._told_in == self._sign_ins.calls and not self._told.isdisjoint((None, found.user_id)):
            self._rechecks.put(session)
        return found

    def _has_room(self, principal: Principal, replaces: str) -> bool:
        """The rule of the script, for this process alone."""
        most = self._limits.connections_of(principal.tier)
        others = self._of_user.get(principal.user_id, [])
        replaced = next((other for other in others if other.id == replaces), None)
        if most is not None and len(others) - (replaced is not None) >= most:
            return False
        if replaced is not None:
            self._replace(replaced)
        return True

    def _replace(self, session: Session) -> None:
        self._close(session.client, CONNECTION_LIMIT, "another connection takes the place of this one")

    def _give_back(self, lease: Lease) -> None:
        if self._limits.connections:
            self._releases.put(lease)

    def _release(self, ended: Sequence[Lease]) -> list[None]:
        """Runs in a thread."""
        try:
            leases.release(ended)
        except redis.RedisError as error:
            logger.info("%d connections lapse by themselves: %s", len(ended), type(error).__name__)
        return [None] * len(ended)

    # --- Looking again ---

    def beat(self, clients: Iterable[Client]) -> None:
        """Look at these again, and renew that they are open: every connection in its turn."""
        for client in clients:
            if client.session is not None and client.session.principal is not None:
                self._rechecks.put(client.session)

    def look_at_all(self) -> None:
        """Redis was away and is back: what it told meanwhile was not heard."""
        self._note(None)
        for sessions in self._of_user.values():
            for session in sessions:
                self._rechecks.put(session)

    def hear(self, payload: bytes) -> None:
        """Another process, or this one, says that something of a user has changed."""
        told = control.read(payload)
        if told is None:
            logger.warning("a message of %d bytes is not understood", len(payload))
            return
        sessions = self._of_user.get(told.user_id, [])
        if told.rooms:
            for session in sessions:
                if session.follow is not None:
                    session.follow()
            return
        if told.session:
            for session in [one for one in sessions if one.id == told.session]:
                self._replace(session)
            return
        self._note(told.user_id)
        for session in sessions:
            self._rechecks.put(session)

    def _note(self, user_id: UUID | None) -> None:
        if self._sign_ins.busy:
            if self._told_in != self._sign_ins.calls:
                self._told.clear()
                self._told_in = self._sign_ins.calls
            self._told.add(user_id)

    def _recheck(self, sessions: Sequence[Session]) -> list[_Second]:
        """Runs in a thread."""
        # Only who is signed in is looked at again, and nobody ceases to be.
        principals = [cast(Principal, session.principal) for session in sessions]
        if self._limits.connections:
            held = [Lease(one.user_id, session.id) for session, one in zip(sessions, principals, strict=True)]
            try:
                leases.renew(held, seconds=self._limits.lease_seconds)
            except redis.RedisError as error:
                logger.info("%d connections are not renewed: %s", len(held), type(error).__name__)
        return list(zip(principals, recheck(principals), strict=True))

    def _rechecked(self, session: Session, result: _Second | Exception) -> None:
        if isinstance(result, Exception):
            return  # It is asked again in its turn.
        before, found = result
        if session.client.closed:
            # It may have been renewed after it was given back.
            self._give_back(Lease(before.user_id, session.id))
        elif session.principal is not before:
            # A fresh token came meanwhile.
            self._rechecks.put(session)
        elif not isinstance(found, Exception):
            session.found_again(None if found is None or _has_ended(found) else found)


def _refuse(
    asked: Sequence[_SignIn], verdicts: Sequence[Verdict | None], findings: dict[_SignIn, Finding]
) -> None:
    for one, verdict in zip(asked, verdicts, strict=True):
        if verdict is not None and not verdict.allowed:
            findings[one] = Limited(verdict)


def _counted(frame: _Frame, result: Verdict | Exception | None) -> None:
    if frame.answer.done():
        return
    if isinstance(result, Exception):
        frame.answer.set_exception(result)
    else:
        frame.answer.set_result(result)


def _has_ended(principal: Principal) -> bool:
    return principal.expires_at is not None and principal.expires_at.timestamp() <= time.time()

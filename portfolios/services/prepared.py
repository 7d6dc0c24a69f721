"""Statements that the database plans once for each connection, several of them in one round trip.

A statement is prepared in the same text in which it is first carried out, under a name that follows from it.
Where anything fails there, all of them are dropped, so that what is prepared is always known. A pooler that
hands each transaction to another connection of the server cannot be used with them; the first sign of one, a
name that is not known there or already taken, turns ``is_possible`` off for the process.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import Error, connection
from psycopg import errors, sql

from portfolios.services.statements import Statements

logger = logging.getLogger(__name__)

# What may mean something inside quotes.
_UNSAFE = re.compile(r"['\\\x00]")
_PLAIN = (int, Decimal, datetime, type(None))
_FOREIGN = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
# Of a server that ends, or of a connection to it.
_GOING_AWAY = ("57P", "08")
#: The names that are prepared, by connection.
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
#: Name and numbered text of each statement that was ever sent; there are as many as in the source.
_known: dict[str, tuple[str, str]] = {}
_off = False


class OutcomeUnknown(Exception):
    """The database went away while it was asked to commit; the cause is what Django said of it."""


class PreparedStatements(Statements):
    """Statements of one transaction that begins with the first ``exchange`` and ends with ``commit``.

    What others ``send`` stays here until the next exchange. Each has values, and a ``%s`` for each of them in
    its text, without any other percent sign.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Sequence[Any]]] = []
        self._is_open = False

    def add(self, text: str, *values: Any) -> None:
        self._waiting.append((text, values))

    def send(self) -> None:
        """It goes with what comes later."""

    def exchange(self) -> list[list[Sequence[Any]]]:
        """Carry out what waits; returns the rows of each statement that has any, maybe none."""
        rows = self._carry_out([] if self._is_open else ["BEGIN"], [])
        self._is_open = True
        return rows

    def commit(self) -> None:
        """Carry out what waits and end the transaction; raises OutcomeUnknown where the server went away."""
        used = connection.connection
        try:
            self._carry_out([], ["COMMIT"])
        except Error as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if used.closed or state is None or state.startswith(_GOING_AWAY):
                raise OutcomeUnknown from error
            raise
        self._is_open = False

    def roll_back(self) -> None:
        """End the transaction without any effect, where it is still open."""
        self._waiting = []
        if self._is_open:
            self._is_open = False
            try:
                with connection.cursor() as cursor:
                    cursor.execute("ROLLBACK")
            except Error:
                # The server rolls back what a connection leaves.
                _start_anew()

    def _carry_out(self, first: list[str], last: list[str]) -> list[list[Sequence[Any]]]:
        global _off
        with connection.cursor() as cursor:
            known = _prepared.setdefault(connection.connection, set())
            new: set[str] = set()
            words = first
            for text, values in self._waiting:
                name, numbered = _known.get(text) or _knowing(text)
                if name not in known and name not in new:
                    words.append(f"PREPARE {name} AS {numbered}")
                    new.add(name)
                words.append(f"EXECUTE {name}({','.join(map(literal, values))})")
            self._waiting = []
            try:
                cursor.execute(";".join(words + last))
            except Error as error:
                if isinstance(error.__cause__, _FOREIGN):
                    _off = True
                    logger.warning("statements are not prepared any more: %s", error)
                self._is_open = False
                _start_anew()
                raise
            known |= new
            if last:
                return []
            return _rows(cursor.cursor)


def _rows(cursor: Any) -> list[list[Sequence[Any]]]:
    """The rows of each result that has columns."""
    rows = []
    while True:
        # To ask for the description would make an object of each column.
        if cursor.pgresult.nfields:
            rows.append(cursor.fetchall())
        if not cursor.nextset():
            return rows


def is_possible() -> bool:
    """Whether a transaction of prepared statements can begin on this thread's connection."""
    return not _off and connection.vendor == "postgresql" and not connection.in_atomic_block


def _start_anew() -> None:
    """Roll back, and drop what is prepared; a connection on which that fails is closed."""
    used = connection.connection
    _prepared.pop(used, None)
    if used.closed:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")
            cursor.execute("DEALLOCATE ALL")
    except Error:
        used.close()


def literal(value: Any) -> str:
    """A value as PostgreSQL reads it in a statement."""
    kind = type(value)
    if value is None:
        return "NULL"
    if kind is int or (kind is Decimal and value.is_finite()):
        return str(value)
    if kind is UUID:
        return f"'{value}'"
    if kind is datetime or kind is date:
        return f"'{value.isoformat()}'"
    if kind is bool:
        return "true" if value else "false"
    if kind is str and not _UNSAFE.search(value):
        return f"'{value}'"
    if kind is list and all(map(_is_plain, value)):
        return "'{" + ",".join(map(_item, value)) + "}'"
    return sql.Literal(value).as_string(connection.connection)


def _is_plain(value: Any) -> bool:
    """Whether a value means nothing else within an array; a word is some letters."""
    kind = type(value)
    return kind in _PLAIN or (kind is str and value.isalpha())


def _item(value: Any) -> str:
    if value is None:
        return "NULL"
    # Without quotes the word NULL would be none.
    if isinstance(value, str):
        return f'"{value}"'
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _knowing(text: str) -> tuple[str, str]:
    pieces = text.strip().split("%s")
    numbered = "".join(
        [piece + (f"${number}" if number < len(pieces) else "") for number, piece in enumerate(pieces, 1)]
    )
    name = f"stockroom_{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"
    found = _known[text] = name, numbered
    return found

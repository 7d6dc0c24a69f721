"""Statements whose values the server takes beside the text, however long they are.

Django's cursors write values into the text of a statement, quoted; for arrays of thousands of values that
text is long, and the server has to find its way through it again.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor


def bound_cursor() -> CursorWrapper:
    """A cursor on Django's connection, in the transaction that is open there.

    Each ``%s`` needs a type, such as ``%s::numeric[]``: nobody guesses one.
    """
    connection.ensure_connection()
    wrapped = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    own: Any = Cursor(connection.connection)
    cursor: CursorWrapper = wrapped(own)
    return cursor

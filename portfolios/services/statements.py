"""Statements that go to the database together, in one round trip."""

from __future__ import annotations

from typing import Any

from django.db import connection


class Statements:
    """What a change writes, in order, until ``send``; nothing that is read before that knows of it.

    It is for one transaction. Values are bound by the client, as Django's connections do it, so that several
    statements are one text.
    """

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._values: list[Any] = []

    def add(self, text: str, *values: Any) -> None:
        self._texts.append(text)
        self._values += values

    def send(self) -> None:
        if not self._texts:
            return
        texts, values = self._texts, self._values
        self._texts, self._values = [], []
        with connection.cursor() as cursor:
            cursor.execute(";".join(texts), values)

"""Numbered pages, as every list of the API takes and describes them."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from rest_framework import serializers

from accounts.strict import StrictSerializer

MAX_PAGE = 1_000_000
Row = TypeVar("Row", bound=Model)


class PageQuery(StrictSerializer):
    """``page`` from 1, ``per_page`` from 1 to 100; subclasses add their filters."""

    page = serializers.IntegerField(default=1, min_value=1, max_value=MAX_PAGE)
    per_page = serializers.IntegerField(default=50, min_value=1, max_value=100)


class PageMeta(serializers.Serializer[dict[str, int]]):
    """Describes one page of a list: its number and size, and the total of rows and pages."""

    page = serializers.IntegerField()
    per_page = serializers.IntegerField()
    total = serializers.IntegerField()
    pages = serializers.IntegerField()


def page_meta(*, page: int, per_page: int, total: int) -> dict[str, int]:
    """The ``meta`` object of a page; an empty list has 0 pages."""
    return {"page": page, "per_page": per_page, "total": total, "pages": -(-total // per_page)}


def page_of(rows: QuerySet[Row], *, page: int, per_page: int) -> tuple[QuerySet[Row], dict[str, int]]:
    """The rows of a page, and its ``meta`` object."""
    first = (page - 1) * per_page
    return rows[first : first + per_page], page_meta(page=page, per_page=per_page, total=rows.count())

"""The tree of a screen as a queryset: the database's own answer, which every other one must equal."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from screening.grammar.tree import Condition
from screening.sql.statement import Statement
from stocks.models import Stock


def matching(condition: Condition) -> QuerySet[Stock]:
    """The listed stocks of which the condition is true, in no order. LookupError for a field that is none.

    They include stocks that lag behind their market, see ``coverage.py``; these rank nobody.
    """
    return Stock.objects.filter(pk__in=matching_ids(condition)).order_by()


def matching_ids(condition: Condition) -> RawSQL:
    """The ids of these stocks, as part of a larger query."""
    statement = Statement()
    where = statement.condition(condition)
    sql = statement.select(["stock.id"], [where])
    return RawSQL(sql, statement.parameters)  # noqa: S611  # its names are the catalogue's, see sql/

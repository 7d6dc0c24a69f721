"""Corporate actions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from stocks.models import Stock
from stocks.selectors.actions import Announced
from stocks.serializers.days import DaysQuery, SessionDateField
from stocks.serializers.fields import maybe, one_of
from stocks.types import ActionKind

MEANINGS = {
    ActionKind.SPLIT: "Each share became `ratio` shares.",
    ActionKind.BONUS: "Free shares were issued: each share became `ratio` shares.",
    ActionKind.DIVIDEND: "`amount` in cash was paid per share.",
    ActionKind.REBASE: (
        "No event of the company: two loaded files were adjusted at different dates, and `ratio` joins them. "
        "It changes how prices are read and never a holding."
    ),
}


class ActionsQuery(DaysQuery):
    """Ex-dates from ``from`` to ``to``, without bounds where nothing is said."""

    from_date = SessionDateField(required=False, help_text="First ex-date.")
    to_date = SessionDateField(required=False, help_text="Last ex-date.")
    kind = one_of(ActionKind, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        attrs["kind"] = ActionKind(attrs["kind"]) if "kind" in attrs else None
        return attrs


class ActionReply(serializers.Serializer[Any]):
    kind = one_of(ActionKind)
    ex_date = serializers.DateField(help_text="The first session that trades without the right to it.")
    ratio = maybe(help_text="New shares per old share; null for cash.")
    amount = maybe(help_text="Cash per share; null for shares.")
    currency = serializers.CharField(allow_null=True)
    effective = serializers.BooleanField(help_text="The ex-date has come; otherwise it is announced.")
    of_company = serializers.BooleanField(help_text="false for a rebase, which is no event of the company.")
    meaning = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off


class ActionsReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField()
    actions = ActionReply(many=True, help_text="The newest first.")


def actions_reply(stock: Stock, announced: list[Announced]) -> dict[str, Any]:
    return {"stock_code": stock.code, "actions": [_action_reply(stock, one) for one in announced]}


def _action_reply(stock: Stock, announced: Announced) -> dict[str, Any]:
    action = announced.action
    kind = ActionKind(action.kind)
    # A dividend whose currency nobody wrote down is in that of the prices, as everywhere.
    currency = None if action.amount is None else action.currency or stock.currency
    return {
        "kind": kind,
        "ex_date": action.ex_date,
        "ratio": action.ratio,
        "amount": action.amount,
        "currency": currency,
        "effective": announced.effective,
        "of_company": kind is not ActionKind.REBASE,
        "meaning": MEANINGS[kind],
        "source": action.source,
    }

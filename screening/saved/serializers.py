"""What saved screens take and show."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.fields import TextField as PlainText
from accounts.paging import PageMeta, PageQuery
from accounts.strict import StrictSerializer
from screening.conditions import TextField, WhereField
from screening.criteria import Screen
from screening.fields import NAMES, TEXTS
from screening.models import SavedScreen
from screening.serializers import ASKED, AskScreen, FiltersField, PastDayField, refuse_past, screen_of
from stocks.selectors.listing import ALL_MARKETS
from stocks.serializers.fields import MarketField, one_of

MAX_NAME, MAX_DESCRIPTION = 100, 1000


class SaveScreen(AskScreen):
    """The body of POST /v1/screen without its page, and a name."""

    name = PlainText(max_length=MAX_NAME)
    description = PlainText(default="", max_length=MAX_DESCRIPTION, allow_blank=True)


class ChangeScreen(StrictSerializer):
    """What is given is changed; null takes a filter, a condition or an order away."""

    name = PlainText(required=False, max_length=MAX_NAME)
    description = PlainText(required=False, max_length=MAX_DESCRIPTION, allow_blank=True)
    market = MarketField(required=False, allow_null=True)
    filters = FiltersField(required=False, allow_null=True)
    where = WhereField(required=False, allow_null=True)
    q = TextField(required=False, allow_null=True)
    sort_by = one_of([*NAMES, *TEXTS], required=False, allow_null=True)
    order = one_of(["asc", "desc"], required=False, allow_null=True)


@extend_schema_field({"type": "object", "description": "Ranges by field."})
class Shown(serializers.DictField):
    """A part of a screen as its owner wrote it."""


class AskedReply(serializers.Serializer[Any]):
    """A screen as its owner wrote it, with what was left out filled in."""

    id = serializers.UUIDField(help_text="The room `screen:{id}` tells who enters and leaves it.")
    name = serializers.CharField()
    description = serializers.CharField()
    market = serializers.CharField()
    filters = Shown()
    where = Shown(allow_null=True)
    q = serializers.CharField(allow_null=True)
    sort_by = serializers.CharField()
    order = serializers.CharField()


class SavedScreenReply(AskedReply):
    share_url = serializers.CharField(allow_null=True, help_text="Where anybody may read it; null if none.")
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()


class SavedScreensReply(serializers.Serializer[Any]):
    screens = SavedScreenReply(many=True)
    meta = PageMeta()


class ResultsQuery(PageQuery):
    as_of = PastDayField(required=False)


class ShareReply(serializers.Serializer[Any]):
    share_url = serializers.CharField(help_text="Whoever has this address may read and run the screen.")


def asked_in(data: Any) -> dict[str, Any]:
    """What a request asks of a screen, as it was written."""
    return {name: data[name] for name in ASKED if name in data}


def stored_screen(screen: SavedScreen, **page: Any) -> Screen:
    """A saved screen ready to be run; ``page`` holds what ResultsQuery reads.

    Raises ValidationError where the catalogue no longer has what it asks, or it cannot be asked of a day.
    """
    run = screen_of({**AskScreen.parse(screen.asked), **page})
    refuse_past(run)
    return run


def asked_reply(screen: SavedScreen) -> dict[str, Any]:
    """What everybody may see who may see the screen."""
    asked = screen.asked
    return {
        "id": screen.pk,
        "name": screen.name,
        "description": screen.description,
        "market": asked.get("market", ALL_MARKETS),
        "filters": asked.get("filters", {}),
        "where": asked.get("where"),
        "q": asked.get("q"),
        "sort_by": asked.get("sort_by", "market_cap"),
        "order": asked.get("order", "desc"),
    }


def saved_reply(screen: SavedScreen) -> dict[str, Any]:
    """What the owner sees."""
    return {
        **asked_reply(screen),
        "share_url": share_url(screen),
        "created_at": screen.created_at,
        "changed_at": screen.changed_at,
    }


def share_url(screen: SavedScreen) -> str | None:
    """The address under which others read the screen, or None."""
    if screen.share_token is None:
        return None
    return f"{settings.PUBLIC_URL}/v1/screens/shared/{screen.share_token}"

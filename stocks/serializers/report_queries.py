"""What may be asked about news, exchange rates and coins."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from datetime import date as calendar_date
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts.strict import StrictSerializer
from stocks.currencies import is_currency
from stocks.selectors.listing import MAX_CODE
from stocks.selectors.reports import Place
from stocks.serializers.days import SessionDateField

MAX_CURRENCIES = 50
LONGEST_CURSOR = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_COIN = re.compile(r"[A-Z0-9]{1,16}")
_PLACE = re.compile(r"(\d{1,17})\.(\d{1,18})")


class CurrencyField(serializers.CharField):
    """An ISO 4217 code, in any letter case."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "An ISO 4217 code such as USD.")
        super().__init__(max_length=8, **options)

    def to_internal_value(self, data: Any) -> str:
        return currency_of(super().to_internal_value(data))


class CurrenciesField(serializers.CharField):
    """ISO 4217 codes with commas between them; one given twice counts once."""

    def to_internal_value(self, data: Any) -> list[str]:  # type: ignore[override]  # a text in, a list out
        parts = [part.strip() for part in super().to_internal_value(data).split(",")]
        codes = list(dict.fromkeys(currency_of(part) for part in parts if part))
        if not codes:
            raise serializers.ValidationError("names no currency")
        if len(codes) > MAX_CURRENCIES:
            raise serializers.ValidationError(f"names {len(codes)} currencies; the most is {MAX_CURRENCIES}")
        return codes


class MomentField(serializers.DateTimeField):
    """A time in ISO 8601; one without a zone is in UTC, a date alone is its midnight."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            self.fail("invalid", format="ISO 8601")
        try:
            moment: datetime = super().to_internal_value(value)
            inside = _EARLIEST <= moment < _LATEST
        except OverflowError:
            inside = False
        if not inside:
            raise serializers.ValidationError(f"must lie between {_EARLIEST:%Y} and {_LATEST:%Y}")
        return moment


class CursorField(serializers.CharField):
    """Where a page begins, as the page before it said."""

    def to_internal_value(self, data: Any) -> Place:  # type: ignore[override]  # a text in, a place out
        text = super().to_internal_value(data)
        try:
            found = len(text) <= LONGEST_CURSOR and _PLACE.fullmatch(
                base64.urlsafe_b64decode(text.encode("ascii")).decode("ascii")
            )
        except (UnicodeError, binascii.Error):
            found = None
        if not found:
            raise serializers.ValidationError("is not a cursor that a page gave")
        return Place(_EPOCH + timedelta(microseconds=int(found[1])), int(found[2]))


class NewsQuery(StrictSerializer):
    limit = serializers.IntegerField(default=20, min_value=1, max_value=100)
    since = MomentField(required=False, help_text="Only articles of this time and later.")
    cursor = CursorField(required=False, help_text="The next_cursor of the page before.")


class MarketNewsQuery(NewsQuery):
    symbol = serializers.CharField(
        required=False, max_length=MAX_CODE, help_text="News about this stock; without it, all news."
    )


class ForexQuery(StrictSerializer):
    base = CurrencyField(default="USD")
    symbols = CurrenciesField(
        required=False,
        help_text=f"Up to {MAX_CURRENCIES} currencies, e.g. KRW,EUR; all that are known by default.",
    )
    date = SessionDateField(required=False, help_text="A past day (UTC); the latest rates by default.")

    def validate_date(self, value: calendar_date) -> calendar_date:
        if value > timezone.now().date():
            raise serializers.ValidationError("lies in the future")
        return value


class CryptoQuery(StrictSerializer):
    """A coin and a currency: ``symbol=BTC&currency=USD``, or together, ``symbol=BTC-USD`` or ``BTC/USD``."""

    symbol = serializers.CharField(max_length=24, help_text="A coin such as BTC, or a pair such as BTC-USD.")
    currency = CurrencyField(required=False, help_text="An ISO 4217 code; USD by default.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        coin, _, currency = attrs["symbol"].upper().replace("/", "-").partition("-")
        if not _COIN.fullmatch(coin):
            raise serializers.ValidationError({"symbol": ["is no symbol of a coin"]})
        if currency:
            try:
                paired = currency_of(currency)
            except serializers.ValidationError as error:
                raise serializers.ValidationError({"symbol": error.detail}) from None
            if attrs.setdefault("currency", paired) != paired:
                raise serializers.ValidationError({"currency": ["contradicts symbol"]})
        elif attrs["symbol"][len(coin) :]:
            raise serializers.ValidationError({"symbol": ["names no currency after its separator"]})
        return {"symbol": coin, "currency": attrs.get("currency", "USD")}


def currency_of(text: str) -> str:
    """The ISO 4217 code that a text spells in any letter case; raises ValidationError."""
    code = text.upper()
    if not is_currency(code):
        raise serializers.ValidationError(f"{text[:8]!r} is no ISO 4217 code of a currency")
    return code


def cursor(after: Place | None) -> str | None:
    """What CursorField reads back; None after the last page."""
    if after is None:
        return None
    microseconds = (after.published_at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{microseconds}.{after.id}".encode()).decode()

"""Whether markets trade, and when."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from stocks.figures import rounded
from stocks.hours import Session
from stocks.models import Market
from stocks.selectors.calendar import Calendar
from stocks.selectors.status import MarketStatus, Reason, State, Statuses
from stocks.serializers.days import LAST_DAY, DaysQuery
from stocks.serializers.fields import maybe, one_of

#: The longest range that one request may ask for: two years, one of them a leap year.
MOST_DAYS = 731
USUAL_DAYS = timedelta(days=90)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_AROUND_THE_CLOCK = (
    "The sandbox invents prices around the clock. "
    "The hours are those of the exchange's calendar, which its bars follow."
)


class SessionReply(serializers.Serializer[Any]):
    """One session: its date on the exchange's clock, its hours in UTC."""

    date = serializers.DateField()
    weekday = one_of(WEEKDAYS)
    opens = serializers.DateTimeField()
    closes = serializers.DateTimeField()
    pause_begins = serializers.DateTimeField(
        allow_null=True, help_text="Lunch break; most markets have none."
    )
    pause_ends = serializers.DateTimeField(allow_null=True)
    late_open = serializers.BooleanField(help_text="Opens later than usual.")
    early_close = serializers.BooleanField(help_text="Closes earlier than usual.")


class NewestQuoteReply(serializers.Serializer[Any]):
    """The newest price of the market."""

    as_of = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off
    delay_s = maybe(help_text="Seconds from the trade to its arrival.")
    age_s = maybe(help_text="Seconds since the trade.")
    stale = serializers.BooleanField(help_text="The market has traded on since.")


class MarketStatusReply(serializers.Serializer[Any]):
    market = serializers.CharField()
    name = serializers.CharField()
    mic = serializers.CharField(allow_null=True)
    country = serializers.CharField()
    timezone = serializers.CharField()
    local_time = serializers.CharField(help_text="On the exchange's clock, with its offset from UTC.")
    state = one_of(State, help_text="unknown: beyond what the calendar knows.")
    reason = one_of(Reason, allow_null=True, help_text="Why it does not trade; null while it does.")
    session = SessionReply(allow_null=True, help_text="Today's on the exchange's clock; null without one.")
    next_open = serializers.DateTimeField(allow_null=True)
    next_close = serializers.DateTimeField(
        allow_null=True, help_text="Of the session that goes on, or else of the next."
    )
    quote = NewestQuoteReply(allow_null=True)


class StatusReply(serializers.Serializer[Any]):
    now = serializers.DateTimeField()
    sandbox = serializers.BooleanField(help_text="Prices are invented and move around the clock.")
    markets = MarketStatusReply(many=True)
    notes = serializers.ListField(child=serializers.CharField())


class CalendarQuery(DaysQuery):
    """A range of at most two years; it begins today and covers 90 days where nothing is said."""

    def fill(self, days: dict[str, Any]) -> None:
        today: date = self.context["today"]
        if "from_date" not in days:
            days["from_date"] = min(today, days.get("to_date", today))
        days.setdefault("to_date", min(days["from_date"] + USUAL_DAYS, LAST_DAY))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if (attrs["to_date"] - attrs["from_date"]).days > MOST_DAYS:
            raise serializers.ValidationError({"to_date": [f"is more than {MOST_DAYS} days after from_date"]})
        return attrs


class HolidayReply(serializers.Serializer[Any]):
    date = serializers.DateField()
    weekday = one_of(WEEKDAYS)


class CalendarReply(serializers.Serializer[Any]):
    market = serializers.CharField()
    name = serializers.CharField()
    timezone = serializers.CharField()
    calendar = serializers.CharField(help_text="Name of the trading calendar.")
    from_date = serializers.DateField()
    to_date = serializers.DateField()
    known_from = serializers.DateField(help_text="The calendar knows nothing of earlier days.")
    known_to = serializers.DateField(help_text="The calendar knows nothing of later days.")
    complete = serializers.BooleanField(help_text="The calendar knows every day of the range.")
    sessions = SessionReply(many=True)
    holidays = HolidayReply(many=True, help_text="Weekdays without a session.")
    warnings = serializers.ListField(child=serializers.CharField())


def status_reply(statuses: Statuses, now: Any) -> dict[str, Any]:
    return {
        "now": now,
        "sandbox": statuses.sandbox,
        "markets": [_market_reply(one, now) for one in statuses.markets],
        "notes": [_AROUND_THE_CLOCK] if statuses.sandbox else [],
    }


def _market_reply(status: MarketStatus, now: Any) -> dict[str, Any]:
    market, hours, quote = status.market, status.hours, status.quote
    return {
        "market": market.code,
        "name": market.name,
        "mic": market.mic or None,
        "country": market.country,
        "timezone": market.timezone,
        "local_time": status.local_time.isoformat(timespec="seconds"),
        "state": hours.state,
        "reason": hours.reason,
        "session": None if hours.today is None else _session_reply(hours.today),
        "next_open": hours.next_open,
        "next_close": hours.next_close,
        "quote": None
        if quote is None
        else {
            "as_of": quote.as_of,
            "received_at": quote.received_at,
            "source": quote.source,
            "delay_s": _seconds(quote.received_at - quote.as_of),
            "age_s": _seconds(now - quote.as_of),
            "stale": quote.stale,
        },
    }


def calendar_reply(market: Market, query: dict[str, Any], calendar: Calendar) -> dict[str, Any]:
    first, last = query["from_date"], query["to_date"]
    warnings = []
    if first < calendar.known_from:
        warnings.append(f"The calendar begins on {calendar.known_from}; nothing is known of earlier days.")
    if last > calendar.known_to:
        warnings.append(f"The calendar ends on {calendar.known_to}; nothing is known of later days.")
    return {
        "market": market.code,
        "name": market.name,
        "timezone": market.timezone,
        "calendar": market.calendar,
        "from_date": first,
        "to_date": last,
        "known_from": calendar.known_from,
        "known_to": calendar.known_to,
        "complete": not warnings,
        "sessions": [_session_reply(session) for session in calendar.sessions],
        "holidays": [{"date": day, "weekday": WEEKDAYS[day.weekday()]} for day in calendar.holidays],
        "warnings": warnings,
    }


def _session_reply(session: Session) -> dict[str, Any]:
    begins, ends = session.pause or (None, None)
    return {
        "date": session.date,
        "weekday": WEEKDAYS[session.date.weekday()],
        "opens": session.opens,
        "closes": session.closes,
        "pause_begins": begins,
        "pause_ends": ends,
        "late_open": session.late_open,
        "early_close": session.early_close,
    }


def _seconds(span: timedelta) -> Decimal:
    return rounded(Decimal(str(span.total_seconds())), 3)

"""A notification in one line for people."""

from __future__ import annotations

from decimal import Decimal

from screening.models import Notification

_KINDS = {"price": "price", "change_pct": "change", "volume_ratio": "volume"}
_UNITS = {"change_pct": " %", "volume_ratio": " × its average"}
_VERBS = {
    "above": "is above",
    "below": "is below",
    "crosses": "has crossed",
    "beyond": "is more than",
    "enters": "has entered a screen",
    "leaves": "has left a screen",
}


def sentence(notification: Notification) -> str:
    """``AAPL: price 150.5 is above 150``."""
    what = _KINDS.get(notification.kind, notification.field)
    verb = _VERBS[notification.condition]
    if notification.threshold is None or notification.value is None:
        return f"{notification.stock_code} {verb}"
    unit = _UNITS.get(notification.kind, "")
    away = " away" if notification.condition == "beyond" else ""
    value, threshold = _plain(notification.value), _plain(notification.threshold)
    return f"{notification.stock_code}: {what} {value}{unit} {verb} {threshold}{unit}{away}"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

"""Standing questions: screens that are kept, alerts, and what they have told."""

from screening.models.alerts import Alert
from screening.models.live import LiveScreen, ScreenBatch, ScreenMember
from screening.models.notifications import Delivery, Notification, WebhookEndpoint
from screening.models.saved import SavedScreen

__all__ = [
    "Alert",
    "Delivery",
    "LiveScreen",
    "Notification",
    "SavedScreen",
    "ScreenBatch",
    "ScreenMember",
    "WebhookEndpoint",
]

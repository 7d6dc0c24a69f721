"""Standing questions: alerts, and what they have told."""

from screening.models.alerts import Alert, EvaluatorLease
from screening.models.notifications import Delivery, Notification, WebhookEndpoint

__all__ = ["Alert", "Delivery", "EvaluatorLease", "Notification", "WebhookEndpoint"]

"""The Celery application: scheduled and finite work."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("stockroom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "roll the sandbox forward": {
        "task": "stocks.tasks.roll_sandbox",
        "schedule": crontab(minute=5),
    },
    "compute indicators": {
        "task": "stocks.tasks.compute_latest_indicators",
        "schedule": crontab(minute=20),
    },
    # An old poll is of no use: what no worker took in time is dropped, and the next one asks anew.
    "poll quotes": {
        "task": "stocks.tasks.poll_quotes",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    # At each full minute, at which markets open and close.
    "tell when markets open and close": {
        "task": "stocks.tasks.tell_market_statuses",
        "schedule": crontab(),
        "options": {"expires": 60},
    },
    "load the end of the day": {
        "task": "stocks.tasks.load_end_of_day",
        "schedule": crontab(minute="*/10"),
        "options": {"expires": 540},
    },
    "refresh exchange rates": {
        "task": "stocks.tasks.refresh_fx",
        "schedule": crontab(minute=7),
        "options": {"expires": 3000},
    },
    "delete old rows": {
        "task": "stocks.tasks.prune_old_rows",
        "schedule": crontab(hour=4, minute=10),
    },
    "send what alerts have to send": {
        "task": "screening.tasks.send_deliveries",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "delete old notifications": {
        "task": "screening.tasks.prune_notifications",
        "schedule": crontab(hour=4, minute=25),
    },
    "apply corporate actions to portfolios": {
        "task": "portfolios.tasks.apply_corporate_actions",
        "schedule": crontab(minute="3,33"),
        "options": {"expires": 1500},
    },
    "give the tier that holds when a plan has ended": {
        "task": "accounts.billing.tasks.end_subscriptions",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "cancel orders that nobody has paid": {
        "task": "accounts.billing.tasks.lapse_orders",
        "schedule": crontab(minute=48),
        "options": {"expires": 1800},
    },
    "mail the receipts of paid orders": {
        "task": "accounts.billing.tasks.send_receipts",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "forget ended sessions": {
        "task": "accounts.tasks.prune_sessions",
        "schedule": crontab(hour=3, minute=40),
    },
}

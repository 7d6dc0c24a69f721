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
    "forget ended sessions": {
        "task": "accounts.tasks.prune_sessions",
        "schedule": crontab(hour=3, minute=40),
    },
}

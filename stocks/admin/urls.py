"""Staff pages that belong to no table, below /admin/operations/."""

from __future__ import annotations

from django.urls import path

from stocks.admin import dead_letters, providers

app_name = "operations"
urlpatterns = [
    path("providers/", providers.health, name="providers"),
    path("providers/close/", providers.close, name="close-breaker"),
    path("dead-letters/", dead_letters.letters, name="dead-letters"),
    path("dead-letters/decide/", dead_letters.decide, name="decide-dead-letters"),
]

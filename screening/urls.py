"""Routes of screening, below /v1/."""

from __future__ import annotations

from django.urls import path

from screening import views
from screening.alerts.views import alerts, notifications, webhooks
from screening.saved import views as saved

urlpatterns = [
    path("screen", views.ScreenView.as_view(), name="screen"),
    path("screen/validate", views.ScreenValidateView.as_view(), name="screen-validate"),
    path("screen/explain", views.ScreenExplainView.as_view(), name="screen-explain"),
    path("screen/export", views.ScreenExportView.as_view(), name="screen-export"),
    path("screen/templates", views.ScreenTemplatesView.as_view(), name="screen-templates"),
    path("screen/fields", views.ScreenFieldsView.as_view(), name="screen-fields"),
    path("alerts", alerts.AlertListView.as_view(), name="alerts"),
    path("alerts/<uuid:alert_id>", alerts.AlertView.as_view(), name="alert"),
    path("notifications", notifications.NotificationListView.as_view(), name="notifications"),
    path("notifications/read", notifications.NotificationsReadView.as_view(), name="notifications-read"),
    path(
        "notifications/<uuid:notification_id>", notifications.NotificationView.as_view(), name="notification"
    ),
    path("webhooks", webhooks.WebhookListView.as_view(), name="webhooks"),
    path("webhooks/<uuid:webhook_id>", webhooks.WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:webhook_id>/secret", webhooks.WebhookSecretView.as_view(), name="webhook-secret"),
    path("screens", saved.ScreenListView.as_view(), name="screens"),
    path("screens/<uuid:screen_id>", saved.ScreenOneView.as_view(), name="screens-one"),
    path("screens/<uuid:screen_id>/results", saved.ScreenResultsView.as_view(), name="screens-results"),
    path("screens/<uuid:screen_id>/share", saved.ScreenShareView.as_view(), name="screens-share"),
    path("screens/shared/<str:token>", saved.SharedScreenView.as_view(), name="screens-shared"),
    path(
        "screens/shared/<str:token>/results", saved.SharedResultsView.as_view(), name="screens-shared-results"
    ),
    path("indicators", views.IndicatorListView.as_view(), name="indicators"),
]

"""Routes of screening, below /v1/."""

from __future__ import annotations

from django.urls import path

from screening import views

urlpatterns = [
    path("screen", views.ScreenView.as_view(), name="screen"),
    path("screen/fields", views.ScreenFieldsView.as_view(), name="screen-fields"),
    path("indicators", views.IndicatorListView.as_view(), name="indicators"),
]

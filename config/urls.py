"""Every route of the HTTP side."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from config import health, pages
from config.admin_login import admin_login
from config.metrics.door import metrics

admin.site.site_header = admin.site.site_title = "Stockroom"
admin.site.index_template = "admin/stocks/index.html"

urlpatterns = [
    path("", pages.dashboard, name="dashboard"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path("admin/operations/", include("stocks.admin.urls")),
    path("admin/login/", admin_login),
    path("admin/", admin.site.urls),
    path("v1/schema", pages.SchemaView.as_view(), name="schema"),
    path("v1/docs", pages.docs, name="docs"),
    path("v1/", include("accounts.urls")),
    path("v1/", include("accounts.billing.urls")),
    path("v1/", include("stocks.urls")),
    path("v1/", include("portfolios.urls")),
    path("v1/", include("screening.urls")),
]

handler400 = "config.api.errors.bad_request"
handler403 = "config.api.errors.forbidden"
handler404 = "config.api.errors.not_found"
handler500 = "config.api.errors.server_error"

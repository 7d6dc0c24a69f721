"""Routes under ``v1/``."""

from __future__ import annotations

from django.urls import path

from accounts.views import auth, keys, registration, tiers

urlpatterns = [
    path("auth/register", auth.RegisterView.as_view(), name="auth-register"),
    path("auth/login", auth.LoginView.as_view(), name="auth-login"),
    path("auth/refresh", auth.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", auth.LogoutView.as_view(), name="auth-logout"),
    path("auth/ticket", auth.TicketView.as_view(), name="auth-ticket"),
    path("auth/me", auth.MeView.as_view(), name="auth-me"),
    path("auth/ping", auth.PingView.as_view(), name="auth-ping"),
    path("tiers", tiers.TiersView.as_view(), name="tiers"),
    path("api-keys", keys.KeyListView.as_view(), name="api-keys"),
    path("api-keys/<uuid:key_id>", keys.KeyView.as_view(), name="api-key"),
    path("register", registration.RegistrationView.as_view(), name="register"),
    # The same door under the spelling that its documentation always had; described once.
    path("register/", registration.RegistrationView.as_view(schema=None)),
    path("register/confirm", registration.ConfirmationView.as_view(), name="register-confirm"),
]

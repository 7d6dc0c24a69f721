"""Routes under ``v1/``."""

from __future__ import annotations

from django.urls import path

from accounts.views import account, auth, keys, passwords, registration, requests, tiers

urlpatterns = [
    path("auth/register", auth.RegisterView.as_view(), name="auth-register"),
    path("auth/login", auth.LoginView.as_view(), name="auth-login"),
    path("auth/refresh", auth.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", auth.LogoutView.as_view(), name="auth-logout"),
    path("auth/logout-all", account.LogoutAllView.as_view(), name="auth-logout-all"),
    path("auth/password/change", passwords.PasswordChangeView.as_view(), name="auth-password-change"),
    path("auth/password/forgot", passwords.PasswordForgottenView.as_view(), name="auth-password-forgot"),
    path("auth/password/reset", passwords.PasswordResetView.as_view(), name="auth-password-reset"),
    path("auth/email/confirm", account.EmailConfirmationView.as_view(), name="auth-email-confirm"),
    path("auth/email/resend", account.ConfirmationMailView.as_view(), name="auth-email-resend"),
    path("auth/ticket", auth.TicketView.as_view(), name="auth-ticket"),
    path("auth/me", auth.MeView.as_view(), name="auth-me"),
    path("auth/ping", auth.PingView.as_view(), name="auth-ping"),
    path("users/me", account.AccountView.as_view(), name="users-me"),
    path("tiers", tiers.TiersView.as_view(), name="tiers"),
    path("usage", requests.UsageView.as_view(), name="usage"),
    path("request-log", requests.RequestLogView.as_view(), name="request-log"),
    path("api-keys", keys.KeyListView.as_view(), name="api-keys"),
    path("api-keys/<uuid:key_id>", keys.KeyView.as_view(), name="api-key"),
    path("api-keys/<uuid:key_id>/rotate", keys.KeyRotationView.as_view(), name="api-key-rotate"),
    path("register", registration.RegistrationView.as_view(), name="register"),
    # The same door under the spelling that its documentation always had; described once.
    path("register/", registration.RegistrationView.as_view(schema=None)),
    path("register/confirm", registration.ConfirmationView.as_view(), name="register-confirm"),
]

"""Signing in to the admin is limited as signing in to the API is, before any password is hashed."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from accounts import familiar, limiter
from accounts.errors import RateLimited
from accounts.models import User
from accounts.throttling import ADDRESS
from config.api.door import address_in
from config.api.errors import refuse


def admin_login(request: HttpRequest) -> HttpResponse:
    """The admin's own page, or 429."""
    if request.method == "POST":
        email = request.POST.get("username", "").strip().lower()
        decision = limiter.take_auth(address=_address(request), email=email)
        if decision is not None:
            # The middleware writes the headers of every reply.
            setattr(request, "rate_decision", decision)  # noqa: B010 (HttpRequest declares no such attribute)
            if not decision.allowed:
                return refuse(request, RateLimited(**decision.details))
    return admin.site.login(request)


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: User, **_: object) -> None:
    """From there, nobody else's guesses keep the user out."""
    familiar.remember(email=user.email, address=_address(request))


def _address(request: HttpRequest) -> str:
    return str(request.META.get(ADDRESS) or address_in(request.META))

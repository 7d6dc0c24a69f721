"""Permissions that depend on how a user proved who they are."""

from __future__ import annotations

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Session, User


class SignedIn(IsAuthenticated):
    """A user who signed in. A key may not do what outlives it, such as making another key."""

    message = "An API key may not do this; sign in."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and isinstance(request.auth, Session)


def user_of(request: Request) -> User:
    """The user of a view that no anonymous request reaches."""
    assert isinstance(request.user, User)
    return request.user


def session_of(request: Request) -> Session:
    """The session of a view that only a signed-in user reaches."""
    assert isinstance(request.auth, Session)
    return request.auth


class Staff(SignedIn):
    """A member of staff who signed in; what staff do takes no key either."""

    message = "Only staff may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and user_of(request).is_staff

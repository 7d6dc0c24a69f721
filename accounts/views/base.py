"""What the views of accounts share."""

from __future__ import annotations

from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from accounts.throttling import AuthThrottle

# On every reply that holds a credential.
NO_STORE = {"Cache-Control": "no-store"}


class PublicView(APIView):
    """Open to everybody: an old token in the header does not stand in the way of a new one."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class AuthView(PublicView):
    """Where somebody signs in, registers, or gets at an account in another way: counted apart."""

    throttle_classes = (AuthThrottle,)
    #: Not counted as a request without a user.
    anonymous = False

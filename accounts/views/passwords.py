"""Another password, by the old one or by a mailed link."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import account_bodies as bodies
from accounts.authentication import BearerAuthentication
from accounts.links import PASSWORD_RESET
from accounts.parsers import JSON_OR_FORM
from accounts.permissions import session_of, user_of
from accounts.serializers import AcceptedReply
from accounts.services.passwords import password_change, password_reset
from accounts.tasks import ask_for_reset
from accounts.throttling import AccountThrottle, AuthThrottle
from accounts.views.base import NO_STORE, AuthView
from accounts.views.pages import JSONUnlessPage, page, wants_page

_ACCEPTED = {
    "status": "accepted",
    "message": "If the address has an account, a link that sets another password was sent to it.",
}


class PasswordChangeView(APIView):
    authentication_classes = (BearerAuthentication,)
    throttle_classes = (AccountThrottle, AuthThrottle)

    @extend_schema(
        operation_id="auth_password_change",
        tags=["auth"],
        summary="Set another password; every other session of the account ends",
        request=bodies.PasswordChange,
        responses={204: OpenApiResponse(description="Changed")},
    )
    def post(self, request: Request) -> Response:
        asked = bodies.PasswordChange.parse(request.data, user=user_of(request))
        password_change(session=session_of(request), **asked)
        return Response(status=204)


class PasswordForgottenView(AuthView):
    parser_classes = JSON_OR_FORM

    @extend_schema(
        operation_id="auth_password_forgot",
        tags=["auth"],
        summary="Have a link mailed that sets another password; the reply is the same for every address",
        request=bodies.PasswordForgotten,
        responses={202: AcceptedReply},
    )
    def post(self, request: Request) -> Response:
        ask_for_reset(bodies.PasswordForgotten.parse(request.data)["email"])
        return Response(_ACCEPTED, status=202, headers=NO_STORE)


class PasswordResetView(AuthView):
    parser_classes = JSON_OR_FORM
    content_negotiation_class = JSONUnlessPage

    @extend_schema(
        operation_id="auth_password_reset_page",
        tags=["auth"],
        summary="The page that the mailed link opens; it changes nothing",
        parameters=[bodies.LinkSecret],
        responses={(200, "text/html"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        token = bodies.LinkSecret.parse(request.query_params)["token"]
        PASSWORD_RESET.user_id(token)
        return page(request, "accounts/password_reset.html", {"token": token})

    @extend_schema(
        operation_id="auth_password_reset",
        tags=["auth"],
        summary="Set another password by a mailed link, once; every session of the account ends",
        request=bodies.PasswordReset,
        responses={204: OpenApiResponse(description="Set")},
    )
    def post(self, request: Request) -> HttpResponse:
        user = password_reset(**bodies.PasswordReset.parse(request.data))
        if wants_page(request):
            return page(request, "accounts/password_set.html", {"email": user.email})
        return Response(status=204, headers=NO_STORE)

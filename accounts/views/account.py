"""One's own account: its name, and the proof of its address."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import account_bodies as bodies
from accounts.authentication import BearerAuthentication
from accounts.links import EMAIL_CONFIRMATION
from accounts.parsers import JSON_OR_FORM
from accounts.permissions import user_of
from accounts.serializers import AccountReply
from accounts.services.sessions import sessions_end_all
from accounts.services.users import email_confirm, user_rename
from accounts.tasks import ask_for_confirmation
from accounts.throttling import AccountThrottle, AuthThrottle
from accounts.views.base import NO_STORE, PublicView
from accounts.views.pages import JSONUnlessPage, page, wants_page


class AccountView(APIView):
    @extend_schema(
        operation_id="users_me", tags=["account"], summary="Your account", responses={200: AccountReply}
    )
    def get(self, request: Request) -> Response:
        return Response(AccountReply(request.user).data)

    @extend_schema(
        operation_id="users_me_change",
        tags=["account"],
        summary="Change the name of your account",
        request=bodies.Rename,
        responses={200: AccountReply},
    )
    def patch(self, request: Request) -> Response:
        user = user_rename(user=user_of(request), **bodies.Rename.parse(request.data))
        return Response(AccountReply(user).data)


class LogoutAllView(APIView):
    authentication_classes = (BearerAuthentication,)

    @extend_schema(
        operation_id="auth_logout_all",
        tags=["auth"],
        summary="End every session of the account, this one too, at once",
        request=None,
        responses={204: OpenApiResponse(description="Signed out everywhere")},
    )
    def post(self, request: Request) -> Response:
        sessions_end_all(user=user_of(request))
        return Response(status=204)


class ConfirmationMailView(APIView):
    authentication_classes = (BearerAuthentication,)
    # The address may be anybody's: nobody is to be flooded with mail by whoever registered it.
    throttle_classes = (AccountThrottle, AuthThrottle)

    @extend_schema(
        operation_id="auth_email_resend",
        tags=["auth"],
        summary="Have the link that confirms your address mailed once more; none is where it is confirmed",
        request=None,
        responses={202: OpenApiResponse(description="Asked for")},
    )
    def post(self, request: Request) -> Response:
        ask_for_confirmation(user_of(request).email)
        return Response(status=202)


class EmailConfirmationView(PublicView):
    parser_classes = JSON_OR_FORM
    content_negotiation_class = JSONUnlessPage

    @extend_schema(
        operation_id="auth_email_confirm_page",
        tags=["auth"],
        summary="The page that the mailed link opens; it changes nothing",
        parameters=[bodies.LinkSecret],
        responses={(200, "text/html"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        token = bodies.LinkSecret.parse(request.query_params)["token"]
        EMAIL_CONFIRMATION.user_id(token)
        return page(request, "accounts/email_confirm.html", {"token": token})

    @extend_schema(
        operation_id="auth_email_confirm",
        tags=["auth"],
        summary="Confirm the address of an account by a mailed link, once",
        request=bodies.LinkSecret,
        responses={200: AccountReply},
    )
    def post(self, request: Request) -> HttpResponse:
        user = email_confirm(**bodies.LinkSecret.parse(request.data))
        if wants_page(request):
            return page(request, "accounts/email_confirmed.html", {"email": user.email})
        return Response(AccountReply(user).data, headers=NO_STORE)

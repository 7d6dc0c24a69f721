"""Accounts with a password: register, sign in, refresh, sign out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import familiar
from accounts.authentication import BearerAuthentication, maker_of
from accounts.models import Scope
from accounts.permissions import session_of
from accounts.serializers import (
    AccountReply,
    Login,
    Logout,
    PingReply,
    Refresh,
    Register,
    SignInReply,
    TicketIssue,
    TicketReply,
    TokensReply,
)
from accounts.services.sessions import session_end, session_open, session_refresh
from accounts.services.tickets import ticket_issue
from accounts.services.users import user_register
from accounts.tasks import welcome
from accounts.throttling import address_of
from accounts.views.base import NO_STORE, AuthView, PublicView


class RegisterView(AuthView):
    @extend_schema(
        operation_id="auth_register",
        tags=["auth"],
        summary="Open an account and sign in",
        request=Register,
        responses={201: SignInReply},
    )
    def post(self, request: Request) -> Response:
        signed_in = user_register(**Register.parse(request.data))
        welcome(signed_in.user.email)
        familiar.remember(email=signed_in.user.email, address=address_of(request))
        return Response(SignInReply(signed_in).data, status=201, headers=NO_STORE)


class LoginView(AuthView):
    @extend_schema(
        operation_id="auth_login",
        tags=["auth"],
        summary="Sign in with e-mail address and password",
        request=Login,
        responses={200: SignInReply},
    )
    def post(self, request: Request) -> Response:
        signed_in = session_open(**Login.parse(request.data))
        familiar.remember(email=signed_in.user.email, address=address_of(request))
        return Response(SignInReply(signed_in).data, headers=NO_STORE)


class RefreshView(PublicView):
    """A token that is good is a credential like any other; one that is refused counts as a stranger's."""

    throttle_classes = ()
    anonymous = False

    @extend_schema(
        operation_id="auth_refresh",
        tags=["auth"],
        summary="Exchange a refresh token, once, for a new pair of tokens",
        request=Refresh,
        responses={200: TokensReply},
    )
    def post(self, request: Request) -> Response:
        signed_in = session_refresh(**Refresh.parse(request.data))
        return Response(TokensReply(signed_in).data, headers=NO_STORE)


class LogoutView(APIView):
    authentication_classes = (BearerAuthentication,)

    @extend_schema(
        operation_id="auth_logout",
        tags=["auth"],
        summary="End the session: its access and refresh tokens stop working at once",
        request=Logout,
        responses={204: OpenApiResponse(description="Signed out")},
    )
    def post(self, request: Request) -> Response:
        session_end(session=session_of(request), **Logout.parse(request.data))
        return Response(status=204)


class TicketView(APIView):
    key_scopes: ClassVar[Mapping[str, str]] = {"POST": Scope.STREAM}

    @extend_schema(
        operation_id="auth_ticket",
        tags=["auth"],
        summary="Make a ticket that opens one stream or WebSocket, within 30 seconds",
        request=TicketIssue,
        responses={201: TicketReply},
    )
    def post(self, request: Request) -> Response:
        TicketIssue.parse(request.data)
        issued = ticket_issue(maker=maker_of(request))
        return Response(TicketReply(issued).data, status=201, headers=NO_STORE)


class MeView(APIView):
    @extend_schema(
        operation_id="auth_me", tags=["auth"], summary="The user who asks", responses={200: AccountReply}
    )
    def get(self, request: Request) -> Response:
        return Response(AccountReply(request.user).data)


class PingView(PublicView):
    @extend_schema(
        operation_id="auth_ping",
        tags=["auth"],
        summary="Whether the service answers",
        responses={200: PingReply},
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "ok", "message": "pong"})

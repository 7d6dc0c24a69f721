"""An API key by e-mail: ask for it, open the link, confirm."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.parsers import JSON_OR_FORM
from accounts.serializers import AcceptedReply, Confirmation, ConfirmedReply, KeyRegistration
from accounts.services.registration import registration_confirm, registration_read, registration_start
from accounts.views.base import NO_STORE, AuthView, PublicView
from accounts.views.pages import JSONUnlessPage, page, wants_page

_ACCEPTED = {
    "status": "accepted",
    "message": "A link that confirms the address was sent to it; opened, it shows the API key.",
}


class RegistrationView(AuthView):
    parser_classes = JSON_OR_FORM

    @extend_schema(
        operation_id="register",
        tags=["api-keys"],
        summary="Ask for an API key by e-mail",
        request=KeyRegistration,
        responses={202: AcceptedReply},
    )
    def post(self, request: Request) -> Response:
        asked = KeyRegistration.parse(request.data)
        registration_start(email=asked["email"], name=f"{asked['name']} {asked['last_name']}")
        return Response(_ACCEPTED, status=202, headers=NO_STORE)


class ConfirmationView(PublicView):
    parser_classes = JSON_OR_FORM
    content_negotiation_class = JSONUnlessPage

    @extend_schema(
        operation_id="register_confirm_page",
        tags=["api-keys"],
        summary="The page that the mailed link opens; it changes nothing",
        parameters=[Confirmation],
        responses={(200, "text/html"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        token = Confirmation.parse(request.query_params)["token"]
        asked = registration_read(token)
        return page(request, "accounts/confirm.html", {"token": token, "email": asked["email"]})

    @extend_schema(
        operation_id="register_confirm",
        tags=["api-keys"],
        summary="Confirm the address and receive the API key, once",
        request=Confirmation,
        responses={201: ConfirmedReply},
    )
    def post(self, request: Request) -> HttpResponse:
        issued = registration_confirm(**Confirmation.parse(request.data))
        if wants_page(request):
            context = {"api_key": issued.text, "email": issued.row.user.email}
            return page(request, "accounts/confirmed.html", context, status=201)
        return Response(ConfirmedReply(issued).data, status=201, headers=NO_STORE)

"""Webhooks of the user who asks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import SignedIn, user_of
from accounts.views.base import NO_STORE
from screening.alerts import selectors
from screening.alerts.serializers import webhooks as shapes
from screening.services import webhooks

_TAGS = ["alerts"]
_SESSION_ONLY: Any = [{"accessToken": []}]
_TIER = OpenApiResponse(description="The tier allows no more of them")


class WebhookListView(APIView):
    permission_classes = (SignedIn,)

    @extend_schema(
        operation_id="webhooks_list",
        tags=_TAGS,
        auth=_SESSION_ONLY,
        summary="The addresses that your alerts are posted to",
        responses=shapes.WebhookListReply,
    )
    def get(self, request: Request) -> Response:
        found = selectors.webhooks_of(user_of(request))
        return Response(shapes.WebhookListReply({"webhooks": found}).data)

    @extend_schema(
        operation_id="webhooks_create",
        tags=_TAGS,
        auth=_SESSION_ONLY,
        summary="Add an address; this reply shows the secret",
        request=shapes.WebhookCreate,
        responses={201: shapes.WebhookIssuedReply, 403: _TIER},
    )
    def post(self, request: Request) -> Response:
        body = shapes.WebhookCreate.parse(request.data)
        issued = webhooks.webhook_create(user=user_of(request), url=body["url"])
        return Response(shapes.WebhookIssuedReply(issued).data, status=201, headers=NO_STORE)


class WebhookView(APIView):
    permission_classes = (SignedIn,)

    @extend_schema(
        operation_id="webhooks_read",
        tags=_TAGS,
        auth=_SESSION_ONLY,
        summary="One of your webhooks",
        responses=shapes.WebhookReply,
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        return Response(shapes.WebhookReply(selectors.webhook_of(user_of(request), webhook_id)).data)

    @extend_schema(
        operation_id="webhooks_switch",
        tags=_TAGS,
        auth=_SESSION_ONLY,
        summary="Switch a webhook on or off",
        request=shapes.WebhookSwitch,
        responses=shapes.WebhookReply,
    )
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        body = shapes.WebhookSwitch.parse(request.data)
        switched = webhooks.webhook_switch(user=user_of(request), webhook_id=webhook_id, **body)
        return Response(shapes.WebhookReply(switched).data)

    @extend_schema(
        operation_id="webhooks_delete",
        tags=_TAGS,
        auth=_SESSION_ONLY,
        summary="Delete a webhook",
        responses={204: OpenApiResponse(description="Deleted")},
    )
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        webhooks.webhook_delete(user=user_of(request), webhook_id=webhook_id)
        return Response(status=204)


class WebhookSecretView(APIView):
    permission_classes = (SignedIn,)

    @extend_schema(
        operation_id="webhooks_rotate",
        tags=_TAGS,
        auth=_SESSION_ONLY,
        summary="Give a webhook another secret, at once",
        request=None,
        responses={201: shapes.WebhookIssuedReply},
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        issued = webhooks.webhook_rotate(user=user_of(request), webhook_id=webhook_id)
        return Response(shapes.WebhookIssuedReply(issued).data, status=201, headers=NO_STORE)

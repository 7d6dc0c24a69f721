"""Alerts of the user who asks."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.paging import page_of
from accounts.permissions import user_of
from screening.alerts import selectors
from screening.alerts.serializers import alerts as replies
from screening.alerts.serializers import asking
from screening.services import alerts

_TAGS = ["alerts"]
_TIER = OpenApiResponse(description="The tier allows no more of them")
_CREATE = OpenApiExample(
    "AAPL rises above 200",
    value={
        "stock_code": "AAPL",
        "kind": "price",
        "condition": "above",
        "threshold": 200,
        "hysteresis": 1,
        "cooldown_s": 3600,
        "channels": ["in_app", "email"],
    },
    request_only=True,
)
_OF_SCREEN = OpenApiExample(
    "A stock enters a saved screen",
    value={
        "screen_id": "5a0f5a6e-3a6d-4b67-8f05-7c6f4a9a1c1d",
        "kind": "screen",
        "condition": "enters",
        "channels": ["in_app", "webhook"],
    },
    request_only=True,
)


class AlertListView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="alerts_list",
        tags=_TAGS,
        summary="Your alerts, newest first",
        parameters=[asking.AlertQuery],
        responses=replies.AlertListReply,
    )
    def get(self, request: Request) -> Response:
        query = asking.AlertQuery.parse(request.query_params)
        page, per_page = query["page"], query["per_page"]
        found = selectors.alerts_of(user_of(request))
        if "stock_code" in query:
            found = found.filter(stock__code__iexact=query["stock_code"])
        if "screen_id" in query:
            found = found.filter(screen_id=query["screen_id"])
        if "status" in query:
            found = found.filter(status=query["status"])
        alerts, meta = page_of(found, page=page, per_page=per_page)
        return Response(replies.AlertListReply({"alerts": alerts, "meta": meta}).data)

    @extend_schema(
        operation_id="alerts_create",
        tags=_TAGS,
        summary="Set an alert",
        request=asking.AlertCreate,
        responses={201: replies.AlertReply, 403: _TIER},
        examples=[_CREATE, _OF_SCREEN],
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        body = asking.AlertCreate.read(request.data, user)
        alert = alerts.alert_create(user=user, now=timezone.now(), **body)
        return Response(replies.AlertReply(alert).data, status=201)


class AlertView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="alerts_read", tags=_TAGS, summary="One of your alerts", responses=replies.AlertReply
    )
    def get(self, request: Request, alert_id: UUID) -> Response:
        return Response(replies.AlertReply(selectors.alert_of(user_of(request), alert_id)).data)

    @extend_schema(
        operation_id="alerts_change",
        tags=_TAGS,
        summary="Change an alert, pause it or arm it anew",
        request=asking.AlertChange,
        responses=replies.AlertReply,
    )
    def patch(self, request: Request, alert_id: UUID) -> Response:
        user = user_of(request)
        changes = asking.AlertChange.read(request.data, selectors.alert_of(user, alert_id))
        changed = alerts.alert_change(user=user, alert_id=alert_id, changes=changes, now=timezone.now())
        return Response(replies.AlertReply(changed).data)

    @extend_schema(
        operation_id="alerts_delete",
        tags=_TAGS,
        summary="Delete an alert; its notifications stay",
        responses={204: OpenApiResponse(description="Deleted")},
    )
    def delete(self, request: Request, alert_id: UUID) -> Response:
        alerts.alert_delete(user=user_of(request), alert_id=alert_id)
        return Response(status=204)

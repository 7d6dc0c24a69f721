"""Alerts, notifications and webhooks of the user who asks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.paging import page_of
from accounts.permissions import SignedIn, user_of
from accounts.views.base import NO_STORE
from screening.alerts import selectors
from screening.alerts import serializers as shapes
from screening.services import alerts, notifications, webhooks

_TAGS = ["alerts"]
_SESSION_ONLY: Any = [{"accessToken": []}]
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
        parameters=[shapes.AlertQuery],
        responses=shapes.AlertListReply,
    )
    def get(self, request: Request) -> Response:
        query = shapes.AlertQuery.parse(request.query_params)
        page, per_page = query["page"], query["per_page"]
        found = selectors.alerts_of(user_of(request))
        if "stock_code" in query:
            found = found.filter(stock__code__iexact=query["stock_code"])
        if "screen_id" in query:
            found = found.filter(screen_id=query["screen_id"])
        if "status" in query:
            found = found.filter(status=query["status"])
        alerts, meta = page_of(found, page=page, per_page=per_page)
        return Response(shapes.AlertListReply({"alerts": alerts, "meta": meta}).data)

    @extend_schema(
        operation_id="alerts_create",
        tags=_TAGS,
        summary="Set an alert",
        request=shapes.AlertCreate,
        responses={201: shapes.AlertReply, 403: _TIER},
        examples=[_CREATE, _OF_SCREEN],
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        body = shapes.AlertCreate.read(request.data, user)
        alert = alerts.alert_create(user=user, now=timezone.now(), **body)
        return Response(shapes.AlertReply(alert).data, status=201)


class AlertView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="alerts_read", tags=_TAGS, summary="One of your alerts", responses=shapes.AlertReply
    )
    def get(self, request: Request, alert_id: UUID) -> Response:
        return Response(shapes.AlertReply(selectors.alert_of(user_of(request), alert_id)).data)

    @extend_schema(
        operation_id="alerts_change",
        tags=_TAGS,
        summary="Change an alert, pause it or arm it anew",
        request=shapes.AlertChange,
        responses=shapes.AlertReply,
    )
    def patch(self, request: Request, alert_id: UUID) -> Response:
        user = user_of(request)
        changes = shapes.AlertChange.read(request.data, selectors.alert_of(user, alert_id))
        changed = alerts.alert_change(user=user, alert_id=alert_id, changes=changes, now=timezone.now())
        return Response(shapes.AlertReply(changed).data)

    @extend_schema(
        operation_id="alerts_delete",
        tags=_TAGS,
        summary="Delete an alert; its notifications stay",
        responses={204: OpenApiResponse(description="Deleted")},
    )
    def delete(self, request: Request, alert_id: UUID) -> Response:
        alerts.alert_delete(user=user_of(request), alert_id=alert_id)
        return Response(status=204)


class NotificationListView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="notifications_list",
        tags=_TAGS,
        summary="What your alerts have told, newest first",
        parameters=[shapes.NotificationQuery],
        responses=shapes.NotificationListReply,
    )
    def get(self, request: Request) -> Response:
        query = shapes.NotificationQuery.parse(request.query_params)
        every = selectors.notifications_of(user_of(request))
        unread = every.filter(read_at__isnull=True)
        found = unread if query["unread"] else every
        if "cursor" in query:
            found = found.filter(number__lt=query["cursor"])
        # One more than asked for says whether there is another page.
        rows = list(found[: query["limit"] + 1])
        page = rows[: query["limit"]]
        body = {
            "notifications": page,
            "next_cursor": str(page[-1].number) if len(rows) > len(page) else None,
            "unread": unread.count(),
        }
        return Response(shapes.NotificationListReply(body).data)


class NotificationView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="notifications_mark",
        tags=_TAGS,
        summary="Mark a notification as read or unread",
        request=shapes.NotificationMark,
        responses=shapes.NotificationReply,
    )
    def patch(self, request: Request, notification_id: UUID) -> Response:
        body = shapes.NotificationMark.parse(request.data)
        marked = notifications.notification_mark(
            user=user_of(request), notification_id=notification_id, now=timezone.now(), **body
        )
        return Response(shapes.NotificationReply(marked).data)


class NotificationsReadView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="notifications_read",
        tags=_TAGS,
        summary="Mark a notification and all before it as read",
        request=shapes.NotificationsRead,
        responses=shapes.MarkedReply,
    )
    def post(self, request: Request) -> Response:
        body = shapes.NotificationsRead.parse(request.data)
        marked = notifications.notifications_mark_through(
            user=user_of(request), notification_id=body["through"], now=timezone.now()
        )
        return Response({"marked": marked})


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

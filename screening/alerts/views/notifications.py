"""Notifications of the user who asks."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import user_of
from screening.alerts import selectors
from screening.alerts.serializers import notifications as shapes
from screening.services import notifications

_TAGS = ["alerts"]


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

"""What a user has asked for: each request for a while, and sums by the day."""

from __future__ import annotations

from django.db.models import Sum
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.paging import page_of
from accounts.permissions import user_of
from accounts.request_serializers import (
    RequestLogQuery,
    RequestLogReply,
    UsageQuery,
    UsageReply,
    cursor_after,
)
from accounts.selectors import requests_page, usage_of


class RequestLogView(APIView):
    @extend_schema(
        operation_id="request_log",
        tags=["account"],
        summary="Your requests, newest first; a request appears within seconds",
        parameters=[RequestLogQuery],
        responses={200: RequestLogReply},
    )
    def get(self, request: Request) -> Response:
        query = RequestLogQuery.read(request.query_params)
        # One more than asked for says whether there is another page.
        rows = requests_page(user_of(request), **{**query, "limit": query["limit"] + 1})
        page = rows[: query["limit"]]
        reply = {
            "requests": page,
            "next_cursor": cursor_after(page[-1]) if len(rows) > len(page) else None,
        }
        return Response(RequestLogReply(reply).data)


class UsageView(APIView):
    @extend_schema(
        operation_id="usage",
        tags=["account"],
        summary="How often you asked for what, by day, endpoint and API key",
        parameters=[UsageQuery],
        responses={200: UsageReply},
    )
    def get(self, request: Request) -> Response:
        query = UsageQuery.read(request.query_params, now=timezone.now())
        paging = {"page": query.pop("page"), "per_page": query.pop("per_page")}
        usage = usage_of(user_of(request), **query)
        sums = usage.order_by().aggregate(requests=Sum("requests"), errors=Sum("errors"))
        page, meta = page_of(usage, **paging)
        reply = {
            "from_date": query["first"],
            "to_date": query["last"],
            "total": {name: int(number or 0) for name, number in sums.items()},
            "usage": page,
            "meta": meta,
        }
        return Response(UsageReply(reply).data)

"""Where gateways tell us what became of payments. Who they are, their signature says."""

from __future__ import annotations

from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.billing.errors import GatewayNotAvailable
from accounts.billing.gateways.registry import gateway_for_clients
from accounts.billing.serializers.replies import NoticeReply
from accounts.billing.services.notices import notice_take
from accounts.billing.views.products import TAGS
from accounts.views.base import PublicView


class WebhookView(PublicView):
    @extend_schema(
        operation_id="payments_webhook",
        tags=TAGS,
        summary="A notice of a gateway, signed by it",
        request=OpenApiTypes.OBJECT,
        responses=NoticeReply,
    )
    def post(self, request: Request, gateway: str) -> Response:
        try:
            chosen = gateway_for_clients(gateway)
        except GatewayNotAvailable:
            raise Http404 from None
        now = timezone.now()
        # The signature is over the bytes as they came.
        notice = chosen.notice(headers=request.headers, body=request._request.body, now=now)
        fresh = notice_take(gateway=gateway, notice=notice, now=now)
        return Response(NoticeReply({"received": True, "duplicate": not fresh}).data)

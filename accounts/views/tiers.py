"""What each tier may use."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.serializers import TiersReply
from accounts.tiers import doors, tiers
from accounts.views.base import PublicView


class TiersView(PublicView):
    @extend_schema(
        operation_id="tiers",
        tags=["account"],
        summary="What each tier may use",
        responses={200: TiersReply},
    )
    def get(self, request: Request) -> Response:
        at_door = doors()
        table = {
            "tiers": [at_door.anonymous, *tiers().values()],
            "auth": at_door.auth,
            "address": at_door.address,
        }
        return Response(TiersReply(table).data)

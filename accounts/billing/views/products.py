"""What is sold, and where it is taken from."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.billing.catalogue import fetch
from accounts.billing.selectors import products_on_sale
from accounts.billing.serializers.bodies import ProductsQuery, SyncBody
from accounts.billing.serializers.replies import ProductListReply, SyncReply
from accounts.billing.services.products import products_sync
from accounts.paging import page_of
from accounts.permissions import Staff
from accounts.views.base import PublicView

TAGS = ["shop"]


class ProductsView(PublicView):
    @extend_schema(
        operation_id="products_list",
        tags=TAGS,
        summary="Plans and data packs that are sold",
        parameters=[ProductsQuery],
        responses=ProductListReply,
    )
    def get(self, request: Request) -> Response:
        query = ProductsQuery.parse(request.query_params)
        products = products_on_sale(kind=query.pop("kind", None))
        page, meta = page_of(products, **query)
        return Response(ProductListReply({"products": page, "meta": meta}).data)


class ProductsSyncView(APIView):
    permission_classes = (Staff,)

    @extend_schema(
        operation_id="products_sync",
        tags=TAGS,
        summary="Take products over from a catalogue elsewhere; for staff",
        request=SyncBody,
        responses={
            200: SyncReply,
            403: OpenApiResponse(description="Not staff"),
            422: OpenApiResponse(description="The catalogue could not be read"),
        },
    )
    def post(self, request: Request) -> Response:
        url = SyncBody.parse(request.data).get("url") or settings.PRODUCT_CATALOGUE_URL
        if not url:
            raise serializers.ValidationError({"url": "is needed: the settings name no catalogue"})
        return Response(SyncReply(products_sync(rows=fetch(url))).data)

"""Orders of the user who asks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.billing.errors import BillingError
from accounts.billing.selectors import order_of, orders_of, payments_of, plans_of
from accounts.billing.serializers.bodies import NoBody, OrderBody, OrdersQuery, PayBody, PaymentsQuery
from accounts.billing.serializers.replies import (
    OrderListReply,
    OrderReply,
    PaymentListReply,
    SubscriptionReply,
)
from accounts.billing.services.orders import order_cancel, order_create, order_pay
from accounts.billing.views.products import TAGS
from accounts.paging import page_of
from accounts.permissions import user_of
from accounts.views.once import IDEMPOTENCY, Effect, once

_UNPROCESSABLE = OpenApiResponse(description="Something in it is not sold, or not taken")
_ONE_PLAN = OpenApiExample("A month of a plan", value={"products": ["pro-month"]}, request_only=True)


class OrdersView(APIView):
    @extend_schema(
        operation_id="orders_list",
        tags=TAGS,
        summary="Your orders, the newest first",
        parameters=[OrdersQuery],
        responses=OrderListReply,
    )
    def get(self, request: Request) -> Response:
        query = OrdersQuery.parse(request.query_params)
        orders = orders_of(user_of(request), status=query.pop("status", None))
        page, meta = page_of(orders, **query)
        return Response(OrderListReply({"orders": page, "meta": meta}).data)

    @extend_schema(
        operation_id="orders_create",
        tags=TAGS,
        summary="Order products at their prices of now",
        parameters=[IDEMPOTENCY],
        request=OrderBody,
        responses={201: OrderReply, 422: _UNPROCESSABLE},
        examples=[_ONE_PLAN],
    )
    def post(self, request: Request) -> Response | HttpResponse:
        now, user = timezone.now(), user_of(request)

        def prepare() -> Effect:
            quantities = OrderBody.parse(request.data)["products"]

            def effect() -> tuple[int, Any]:
                order = order_create(user=user, quantities=quantities, now=now)
                return 201, OrderReply(order_of(user, order.pk)).data

            return effect

        return once(self, request, now, prepare, refusals=BillingError)


class OrderView(APIView):
    @extend_schema(operation_id="orders_read", tags=TAGS, summary="One of your orders", responses=OrderReply)
    def get(self, request: Request, order_id: UUID) -> Response:
        return Response(OrderReply(order_of(user_of(request), order_id)).data)


class PayView(APIView):
    @extend_schema(
        operation_id="orders_pay",
        tags=TAGS,
        summary="Ask for the payment of an order; a worker carries it out",
        parameters=[IDEMPOTENCY],
        request=PayBody,
        responses={202: OrderReply, 422: _UNPROCESSABLE},
    )
    def post(self, request: Request, order_id: UUID) -> Response | HttpResponse:
        now, user = timezone.now(), user_of(request)
        order_of(user, order_id)

        def prepare() -> Effect:
            asked = PayBody.parse(request.data)

            def effect() -> tuple[int, Any]:
                order_pay(user=user, order_id=order_id, now=now, **asked)
                return 202, OrderReply(order_of(user, order_id)).data

            return effect

        return once(self, request, now, prepare, refusals=BillingError)


class CancelView(APIView):
    @extend_schema(
        operation_id="orders_cancel",
        tags=TAGS,
        summary="Cancel an order that is not paid",
        parameters=[IDEMPOTENCY],
        request=None,
        responses=OrderReply,
    )
    def post(self, request: Request, order_id: UUID) -> Response | HttpResponse:
        now, user = timezone.now(), user_of(request)
        order_of(user, order_id)
        NoBody.parse(request.data)

        def effect() -> tuple[int, Any]:
            order_cancel(user=user, order_id=order_id, now=now)
            return 200, OrderReply(order_of(user, order_id)).data

        return once(self, request, now, lambda: effect, refusals=BillingError)


class PaymentsView(APIView):
    @extend_schema(
        operation_id="payments_list",
        tags=TAGS,
        summary="Payments of your orders, the newest first",
        parameters=[PaymentsQuery],
        responses=PaymentListReply,
    )
    def get(self, request: Request) -> Response:
        query = PaymentsQuery.parse(request.query_params)
        payments = payments_of(user_of(request), status=query.pop("status", None))
        page, meta = page_of(payments, **query)
        return Response(PaymentListReply({"payments": page, "meta": meta}).data)


class SubscriptionView(APIView):
    @extend_schema(
        operation_id="subscription",
        tags=TAGS,
        summary="Your tier, the periods of your plans, and your data packs",
        responses=SubscriptionReply,
    )
    def get(self, request: Request) -> Response:
        return Response(SubscriptionReply(plans_of(user_of(request), now=timezone.now())).data)

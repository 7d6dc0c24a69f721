"""Routes of the shop under ``v1/``."""

from __future__ import annotations

from django.urls import path

from accounts.billing.views import orders, products, webhooks

urlpatterns = [
    path("products", products.ProductsView.as_view(), name="products"),
    path("products/sync", products.ProductsSyncView.as_view(), name="products-sync"),
    path("orders", orders.OrdersView.as_view(), name="orders"),
    path("orders/<uuid:order_id>", orders.OrderView.as_view(), name="order"),
    path("orders/<uuid:order_id>/pay", orders.PayView.as_view(), name="order-pay"),
    path("orders/<uuid:order_id>/cancel", orders.CancelView.as_view(), name="order-cancel"),
    path("payments", orders.PaymentsView.as_view(), name="payments"),
    path("payments/webhook/<slug:gateway>", webhooks.WebhookView.as_view(), name="payments-webhook"),
    path("subscription", orders.SubscriptionView.as_view(), name="subscription"),
]
